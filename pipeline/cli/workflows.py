"""`workflows`: the graphs that make segments and stills, kept under names with numbered versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import workflow_texts as texts
from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.studios import actor, open_studio
from pipeline.cli.text import counted

if TYPE_CHECKING:
    from pipeline.domain.workflows.views import VersionPage
    from pipeline.wiring import Studio
    from pipeline.wiring_workflows import Imported

name_argument = click.argument("name", metavar="NAME")
version_option = click.option(
    "--version", "number", type=click.IntRange(1), metavar="N", help="Which version; else the default one."
)
note_option = click.option("--note", default="", metavar="TEXT", help="Why, for people.")
kind_option = click.option("--kind", type=click.Choice(["segment", "still"]), help="What it makes, where that is not found out.")


@click.group("workflows", short_help="The graphs that make segments and stills, kept under names.", invoke_without_command=True)
@click.pass_context
@as_json
def workflows_command(context: click.Context, as_json: bool) -> int | None:
    """The graphs of ComfyUI that make segments and stills, kept under names with versions. Without a verb: list them."""
    return _list(as_json, archived=False) if context.invoked_subcommand is None else None


@workflows_command.command("list")
@click.option("--archived", is_flag=True, help="Archived ones too.")
@as_json
def list_command(archived: bool, as_json: bool) -> int:
    """List the workflows: how each stands, and which workers can run it."""
    return _list(as_json, archived=archived)


def _list(as_json: bool, *, archived: bool) -> int:
    with open_studio() as studio:
        found = studio.workflows.all(with_archived=archived)
    if as_json:
        print_json({"workflows": [texts.plain_view(view) for view in found]})
    elif not found:
        say("No workflow is kept yet. Import one: `./stripboard workflows import FILE --name NAME`")
    else:
        table(texts.LIST_COLUMNS, [texts.list_row(view) for view in found])
    return Exit.DONE


@workflows_command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What it is kept under; else the name of the file.")
@kind_option
@note_option
@as_json
def import_command(file: Path, name: str | None, kind: str | None, note: str, as_json: bool) -> int:
    """Keep the graph of FILE (JSON in API format, or a PNG, WebP, MP4 or WebM that ComfyUI wrote) as the next version."""
    from pipeline.domain.workflows.slots import Kind

    with open_studio() as studio:
        chosen = Kind(kind) if kind else None
        found = studio.workflows.import_file(name or file.stem, file, actor(), kind=chosen, note=note)
        return _told(studio, found, as_json=as_json)


@workflows_command.command("show")
@name_argument
@version_option
@as_json
def show_command(name: str, number: int | None, as_json: bool) -> int:
    """Show a version: what is bound, what may be bound, what was found, its test shots, what each worker lacks."""
    with open_studio() as studio:
        page = _page(studio, name, number)
    if as_json:
        print_json(texts.plain_page(page))
        return Exit.DONE
    for line in texts.page_lines(page):
        say(line)
    table(("slot", "node", "input", "type", "value"), texts.binding_rows(page))
    _tell_findings(page)
    table(("may be bound", "node", "type", "value"), texts.input_rows(page))
    return Exit.DONE


@workflows_command.command("bind")
@name_argument
@click.argument("bindings", nargs=-1, metavar="SLOT=NODE.INPUT…")
@version_option
@click.option("--output", "outputs", multiple=True, metavar="NODE", help="A node whose file is the result; may be given again.")
@note_option
@as_json
def bind_command(
    name: str, bindings: tuple[str, ...], number: int | None, outputs: tuple[str, ...], note: str, as_json: bool
) -> int:
    """Correct bindings as a new version: SLOT=NODE.INPUT (several by commas), or SLOT=none; the other slots stay."""
    from pipeline.domain.workflows.editing import rebound

    chosen = {}
    for text in bindings:
        slot, sign, place = text.partition("=")
        if not (slot and sign and place):
            raise click.UsageError(f'"{text}" is no binding. Write slot=node.input, such as seed=5.seed.')
        chosen[slot] = place
    if not chosen and not outputs:
        raise click.UsageError("Nothing is to be bound. Write slot=node.input, such as seed=5.seed, or --output NODE.")
    with open_studio() as studio:
        page = _page(studio, name, number)
        places = rebound(page.workflow, chosen)
        found = studio.workflows.correct(page.shown.version, places, actor(), outputs=outputs or None, note=note)
        return _told(studio, found, as_json=as_json)


@workflows_command.command("compare")
@name_argument
@click.argument("old", type=click.IntRange(1))
@click.argument("new", type=click.IntRange(1))
@as_json
def compare_command(name: str, old: int, new: int, as_json: bool) -> int:
    """Show what has changed from version OLD to version NEW."""
    with open_studio() as studio:
        workflow = studio.workflows.find(name)
        versions = [studio.workflows.version(workflow, number) for number in (old, new)]
        found = studio.workflows.compare(*versions)
    if as_json:
        print_json(texts.plain_difference(found))
        return Exit.DONE
    for line in texts.difference_lines(found):
        say(line)
    return Exit.DONE


@workflows_command.command("check")
@name_argument
@version_option
@as_json
def check_command(name: str, number: int | None, as_json: bool) -> int:
    """Hold a version against every worker: what each lacks, and what to install. Ends with 1 when none can run it."""
    with open_studio() as studio:
        page = _page(studio, name, number)
    if as_json:
        print_json(texts.plain_check(page))
    else:
        _tell_findings(page)
        if not page.shown.fits:
            say("There is no worker yet. Add one: `./stripboard workers add gpu-1 http://HOST:8188`", style="yellow")
        for fit in page.shown.fits:
            say(f"{fit.worker.name}: {fit.words}", style="green" if fit.can_run else "yellow")
    return Exit.DONE if page.is_usable and any(fit.can_run for fit in page.shown.fits) else Exit.FAILED


@workflows_command.command("test")
@name_argument
@version_option
@click.option("--worker", metavar="WORKER", help="Where; else the cheapest that can.")
@click.option("--source", type=click.Path(path_type=Path), metavar="PICTURE", help="What it starts from; else a drawn portrait.")
@click.option("--prompt", metavar="TEXT", help="Else what the graph says.")
@click.option("--negative-prompt", metavar="TEXT", help="Else what the graph says.")
@click.option("--seed", type=click.IntRange(0), metavar="N")
@click.option("--width", type=click.IntRange(16, 16_384), metavar="N", help="Else a quarter of what the graph says.")
@click.option("--height", type=click.IntRange(16, 16_384), metavar="N", help="Else a quarter of what the graph says.")
@click.option("--frames", type=click.IntRange(1, 16_384), metavar="N", help="Else a quarter of what the graph says.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=0.25, metavar="S", help="In place of a quarter.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Copy the result there.")
@click.option("--no-wait", is_flag=True, help="Ask for it, and leave it to the server that runs here.")
@as_json
def test_command(name: str, number: int | None, as_json: bool, no_wait: bool, out: Path | None, **wishes: object) -> int:
    """Make a test shot: small and short, on one worker, apart from every run and budget."""
    with open_studio() as studio:
        version = studio.workflows.version(studio.workflows.find(name), number)
        shot = texts.ask(studio, version, wishes, actor())
        if not no_wait:
            shot = texts.waited(studio, shot, tell=not as_json)
        if out is not None and shot.result is not None:
            studio.media.copy_out(shot.result.sha256, out)
    if as_json:
        print_json({"shot": shot})
    else:
        for line in texts.shot_lines(shot, version.words):
            say(line)
    return Exit.FAILED if shot.status.value in ("failed", "cancelled") else Exit.DONE


@workflows_command.command("judge")
@name_argument
@click.argument("judgement", type=click.Choice(["good", "bad", "none"]))
@version_option
def judge_command(name: str, judgement: str, number: int | None) -> int:
    """Say what came of trying a version. A good one becomes the default of its name."""
    from pipeline.domain.workflows.library import Judgement

    with open_studio() as studio:
        workflow = studio.workflows.find(name)
        version = studio.workflows.version(workflow, number)
        studio.workflows.judge(version, Judgement("" if judgement == "none" else judgement), actor())
        default = studio.workflows.version(workflow)
    say(f"{version.words} is judged: {judgement}. The default is version {default.number}.", style="green")
    return Exit.DONE


@workflows_command.command("archive")
@name_argument
@click.option("--undo", is_flag=True, help="Take it back.")
def archive_command(name: str, undo: bool) -> int:
    """Take a workflow out of sight; runs that were made with it go on."""
    with open_studio() as studio:
        found = studio.workflows.find(name)
        studio.workflows.archive(found, actor(), is_archived=not undo)
    say(f'"{found.name}" is {"back" if undo else "archived"}.')
    return Exit.DONE


@workflows_command.command("remove")
@name_argument
def remove_command(name: str) -> int:
    """Forget a workflow that no run was made with, all its versions and test shots."""
    with open_studio() as studio:
        found = studio.workflows.find(name)
        studio.workflows.remove(found, actor())
    say(f'"{found.name}" is removed.')
    return Exit.DONE


def _page(studio: Studio, name: str, number: int | None) -> VersionPage:
    return studio.workflows.page(studio.workflows.find(name), number)


def _told(studio: Studio, found: Imported, *, as_json: bool) -> int:
    page = studio.workflows.page(studio.workflows.by_id(found.version.workflow_id), found.version.number)
    if as_json:
        print_json({"is_new": found.is_new, **texts.plain_page(page)})
        return Exit.DONE
    if not found.is_new:
        say(f"Nothing is new: {found.version.words} does the same.", style="yellow")
        return Exit.DONE
    bound = counted(len(page.workflow.bindings), "binding")
    say(f"{found.version.words} is kept: it makes a {found.version.kind.value}, with {bound}.", style="green")
    _tell_findings(page)
    return Exit.DONE


def _tell_findings(page: VersionPage) -> None:
    for finding in page.findings:
        say(f"{finding.severity.value}: {finding}", style="red" if finding.severity.value == "error" else "yellow")
