"""`workers`: the machines that generate, as a fleet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import counted
from pipeline.domain.cost_keys import told_apart
from pipeline.domain.costs import money
from pipeline.domain.fleet.workers import DEFAULT_PLACES
from pipeline.domain.graphics_memory import in_words
from pipeline.domain.workers import MOST_PLACES, WorkerState, outcome

if TYPE_CHECKING:
    from pipeline.domain.telemetry.readings import Reading
    from pipeline.wiring_fleet import Card, Standing, Workers

worker_argument = click.argument("worker", metavar="WORKER")
tag_option = click.option("--tag", "tags", multiple=True, metavar="TAG",
                          help="A word that productions may ask for (worker_tags), such as 48gb.")  # fmt: skip
price_option = click.option("--cost-per-hour", type=click.FloatRange(0), metavar="N", help="What an hour of it costs.")
places_option = click.option("--places", type=click.IntRange(1, MOST_PLACES), metavar="N",
                             help="How many jobs it may have at once: one runs, the others wait at its server.")  # fmt: skip


@click.group("workers", short_help="The machines that generate, as a fleet.", invoke_without_command=True)
@click.pass_context
@as_json
def workers_command(context: click.Context, as_json: bool) -> int | None:
    """The machines that run ComfyUI for productions with `backend: comfyui`. Without a verb: list them."""
    return _list(as_json) if context.invoked_subcommand is None else None


def _list(as_json: bool) -> int:
    with open_studio() as studio:
        found, cards = studio.workers.all(), studio.telemetry.latest()
        now = studio.clock.now()
    if as_json:
        told = {one.worker.name: [_card(card) for card in cards.get(one.worker.id, ())] for one in found}
        print_json({"workers": found, "cards": told})
        return Exit.DONE
    if not found:
        say("There is no worker yet. Add one: `./stripboard workers add gpu-1 http://HOST:8188`")
        return Exit.DONE
    columns = ("worker", "address", "state", "health", "GPU", "memory", "°C>", "use>", "jobs>", "an hour>", "set aside for")
    current = {key: [card.reading for card in each if card.reading.is_current(now)] for key, each in cards.items()}
    table(columns, [_row(standing, current.get(standing.worker.id, ())) for standing in found])
    return Exit.DONE


def _row(standing: Standing, cards: Sequence[Reading]) -> tuple[object, ...]:
    worker = standing.worker
    health = f"{worker.health.value}: {worker.health_reason}" if worker.health_reason else worker.health.value
    memory = in_words(worker.memory_bytes) if worker.memory_bytes else ""
    price = money(worker.cost_per_hour) if worker.cost_per_hour else ""
    told = told_apart(record.work for record in standing.records)
    aside = ", ".join(told[record.work] for record in standing.records if record.aside_since)
    state = f"{worker.state.value}: {worker.pause_reason}" if worker.pause_reason else worker.state.value
    heat = ", ".join(f"{card.temperature_c:.0f}" for card in cards if card.temperature_c is not None)
    use = ", ".join(f"{card.use:.0%}" for card in cards if card.use is not None)
    jobs = f"{standing.busy} of {worker.places}" + (f", {worker.others} of others" if worker.others else "")
    return worker.name, worker.url, state, health, worker.gpu, memory, heat, use, jobs, price, aside


@workers_command.command("readings")
@worker_argument
@click.option("--hours", type=click.FloatRange(0.01, 168), default=1, show_default=True, metavar="H", help="How far back.")
@click.option(
    "--points", type=click.IntRange(1, 2000), default=20, show_default=True, metavar="N", help="At most so many a card."
)
@as_json
def readings_command(worker: str, hours: float, points: int, as_json: bool) -> int:
    """What the graphics cards of a worker told lately, each card by itself."""
    with open_studio() as studio:
        found, now = studio.workers.find(worker), studio.clock.now()
        told = studio.telemetry.history(found, since=now - timedelta(hours=hours), until=now, points=points)
        cards = studio.telemetry.latest().get(found.id, ())
    if as_json:
        print_json({"readings": told, "cards": [_card(card) for card in cards]})
        return Exit.DONE
    if not told:
        say(f'Nothing is known of the cards of "{found.name}". Run `./stripboard agent` on its machine.')
        return Exit.DONE
    table(("at", "card", "°C>", "use>", "memory>", "power>", "clock>"), [_reading_row(each) for each in told])
    for card in cards:
        if card.verdict.words:
            say(f"card {card.verdict.device}, {card.verdict.words}", style="yellow")
    return Exit.DONE


def _card(card: Card) -> dict[str, object]:
    return {"reading": card.reading, "level": card.verdict.level, "words": card.verdict.words}


def _reading_row(reading: Reading) -> tuple[object, ...]:
    memory = "" if reading.memory_used_bytes is None else in_words(reading.memory_used_bytes)
    return (
        f"{reading.at:%Y-%m-%d %H:%M:%S}",
        f"{reading.device}: {reading.name}",
        "" if reading.temperature_c is None else f"{reading.temperature_c:.0f}",
        "" if reading.use is None else f"{reading.use:.0%}",
        f"{memory} of {in_words(reading.memory_bytes)}" if memory and reading.memory_bytes else memory,
        "" if reading.power_w is None else f"{reading.power_w:.0f} W",
        "" if reading.clock_mhz is None else f"{reading.clock_mhz} MHz",
    )


@workers_command.command("add")
@click.argument("name")
@click.argument("url")
@tag_option
@price_option
@places_option
@as_json
def add_command(
    name: str, url: str, tags: tuple[str, ...], cost_per_hour: float | None, places: int | None, as_json: bool
) -> int:
    """Add the ComfyUI server at URL (http://host:8188) under a NAME of your choice, and look at it."""
    with open_studio() as studio:
        worker = studio.workers.register(
            name, url, actor(), tags=tags, cost_per_hour=cost_per_hour or 0.0, places=places or DEFAULT_PLACES
        )
        [seen] = studio.workers.look([worker])
    if as_json:
        print_json(seen)
        return Exit.DONE
    told = f": {seen.health_reason}" if seen.health_reason else ""
    say(f'"{seen.name}" is registered, and is {seen.health.value}{told}', style="green" if seen.may_work else "yellow")
    return Exit.DONE


@workers_command.command("apply")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@as_json
def apply_command(path: Path, as_json: bool) -> int:
    """Register the workers that FILE lists, all of them or none, and look at them; those that are there are changed."""
    from pipeline.wiring_fleet import load_workers

    wanted = load_workers(path)
    with open_studio() as studio:
        before = {one.worker.id: one.worker for one in studio.workers.all()}
        found = studio.workers.look(studio.workers.apply(wanted, actor()))
    outcomes = {worker.name: outcome(before.get(worker.id), worker) for worker in found}
    if as_json:
        print_json({"workers": found, "outcomes": outcomes})
        return Exit.DONE
    for worker in found:
        told = f": {worker.health_reason}" if worker.health_reason else ""
        done = f"is {outcomes[worker.name]}, and is {worker.health.value}{told}"
        say(f'"{worker.name}" {done}', style="green" if worker.may_work else "yellow")
    return Exit.DONE


@workers_command.command("scan")
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@tag_option
@as_json
def scan_command(urls: tuple[str, ...], tags: tuple[str, ...], as_json: bool) -> int:
    """Look at these addresses, and register every server that answers and is not known yet."""
    with open_studio() as studio:
        scan = studio.workers.scan(urls, actor(), tags=tags)
    if as_json:
        print_json(scan)
        return Exit.DONE
    for worker in scan.registered:
        say(f'"{worker.name}" is registered: {worker.gpu or worker.url}', style="green")
    for url, reason in scan.left_out.items():
        say(f"{url}: {reason}", style="yellow")
    say(f"{counted(len(scan.registered), 'worker')} registered.")
    return Exit.DONE


@workers_command.command("look")
@as_json
def look_command(as_json: bool) -> int:
    """Look at every worker now; ends with 1 when one of them is not well."""
    with open_studio() as studio:
        found = studio.workers.look_again()
    if as_json:
        print_json({"workers": found})
    for worker in [] if as_json else found:
        told = f": {worker.health_reason}" if worker.health_reason else ""
        say(f"{worker.name} is {worker.health.value}{told}", style="green" if worker.may_work else "yellow")
    return Exit.DONE if all(worker.health.value == "well" for worker in found) else Exit.FAILED


@workers_command.command("test")
@worker_argument
@as_json
def test_command(worker: str, as_json: bool) -> int:
    """Let a worker do something tiny from end to end: the only sure sign of health."""
    with open_studio() as studio:
        found = studio.workers.find(worker)
        studio.workers.test(found)
    if as_json:
        print_json({"worker": found.name, "works": True})
    else:
        say(f'"{found.name}" works.', style="green")
    return Exit.DONE


def _state_command(verb: str, state: WorkerState, told: str, text: str) -> None:
    @workers_command.command(verb, help=text)
    @worker_argument
    def change(worker: str) -> int:
        with open_studio() as studio:
            found = studio.workers.set_state(studio.workers.find(worker), state, actor())
        say(f'"{found.name}" {told}')
        return Exit.DONE


_state_command("enable", WorkerState.ENABLED, "takes work.", "Let a worker take work.")
_state_command("pause", WorkerState.PAUSED, "takes no new work until it is enabled.", "Let a worker take no new work for now.")
_state_command("drain", WorkerState.DRAINING, "finishes what it has and takes no new work.", "Let a worker finish what it has.")


@workers_command.command("edit")
@worker_argument
@click.option("--name", help="Another name; what the worker has done goes with it.")
@tag_option
@price_option
@places_option
def edit_command(worker: str, name: str | None, tags: tuple[str, ...], cost_per_hour: float | None, places: int | None) -> int:
    """Give a worker another name, other tags (all of them; `--tag ""` takes them away), another price, or more or fewer jobs at
    once."""
    if not tags and (name, cost_per_hour, places) == (None, None, None):
        raise click.UsageError("Give --name, --tag, --cost-per-hour or --places.")
    wanted = None if not tags else () if tags == ("",) else tags

    def edit(verbs: Workers, found: Any) -> object:
        return verbs.edit(found, actor(), name=name, tags=wanted, cost_per_hour=cost_per_hour, places=places)

    return _done(worker, edit, "changed")


@workers_command.command("remove")
@worker_argument
def remove_command(worker: str) -> int:
    """Forget a worker that has no work."""
    return _done(worker, lambda verbs, found: verbs.remove(found, actor()), "removed")


@workers_command.command("take-back")
@worker_argument
@click.argument("work")
def take_back_command(worker: str, work: str) -> int:
    """Give a worker that was set aside for a kind of WORK, as `workers` tells it, such work again at once."""
    return _done(worker, lambda verbs, found: verbs.take_back(found, work, actor()), "taken back")


def _done(worker: str, verb: Callable[[Workers, Any], object], told: str) -> int:
    with open_studio() as studio:
        found = studio.workers.find(worker)
        verb(studio.workers, found)
    say(f'"{found.name}" is {told}.')
    return Exit.DONE
