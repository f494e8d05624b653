"""Speaks to the REST routes of a house without a network."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import Any

import httpx
from PIL import Image

from pipeline import wiring_serving
from pipeline.api import application
from tests.factories import House
from tests.halls import Hall
from tests.production_documents import text

API = "/api/v1"


class RestClient:
    """The application over a house's studio, behind no guard; `of` another studio on the same database is another server."""

    def __init__(self, house: House | Hall, studio: Any = None) -> None:
        self.api = application.build(studio or house.studio, wiring_serving.idle)
        application.close(self.api)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Read something."""
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Change something; with a body as JSON, and an idempotency key when given."""
        headers = {**options.pop("headers", {}), **({"Idempotency-Key": key} if key else {})}
        return self.ask("POST", path, json=body, headers=headers, **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request."""
        return asyncio.run(self._ask(method, path, **options))

    def together(self, count: int, method: str, path: str, **options: Any) -> list[httpx.Response]:
        """The same request several times at once."""

        async def all_at_once() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._ask(method, path, **options) for _ in range(count))))

        return asyncio.run(all_at_once())

    def pages(self, path: str, **parameters: Any) -> list[list[Any]]:
        """Every page of a list, one after the other."""
        found = []
        cursor: str | None = ""
        while cursor is not None:
            answer = self.get(path, params={**parameters, **({"cursor": cursor} if cursor else {})})
            assert answer.status_code == 200, answer.text
            found.append(answer.json()["items"])
            cursor = answer.json()["next"]
        return found

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8050") as client:
            return await client.request(method, path if path.startswith("/") else f"{API}/{path}", **options)


def problem(answer: httpx.Response, status: int) -> str:
    """The answer is a problem document of this status; what it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: Mapping[str, Any] = answer.json()
    assert found["status"] == status and found["title"]
    return str(found["detail"])


def picture(colour: str = "teal", side: int = 160) -> bytes:
    """A small PNG."""
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, "PNG")
    return out.getvalue()


def source(client: RestClient, **changes: Any) -> dict[str, Any]:
    """The small production and its picture, which is sent at once."""
    sent = client.ask("POST", "files", content=picture())
    assert sent.status_code == 201, sent.text
    return {"yaml": text(**changes), "files": {"assets/mara.png": sent.json()["sha256"]}}
