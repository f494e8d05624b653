"""`agent`: on a machine with graphics cards, tell a server what they say."""

from __future__ import annotations

import platform
import signal
import threading

import click

from pipeline import settings
from pipeline.cli.console import say
from pipeline.cli.exits import Exit
from pipeline.cli.text import counted
from pipeline.domain.errors import Invalid


@click.command("agent", short_help="Tell a server what the graphics cards of this machine say.")
@click.option("--server", required=True, metavar="URL", help="The server, such as http://board.studio:8050.")
@click.option(
    "--key", metavar="KEY", help="The key of agents; better in STRIPBOARD_AGENT_KEY, where no list of programs shows it."
)
@click.option("--worker", metavar="NAME", help="The worker whose cards these are; default: the name of this machine.")
@click.option(
    "--every", type=click.FloatRange(1, 600), default=10, show_default=True, metavar="S", help="Seconds between readings."
)
@click.option("--device", "devices", type=click.IntRange(0), multiple=True, metavar="N", help="Only this card, by its number.")
def agent_command(server: str, key: str | None, worker: str | None, every: float, devices: tuple[int, ...]) -> int:
    """Read the graphics cards of this machine and tell a server, until Ctrl-C. Needs no database and opens no port."""
    from pipeline.wiring_fleet import open_agent

    secret = settings.agent_key(key or "") or settings.load().agent_key
    if not secret:
        raise Invalid("The server asks for a key. Put the server's STRIPBOARD_AGENT_KEY into that variable here, or use --key.")
    name = worker or platform.node()
    over = threading.Event()
    with open_agent(server=server, worker=name, key=secret, every_s=every, devices=devices, tell=say) as agent:
        cards = agent.cards()
        told = ", ".join(f"{card.device}: {card.name}" for card in cards)
        say(
            f"Reads {counted(len(cards), 'card')} every {every:g} s ({told}) and tells {server} as worker {name}. Ctrl-C ends it."
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        agent.run(over)
        if agent.waiting:
            say(f"{counted(agent.waiting, 'reading')} could not be told.")
    say("The agent has ended.")
    return Exit.DONE
