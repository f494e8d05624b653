"""What brings messages outside, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.domain.errors import Invalid

if TYPE_CHECKING:
    from pipeline.adapters.messages.sender import Sender
    from pipeline.settings import Settings


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
    from pipeline.adapters import yaml_files
    from pipeline.adapters.messages.channels import read_channels

    path = settings.channels_file
    if not path.exists():
        return {}
    document = yaml_files.load(path)
    if document.issues:
        raise Invalid(f"{path} cannot be read: {document.issues[0].message}")
    return read_channels(document.data)
