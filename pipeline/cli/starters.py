"""`create` and `presets`: what there is to start from."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.cli.console import as_json, print_json, say, table
from pipeline.cli.exits import Exit
from pipeline.cli.text import joined, quoted
from pipeline.domain.presets import KINDS

_TEMPLATES = ["character_matrix", "commercial", "game_assets", "short_film"]


@click.command("create", short_help="Make a new production folder from a template.")
@click.argument("name")
@click.option("--template", type=click.Choice(_TEMPLATES), default="short_film", show_default=True, help="What to start from.")
@click.option("--in", "parent", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to make it.")
def create_command(name: str, template: str, parent: Path) -> int:
    """Make a folder with a production of this title and drawn source images. It runs as it is made."""
    from pipeline import wiring_starters

    folder = wiring_starters.make_from_template(name, template, parent)
    say(f"Made {folder} from the template {template}.", style="green")
    say(f"Next: ./stripboard validate {quoted(str(folder))}")
    say(f"      ./stripboard run {quoted(str(folder))}")
    return Exit.DONE


@click.command("presets", short_help="List the built-in presets.")
@click.argument("kind", required=False, type=click.Choice(KINDS))
@as_json
def presets_command(kind: str | None, as_json: bool) -> int:
    """List the built-in styles, locations, shot templates, output formats, retro palettes and camera moves."""
    from pipeline import wiring

    presets = wiring.build_productions().presets
    chosen = [kind] if kind else list(KINDS)
    if as_json:
        print_json({name: presets.table(name) for name in chosen})
        return Exit.DONE
    for name in chosen:
        table((name, "what it is"), [(key, _told(name, entry)) for key, entry in presets.table(name).items()])
    return Exit.DONE


def _told(kind: str, entry: object) -> str:
    if not isinstance(entry, dict):
        return ""
    if kind == "formats":
        return str(entry.get("text", ""))
    if kind == "shots":
        camera = entry.get("camera") or {}
        return joined((str(entry.get("framing", "")), str(camera.get("move", "")), str(entry.get("prompt", ""))))
    if kind == "palettes":
        return str(entry.get("text") or f"{len(entry.get('colors') or entry.get('colours') or ())} colours")
    if "prompt" in entry:
        return str(entry["prompt"])
    return joined(f"{key} {value}" for key, value in entry.items() if value)
