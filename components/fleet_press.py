"""Presses of the page of the fleet: attributes of buttons, which assets/fleet.js hands to one store as a dictionary."""

from __future__ import annotations


def pressed(verb: str, *, worker: int = 0, place: str = "card") -> dict[str, str]:
    """The attributes of a button that does something to a worker; 0 is all of them that it concerns."""
    return {"data-fleet": verb, "data-worker": str(worker), "data-place": place}


def moved(job: int, by: int) -> dict[str, str]:
    """The attributes of a button that serves a waiting scene sooner (1) or later (-1)."""
    return {"data-fleet": "move", "data-job": str(job), "data-by": str(by)}


def asking() -> dict[str, str]:
    """The attributes of a button that opens the dialog for what if."""
    return {"data-fleet": "what_if", "data-place": "head", "data-command": "What if there were other workers?"}


def adding() -> dict[str, str]:
    """The attributes of a button that opens the dialog for new workers."""
    return {"data-fleet": "add", "data-command": "Add a worker"}
