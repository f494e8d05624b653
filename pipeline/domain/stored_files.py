"""What a stored file is for people, and what makes it again when it is lost."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_NOUNS = {"cell": "scene", "still": "picture", "delivery": "delivery"}
_A_NEW_RUN = "`./stripboard run PATH --new`"


@dataclass(frozen=True)
class Use:
    """One output that has a stored file as its content: whose it is, and in which run.

    `counts` says that it belongs to the approved take of its scene, to a picture that is approved, or to a sealed delivery.
    """

    sha256: str
    run_id: int
    run: str
    subject: str
    name: str
    role: str
    part: int
    counts: bool

    @property
    def words(self) -> str:
        """For example `segment 2 of scene Mara / dance in run Harbor Nights #1`."""
        whose = f"{_NOUNS[self.subject]} {self.name} in run {self.run}"
        if self.role == "scene":
            return whose
        number = "" if self.role == "package" else f" {self.part}"
        return f"{self.role.replace('_', ' ')}{number} of {whose}"

    @property
    def cure(self) -> str:
        """What makes it again; nothing where nothing does."""
        if not self.counts:
            return ""
        if self.subject == "cell":
            return f"`./stripboard retry {self.run_id}` makes it again."
        if self.subject == "delivery":
            return f"`./stripboard deliver {self.run_id} --again` makes another one."
        return f"{_A_NEW_RUN} makes it again."


def lost(fault: str, uses: Sequence[Use], in_the_way: str = "") -> str:
    """A fault of a stored file with whose it is and its cure. `in_the_way` is the path of one that looks as if it were whole."""
    if not uses:
        return f"{fault}: a file that a person gave. {_removed(in_the_way)}{_A_NEW_RUN} of its production takes it in again."
    first = next((use for use in uses if use.counts), uses[0])
    more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
    if not first.cure:
        return f"{fault}: {first.words}{more}. Nothing that counts needs it; only a backup restores it."
    return f"{fault}: {first.words}{more}. {_removed(in_the_way)}{first.cure}"


def _removed(path: str) -> str:
    return f"Remove it, `rm {shlex.quote(path)}`, then " if path else ""
