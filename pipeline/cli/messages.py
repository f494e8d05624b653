"""`messages`: what leaves Stripboard for people and programs, and what could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, open_studio

if TYPE_CHECKING:
    from pipeline.domain.rules.messages import Message

_SHOWN = 50


@click.group("messages", short_help="What rules tell people and programs outside.", invoke_without_command=True)
@click.pass_context
@as_json
def messages_command(context: click.Context, as_json: bool) -> int | None:
    """Notifications and webhooks of rules. Without a verb: list them."""
    return _list(as_json, is_dead=False) if context.invoked_subcommand is None else None


@messages_command.command("list")
@click.option("--dead", "is_dead", is_flag=True, help="Only what was given up.")
@as_json
def list_command(is_dead: bool, as_json: bool) -> int:
    """The newest messages, and what became of them."""
    return _list(as_json, is_dead=is_dead)


def _list(as_json: bool, *, is_dead: bool) -> int:
    with open_studio() as studio:
        found = studio.messages.latest(_SHOWN, states=("dead",) if is_dead else ())
    if as_json:
        print_json({"messages": found})
        return Exit.DONE
    if not found:
        say("Nothing was given up." if is_dead else "No rule has sent a message yet.")
        return Exit.DONE
    table(("#>", "at", "kind", "to", "state", "tries>", "about", "last error"), [_row(one) for one in found])
    return Exit.DONE


def _row(one: Message) -> tuple[object, ...]:
    about = one.payload.get("title") or one.payload.get("text") or one.payload.get("rule") or ""
    at = f"{one.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
    return one.id, at, one.kind, one.target, one.state, one.attempts, str(about)[:60], one.last_error[:80]


@messages_command.command("redeliver")
@click.argument("message", metavar="NUMBER", type=click.IntRange(1, 2**53))
def redeliver_command(message: int) -> int:
    """Send a message that was given up once more, from the beginning."""
    with open_studio() as studio:
        studio.messages.redeliver(message, actor())
    say(f"Message {message} is due again. A running engine sends it.")
    return Exit.DONE
