"""Notifications to people: a channel is a name with addresses of mail or chat, which Apprise knows how to reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.domain.errors import Invalid
from pipeline.domain.messages import Answer, Fate, Message

_MOST_CHANNELS = 200
_MOST_ADDRESSES = 50
_LONGEST_TEXT = 4_000


def read_channels(value: Any) -> dict[str, tuple[str, ...]]:
    """`{name: address or [address, …]}` as a file has it. Raises Invalid, without any address: they hold passwords."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > _MOST_CHANNELS:
        raise Invalid("The file of channels must be a list of names, each with one or more addresses.")
    found: dict[str, tuple[str, ...]] = {}
    for name, addresses in value.items():
        entries = [addresses] if isinstance(addresses, str) else addresses
        is_list = isinstance(entries, list) and 0 < len(entries) <= _MOST_ADDRESSES
        if not isinstance(name, str) or not is_list or not all(isinstance(entry, str) and "://" in entry for entry in entries):
            raise Invalid(f'The channel "{str(name)[:80]}" needs addresses like mailto://…, in the form that Apprise has.')
        found[name] = tuple(entries)
    return found


class Channels:
    """Sends notices. A channel without addresses is told in the application alone."""

    def __init__(self, channels: Mapping[str, tuple[str, ...]]) -> None:
        self._channels = channels

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that lead somewhere."""
        return tuple(self._channels)

    def send(self, message: Message) -> Answer:
        """One try. Nothing is raised: whatever went wrong is in the answer."""
        addresses = self._channels.get(message.to, ())
        if not addresses:
            return Answer(Fate.SENT, "told in Stripboard alone: the channel has no addresses")
        try:
            import apprise
        except ImportError:
            told = "Apprise is not installed. Install the packages of requirements.txt, and deliver the message again."
            return Answer(Fate.NEVER, told)
        post = apprise.Apprise()
        wrong = sum(not post.add(address) for address in addresses)
        if wrong:
            return Answer(Fate.NEVER, f"{wrong} of {len(addresses)} addresses of the channel cannot be understood.")
        try:
            is_sent = post.notify(title=message.title, body=message.text[:_LONGEST_TEXT] or message.title)
        except Exception as error:  # a plug-in of the library may raise anything
            return Answer(Fate.LATER, f"It could not be sent: {type(error).__name__}")
        return Answer(Fate.SENT, f"to {len(addresses)} addresses") if is_sent else Answer(Fate.LATER, "It was not taken.")
