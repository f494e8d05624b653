"""The sender of all messages: notices go to channels, webhooks to addresses."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.adapters.messages.channels import Channels
from pipeline.adapters.messages.webhooks import Webhooks
from pipeline.domain.messages import Answer, Message, MessageKind

_KEY_BYTES = 32


@dataclass(frozen=True)
class Sender:
    """The port MessageSender over channels and webhooks."""

    channels: Channels
    webhooks: Webhooks

    def send(self, message: Message, now: datetime) -> Answer:
        """One try of one message."""
        if message.kind is MessageKind.WEBHOOK:
            return self.webhooks.send(message, now)
        return self.channels.send(message)


def kept_secret(folder: Path) -> str:
    """The secret that this installation signs webhooks with; made at the first call, readable by its owner alone."""
    path = folder / "webhooks.secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = "whsec_" + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        draft = folder / f".webhooks.secret.{secrets.token_hex(8)}"
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="ascii")
        try:
            os.link(draft, path)  # whoever comes second keeps the first one's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
