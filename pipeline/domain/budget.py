"""May this be spent? Pure arithmetic over limit, spent and reserved, and over the levels at which something happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from pipeline.domain.errors import Invalid

MOST_THRESHOLDS = 10
_NO_MORE_THAN_ROUNDING = 1e-9


class Scope(StrEnum):
    """Whose spending a budget bounds: of all runs of a production, of all runs that somebody made, or of one run."""

    PROJECT = "project"
    USER = "user"
    RUN = "run"


class Quantity(StrEnum):
    """What is counted: seconds of generation, money in the currency of the installation, bytes of disk."""

    GPU_SECONDS = "gpu_seconds"
    MONEY = "money"
    DISK_BYTES = "disk_bytes"


class Action(StrEnum):
    """What happens at a level: people are told; no new generation starts; what is being generated is stopped as well."""

    NOTIFY = "notify"
    FINISH = "finish"
    CANCEL = "cancel"


QUANTITY_WORDS = {Quantity.GPU_SECONDS: "the GPU-hours", Quantity.MONEY: "the money", Quantity.DISK_BYTES: "the disk"}
ACTION_WORDS = {
    Action.NOTIFY: "nothing is stopped",
    Action.FINISH: "no new generation starts",
    Action.CANCEL: "generation is stopped",
}


@dataclass(frozen=True)
class Threshold:
    """A level in percent of the limit, and what happens when so much is spent."""

    at_percent: float
    action: Action


@dataclass(frozen=True)
class Account:
    """One budget in one unit. Invariant: spent + reserved ≤ limit (limit None = unlimited)."""

    limit: float | None
    spent: float
    reserved: float

    @property
    def free(self) -> float:
        """What may still be reserved."""
        return float("inf") if self.limit is None else max(0.0, self.limit - self.spent - self.reserved)

    def covers(self, amount: float) -> bool:
        """Whether `amount` may be reserved now."""
        return amount <= self.free

    def reserve(self, amount: float) -> Account:
        """The account after reserving `amount` (which it must cover)."""
        return Account(self.limit, self.spent, self.reserved + amount)

    def room(self, reserved: float) -> float:
        """The most that may be charged to who holds `reserved` of what is reserved: that, and what is free."""
        return float("inf") if self.limit is None else max(0.0, self.limit - self.spent - max(0.0, self.reserved - reserved))

    def charge(self, reserved: float, used: float) -> Account:
        """The account after an attempt that held `reserved` ended having used `used`.

        The charge never exceeds what was reserved plus what is free: an attempt is stopped before it could cost more.
        """
        left = self.reserved - reserved
        return Account(self.limit, self.spent + min(used, self.room(reserved)), left if left > _NO_MORE_THAN_ROUNDING else 0.0)


@dataclass(frozen=True)
class Charge:
    """What an attempt was charged with when it ended: seconds and money. Time that no budget pays for is told at no cost."""

    seconds: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True)
class Budget:
    """One limit with its levels, in the unit of its quantity. `name` says whose it is, in words.

    `subject` is the number of the project or run, or the name of the user. Thresholds are in order; the first `fired` of them
    have been acted on. A run's own limits are kept with the run, and are shown here like the others.
    """

    id: int
    scope: Scope
    subject: str
    quantity: Quantity
    limit: float | None
    spent: float
    reserved: float
    thresholds: tuple[Threshold, ...] = ()
    fired: int = 0
    name: str = ""

    @property
    def account(self) -> Account:
        """Its three numbers."""
        return Account(self.limit, self.spent, self.reserved)

    @property
    def share(self) -> float:
        """The share of the limit that is spent; 0 without a limit."""
        return self.spent / self.limit if self.limit else 0.0

    @property
    def stops(self) -> Threshold | None:
        """The level because of which no new generation starts, if there is one: the first that was reached."""
        return next((level for level in self.thresholds[: self.fired] if level.action is not Action.NOTIFY), None)

    @property
    def pressure(self) -> tuple[bool, bool, float]:
        """For sorting by what presses: what has stopped work most, disk least, the fuller before the emptier."""
        return (self.stops is not None, self.quantity is not Quantity.DISK_BYTES, self.share)


def reached(thresholds: Iterable[Threshold], account: Account) -> int:
    """How many levels, which are in order, what is spent has reached."""
    if account.limit is None:
        return 0
    spent = account.spent * (1 + _NO_MORE_THAN_ROUNDING)
    return sum(1 for level in thresholds if account.limit and spent >= account.limit * level.at_percent / 100)


def in_order(thresholds: Iterable[Threshold]) -> tuple[Threshold, ...]:
    """The levels from the lowest up. Raises Invalid for more than ten, for one twice, or outside of 0 to 100 percent."""
    found = tuple(sorted(thresholds, key=lambda level: level.at_percent))
    if len(found) > MOST_THRESHOLDS:
        raise Invalid(f"A budget has {MOST_THRESHOLDS} thresholds at most, not {len(found)}. Leave some out.")
    for level in found:
        if not 0 < level.at_percent <= 100:
            raise Invalid(f"A threshold at {level.at_percent:g} % of the limit cannot be. Use a number above 0 and up to 100.")
    twice = [one.at_percent for one, next_one in pairwise(found) if one.at_percent == next_one.at_percent]
    if twice:
        raise Invalid(f"There are two thresholds at {twice[0]:g} %. Keep one of them.")
    return found


def parse_levels(text: str) -> tuple[Threshold, ...]:
    """`80, 95:finish, 100:cancel` as levels in order; a number alone notifies. Raises Invalid for what is no level."""
    return in_order(parse_level(part) for part in text.replace(";", ",").split(",") if part.strip())


def parse_level(text: str) -> Threshold:
    """`80`, `80:notify` or `95%:finish` as a level. Raises Invalid."""
    at, _, action = text.partition(":")
    try:
        return Threshold(float(at.strip().removesuffix("%")), Action(action.strip() or "notify"))
    except ValueError as error:
        raise Invalid(f'"{text.strip()}" is no level. Write it like 80, 90:finish or 100:cancel.') from error
