"""`deliver` and `verify-delivery`."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.entry import tell
from pipeline.cli.exits import Exit
from pipeline.cli.outcomes import show_lines, tell_of_hindrances, work
from pipeline.cli.studios import actor, open_studio, run_argument
from pipeline.domain.delivery import UNDER_WAY
from pipeline.domain.stages import Phase
from pipeline.domain.statuses import DeliveryStatus

_SHOWN = 20


@click.command("deliver", short_help="Seal a delivery of everything approved.")
@run_argument
@click.option("--again", is_flag=True, help="Make another package, even when just this is sealed already.")
@as_json
def deliver_command(run: str | None, again: bool, as_json: bool) -> int:
    """Package everything approved, verify the package and seal it. Ends with 1 and the list when something is missing.

    What is still being made is finished first. What is sealed already is only placed once more where people look for it.
    """
    with open_studio() as studio:
        found = studio.runs.find(run)
        missing = studio.deliveries.missing(found)
        is_under_way = bool(missing) and all(entry.status in UNDER_WAY for entry in missing)
        if missing and not is_under_way:
            if as_json:
                print_json({"run": {"id": found.id, "name": found.name}, "missing": missing, "delivery": None})
            else:
                tell("conflict", f"Run {found.name} cannot be delivered yet; {len(missing)} missing:", as_json=False)
                show_lines([entry.message for entry in missing[:_SHOWN]])
                if len(missing) > _SHOWN:
                    say(f"  and {len(missing) - _SHOWN:,} more; --json lists all.")
                tell_of_hindrances(found, studio.reports.matrix(found.id).hindrances)
            return Exit.FAILED
        if is_under_way or any(delivery.status is DeliveryStatus.PACKAGING for delivery in studio.deliveries.of_run(found)):
            studio.runs.resume(found, actor(), until=Phase.FINALIZE)
        else:
            studio.deliveries.deliver(found, actor(), again=again)
        return work(studio, found, again=f"./stripboard deliver {found.id}", as_json=as_json)


@click.command("verify-delivery", short_help="Check a delivery package from outside.")
@click.argument("package", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--authorities", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="PEM",
              help="Certificate authorities to trust; every signature must then lead to one.")  # fmt: skip
@as_json
def verify_delivery_command(package: Path, authorities: Path | None, as_json: bool) -> int:
    """Check a delivery package whole: checksums, manifest, media hash list, content credentials, streams, timelines.

    It needs nothing but the file, and believes nothing in it. Ends with 1 when anything is wrong.
    """
    from pipeline import wiring

    report = wiring.verify_delivery(package, authorities)
    if as_json:
        print_json({"package": str(package), "ok": report.is_ok, "checks": report.checks})
        return Exit.DONE if report.is_ok else Exit.FAILED
    for check in report.checks:
        subject = f"{check.subject} " if check.subject else ""
        mark = "ok   " if check.is_ok else "WRONG"
        say(f"{mark} {check.area}: {subject}{check.message}", style="" if check.is_ok else "red")
    if report.is_ok:
        say(f"{package} is whole and unchanged.", style="green")
    else:
        say(f"{package} is not what it says: {len(report.failures)} wrong.", style="red")
    return Exit.DONE if report.is_ok else Exit.FAILED
