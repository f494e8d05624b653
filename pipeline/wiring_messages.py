"""What brings messages outside, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.domain.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from data.store import Stores
    from pipeline.adapters.messages.sender import Sender
    from pipeline.domain.messages import Answer, Message
    from pipeline.ports import Clock
    from pipeline.services.messages import Messages
    from pipeline.settings import Settings


def build_messages(settings: Settings, stores: Stores, clock: Clock) -> Messages:
    """The outbox with its sender, which is put together when the first message leaves."""
    from pipeline.services.messages import Messages

    return Messages(stores, LateSender(settings), clock)


class LateSender:
    """The sender of the settings, made at the first message: most programs of an installation never send one.

    Settings that cannot be used are told with every message, which stays in the outbox until somebody has mended them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sender: Sender | None = None

    def send(self, message: Message, now: datetime) -> Answer:
        """One try of one message."""
        from pipeline.domain.messages import Answer, Fate

        try:
            sender = self._sender = self._sender or build_sender(self._settings)
        except (Invalid, OSError) as error:
            return Answer(Fate.LATER, str(error))
        return sender.send(message, now)


def build_sender(settings: Settings) -> Sender:
    """The sender of notices and webhooks. Raises Invalid for a file of channels, a secret or a network that cannot be used."""
    from pipeline.adapters.messages.addresses import Policy, networks
    from pipeline.adapters.messages.channels import Channels
    from pipeline.adapters.messages.sender import Sender, kept_secret
    from pipeline.adapters.messages.webhooks import Webhooks, checked_secret

    secret = checked_secret(settings.webhook_secret or kept_secret(settings.credentials_root))
    policy = Policy(networks(settings.webhook_networks), settings.webhook_http)
    return Sender(Channels(channels(settings)), Webhooks(secret, policy))


def channels(settings: Settings) -> dict[str, tuple[str, ...]]:
    """The channels of the file of channels, with their addresses; none without a file."""
    path = settings.channels_file
    if not path.exists():
        return {}
    from pipeline.adapters import yaml_files
    from pipeline.adapters.messages.channels import read_channels

    document = yaml_files.load(path)
    if document.issues:
        raise Invalid(f"{path} cannot be read: {document.issues[0].message}")
    return read_channels(document.data)
