"""May this be spent? Pure arithmetic over limit, spent and reserved."""

from __future__ import annotations

from dataclasses import dataclass


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

    def charge(self, reserved: float, used: float) -> Account:
        """The account after an attempt that held `reserved` ended having used `used`.

        The charge never exceeds what was reserved plus what is free: an attempt is stopped before it could cost more.
        """
        released = max(0.0, self.reserved - reserved)
        room = float("inf") if self.limit is None else max(0.0, self.limit - self.spent - released)
        return Account(self.limit, self.spent + min(used, room), released)
