"""Tells a server of Stripboard what the cards of this machine say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

from pipeline.domain.errors import Invalid, NotFound, Refused, StripboardError, Unavailable
from pipeline.domain.telemetry.readings import Reading

_PATIENCE_S = (5, 15)
_MOST_SAID = 500
_ERRORS: dict[int, type[StripboardError]] = {401: Refused, 403: Refused, 404: NotFound, 413: Invalid, 422: Invalid}


class ReadingsPost:
    """A `ReadingsSink` (see `pipeline.ports`) over the REST route of one worker. The key is in no message of it."""

    def __init__(self, server: str, worker: str, key: str) -> None:
        self._url = f"{_checked(server)}/api/v1/workers/{quote(worker, safe='')}/readings"
        self._session = requests.Session()
        self._session.auth = _Bearer(key)

    def send(self, readings: Sequence[Reading], now: datetime) -> None:
        """Hand these over. Raises Refused, NotFound or Invalid with what the server says, and Unavailable when it is away."""
        body = {"sent_at": now.isoformat(), "readings": [_plain(each) for each in readings]}
        try:
            # A redirect would take the key to wherever it points.
            answer = self._session.post(self._url, json=body, timeout=_PATIENCE_S, allow_redirects=False)
        except requests.RequestException as error:
            raise Unavailable(f"{self._url} does not answer ({type(error).__name__}).") from None
        if answer.status_code != HTTPStatus.OK:
            raise _ERRORS.get(answer.status_code, Unavailable)(_said(answer))

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


class _Bearer(AuthBase):
    """Set for each request, so that a .netrc of this machine does not replace it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _checked(server: str) -> str:
    try:
        parts = urlsplit(server)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address or parts.username is not None or parts.query or parts.fragment:
        raise Invalid("--server is not an address. Write it as http://HOST:8050.")
    return server.rstrip("/")


def _plain(reading: Reading) -> dict[str, Any]:
    return {**dataclasses.asdict(reading), "at": reading.at.isoformat()}


def _said(answer: requests.Response) -> str:
    """What the server says is wrong, as far as it is a server of Stripboard."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"It answered {answer.status_code}: is it a server of Stripboard?"
    return str(detail)[:_MOST_SAID]
