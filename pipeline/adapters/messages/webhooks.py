"""One call of a webhook as the Standard Webhooks specification has it: signed, pinned to a machine, bounded in size and time."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from pipeline.adapters.messages.addresses import PUBLIC_ONLY, Machine, Policy, Resolve, Target, by_system, machines, taken_apart
from pipeline.domain.errors import Invalid, Refused, Unavailable
from pipeline.domain.messages import Answer, Fate, Message

MOST_BYTES = 65_536
"""What is read of an answer."""
MOST_SENT_BYTES = 262_144
LIMIT_S = 15.0
"""A call is over after so long, however slowly the other side drips."""
_CONNECT_S = 5.0
_GONE = 410
_ASKS_TO_WAIT = frozenset({429, 502, 503, 504})
_LATER = frozenset({408, 409, 423, 425, *_ASKS_TO_WAIT})


@dataclass(frozen=True)
class Webhooks:
    """Calls webhooks. `secret` is `whsec_` with the key in base64; Invalid is raised by `checked_secret` for another."""

    secret: str
    policy: Policy = PUBLIC_ONLY
    resolve: Resolve = by_system
    limit_s: float = LIMIT_S
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def send(self, message: Message, now: datetime) -> Answer:
        """One try. Nothing is raised: whatever went wrong is in the answer."""
        body = json.dumps({"type": message.title, "timestamp": now.astimezone(UTC).isoformat(), "data": dict(message.data)})
        if len(body) > MOST_SENT_BYTES:
            return Answer(Fate.NEVER, f"The message has {len(body):,} bytes, more than a webhook carries.")
        try:
            target = taken_apart(message.to, self.policy)
            machine = machines(target, self.policy, self.resolve)[0]
            return self._call(target, machine, body, self._headers(message, body, now, target), now)
        except (Refused, Invalid) as error:
            return Answer(Fate.NEVER, str(error))
        except Unavailable as error:
            return Answer(Fate.LATER, str(error))
        except TimeoutError:
            return Answer(Fate.LATER, f"It did not answer within {self.limit_s:g} s.")
        except ssl.SSLCertVerificationError as error:
            return Answer(Fate.LATER, f"Its certificate is not for this name, or not trusted: {error.verify_message}")
        except (OSError, http.client.HTTPException) as error:
            return Answer(Fate.LATER, f"It could not be called: {error or type(error).__name__}")

    def _headers(self, message: Message, body: str, now: datetime, target: Target) -> dict[str, str]:
        moment = now.astimezone(UTC)
        return {
            "Host": target.host_header,
            "User-Agent": "Stripboard",
            "Content-Type": "application/json",
            "Connection": "close",
            "webhook-id": message.key,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(message.key, moment, body),
        }

    def _call(self, target: Target, machine: Machine, body: str, headers: dict[str, str], now: datetime) -> Answer:
        connection = _Pinned(target, machine, self.tls() if target.is_tls else None)
        over = threading.Event()
        watch = threading.Timer(self.limit_s, connection.cut, (over,))
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", target.path, body.encode(), headers)
            response = connection.getresponse()
            response.read(MOST_BYTES)
            return _answer(response.status, response.getheader("retry-after") or "", now)
        except (OSError, http.client.HTTPException):
            if over.is_set():
                raise TimeoutError from None
            raise
        finally:
            watch.cancel()
            watch.join()
            connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to exactly this machine; with TLS, the certificate must still be for the name that was asked for."""

    def __init__(self, target: Target, machine: Machine, tls: ssl.SSLContext | None) -> None:
        super().__init__(target.host, target.port, timeout=_CONNECT_S)
        self._machine = str(machine)
        self._tls = tls

    def connect(self) -> None:
        """Open it; no other name is looked up and no proxy is asked."""
        self.sock = socket.create_connection((self._machine, self.port), self.timeout)
        self.sock.settimeout(LIMIT_S)
        if self._tls is not None:
            # Two steps, so that `cut` finds the socket that the handshake runs on.
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self, over: threading.Event) -> None:
        """End it from another thread: whoever reads from it gets an end or an error at once."""
        over.set()
        sock = self.sock
        if sock is not None:
            with contextlib.suppress(OSError):  # it may have ended by itself
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def checked_secret(text: str) -> str:
    """The secret as it may be used; raises Invalid, without the secret."""
    try:
        Webhook(text)
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise Invalid("The secret for webhooks cannot be used. Write whsec_ and a key in base64.") from None
    if not text.startswith("whsec_"):
        raise Invalid("The secret for webhooks must begin with whsec_. What follows is a key in base64.")
    return text


def _answer(status: int, wait: str, now: datetime) -> Answer:
    if 200 <= status < 300:
        return Answer(Fate.SENT, f"HTTP {status}")
    if 300 <= status < 400:
        return Answer(Fate.NEVER, f"HTTP {status}: it sends callers elsewhere, which is not followed. Write the final address.")
    if status == _GONE:
        return Answer(Fate.NEVER, "HTTP 410: nobody wants these messages any more.")
    if status >= 500 or status in _LATER:
        return Answer(Fate.LATER, f"HTTP {status}", _wait_s(wait, now) if status in _ASKS_TO_WAIT else 0.0)
    # A wrong path or a missing right is often mended within the hour, and the message would be lost.
    return Answer(Fate.LATER, f"HTTP {status}: it does not take the message.")


def _wait_s(text: str, now: datetime) -> float:
    """Seconds from a header Retry-After, which is a number or a date; 0 for anything else."""
    if text.isascii() and text.isdigit() and len(text) < 8:
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0
