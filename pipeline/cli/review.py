"""`approve`, `reject`, `retry`, `rollback`: the gates, as people use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.outcomes import show_lines
from pipeline.cli.selections import GOES_ON
from pipeline.cli.studios import actor, is_everything, open_studio, run_argument, selection_of, selection_options
from pipeline.domain import matrix
from pipeline.domain.choices import Mode
from pipeline.domain.matrix import Selection
from pipeline.domain.records import Run
from pipeline.domain.statuses import CellStatus

if TYPE_CHECKING:
    from pipeline.wiring import Studio

_SHOWN = 20
all_option = click.option("--all", "everything", is_flag=True, help="Everything there is to decide.")
image_option = click.option("--image", "images", multiple=True, metavar="KEY", help='One variant image, such as "Mara / formal".')


@click.command("approve", short_help="Accept what waits for review.")
@run_argument
@selection_options
@image_option
@click.option("--candidate", type=click.IntRange(1), metavar="N", help="Which candidate becomes the hero; default: the best.")
@click.option("--note", default="", help="A remark that stays with the decision.")
@all_option
@as_json
def approve_command(
    run: str | None, images: tuple[str, ...], candidate: int | None, note: str, everything: bool, as_json: bool, **chosen: Any
) -> int:
    """Accept variant images and scenes that wait for review.

    `--variant "Mara / formal"` names a variant image, with --candidate for the one to take. `--characters` and a plain
    `--variant formal` select variant images (the best candidate is taken) and scenes, `--scene-types` and `--cell` scenes
    only. `--all` accepts everything that waits.
    """
    with open_studio() as studio:
        found = studio.runs.find(run)
        images, selection = _parted(studio, found, images, chosen)
        if not images and is_everything(selection) and not everything:
            raise click.UsageError("Name what to approve: --variant, --cell, a selection, or --all.")
        if candidate is not None and len(images) != 1:
            raise click.UsageError('--candidate goes with one variant image: --variant "Mara / formal" --candidate 2.')
        named, done, has_scenes = images, [], False
        if everything or not is_everything(selection):
            images, has_scenes = _widened(studio, found, images, selection)
        for key in images:
            studio.review.approve_variant(found, key, actor(), candidate=candidate if key in named else None)
            done.append(f"variant image {key}")
        if has_scenes or not (everything or images):
            done += [f"scene {key}" for key in studio.review.approve(found, selection, actor(), note=note)]
    return _tell(found, "approved", done, as_json=as_json)


@click.command("reject", short_help="Refuse what waits for review, with a reason.")
@run_argument
@selection_options
@image_option
@click.option("--reason", required=True, help="Why; it stays with the take.")
@click.option("--note", default="", help="A remark that stays with the decision.")
@as_json
def reject_command(run: str | None, images: tuple[str, ...], reason: str, note: str, as_json: bool, **chosen: Any) -> int:
    """Refuse variant images and scenes that wait for review, or withdraw the approval of a cell named by --cell.

    `--characters` and a plain `--variant formal` mean variant images and scenes, `--scene-types` and `--cell` scenes only.
    """
    with open_studio() as studio:
        found = studio.runs.find(run)
        images, selection = _parted(studio, found, images, chosen)
        if not images and is_everything(selection):
            raise click.UsageError("Name what to reject: --variant, --cell or a selection.")
        done, has_scenes = [], False
        if not is_everything(selection):
            images, has_scenes = _widened(studio, found, images, selection)
        for key in images:
            studio.review.reject_variant(found, key, actor(), reason=reason)
            done.append(f"variant image {key}")
        if has_scenes or selection.keys or not images:
            done += [f"scene {key}" for key in studio.review.reject(found, selection, actor(), reason=reason, note=note)]
    code = _tell(found, "rejected", done, as_json=as_json, cure="")
    if not as_json:
        say(f"`./stripboard retry {found.id}` asks for new takes of what was rejected.")
    return code


@click.command("retry", short_help="Ask again for what failed or was rejected.")
@run_argument
@selection_options
@click.option("--all", "everything", is_flag=True, help="Of the whole run; the same as no selection.")
@as_json
def retry_command(run: str | None, everything: bool, as_json: bool, **chosen: Any) -> int:
    """Ask again for the failed and rejected cells, variant images and exports of a selection, or of the whole run.

    Approved scenes of which a stored file is gone are made again as they were. Of the whole run, a packaging that has failed
    is done again, too.
    """
    selection = selection_of(chosen)
    if everything and not is_everything(selection):
        raise click.UsageError("--all and a selection exclude each other.")
    with open_studio() as studio:
        found = studio.runs.find(run)
        images, scenes = _parted(studio, found, (), chosen)
        done = studio.review.retry(found, Selection(keys=images) if images else selection, actor())
        if not images:
            receipt = studio.submission.submit(found, scenes, Mode.FAILED, actor())
            done += [*receipt.pictures, *(f"scene {key}" for key in receipt.accepted)]
    return _tell(found, "asked for again", done, as_json=as_json)


@click.command("rollback", short_help="Take cells back to their previous approved take.")
@run_argument
@selection_options
@click.option("--take", type=click.IntRange(1), metavar="N", help="Back to this take instead of the previous approved one.")
@as_json
def rollback_command(run: str | None, take: int | None, as_json: bool, **chosen: Any) -> int:
    """Take cells, or all cells of a character, back to their previous approved take. Their exports follow."""
    selection = selection_of(chosen)
    if is_everything(selection):
        raise click.UsageError("Name what to roll back: --cell, --characters or another selection.")
    with open_studio() as studio:
        found = studio.runs.find(run)
        keys = studio.review.rollback(found, selection, actor(), take=take)
    return _tell(found, "rolled back", [f"scene {key}" for key in keys], as_json=as_json)


def _parted(studio: Studio, run: Run, images: tuple[str, ...], chosen: dict[str, Any]) -> tuple[tuple[str, ...], Selection]:
    """Variant images and scenes apart: a `--variant` that is the key of a variant image means that image."""
    stills = {still.key for still in studio.reports.matrix(run.id).stills if still.variant}
    named = chosen.get("variants", ())
    is_image: Callable[[str], bool] = lambda name: name in stills or " / " in name  # noqa: E731
    images = (*images, *(name for name in named if is_image(name)))
    return images, selection_of({**chosen, "variants": tuple(name for name in named if not is_image(name))})


def _widened(studio: Studio, run: Run, images: tuple[str, ...], selection: Selection) -> tuple[tuple[str, ...], bool]:
    """These variant images and those of the selection that wait, and whether a scene of it waits.

    A selection by scene type or cell means scenes only: a variant image serves other scenes too.
    """
    view = studio.reports.matrix(run.id)
    keys = {plan.key for plan in matrix.select([cell.plan for cell in view.cells], selection)}
    has_scenes = any(cell.status is CellStatus.REVIEW and cell.plan.key in keys for cell in view.cells)
    if selection.scene_types or selection.keys:
        return images, has_scenes
    waiting = [
        still.key
        for still in view.stills
        if still.variant
        and still.status is CellStatus.REVIEW
        and (not selection.characters or still.character in selection.characters)
        and (not selection.variants or still.variant in selection.variants)
    ]
    return tuple(dict.fromkeys((*images, *waiting))), has_scenes


def _tell(run: Run, verb: str, done: list[str], *, as_json: bool, cure: str = GOES_ON) -> int:
    if as_json:
        print_json({"run": {"id": run.id, "name": run.name}, "done": done})
        return Exit.DONE
    if not done:
        say(f"Run {run.name}: there is nothing to do here.")
        return Exit.DONE
    say(f"Run {run.name}: {len(done):,} {verb}.", style="green")
    show_lines(done[:_SHOWN] + ([f"and {len(done) - _SHOWN:,} more"] if len(done) > _SHOWN else []))
    if cure:
        say(cure)
    return Exit.DONE
