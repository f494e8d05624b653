"""`backup` and `restore`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from pipeline import settings
from pipeline.cli.console import as_json, print_json, say
from pipeline.cli.exits import Exit
from pipeline.cli.studios import open_studio
from pipeline.cli.text import counted, size


@click.command("backup", short_help="Keep everything stored in one file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@as_json
def backup_command(file: Path | None, as_json: bool) -> int:
    """Write the whole database, and every stored file that it points to, to FILE. Runs may go on meanwhile.

    Without FILE the backup gets the time as its name, in this folder. What exists is never overwritten.
    """
    from pipeline import wiring_backups

    path = file or Path(f"stripboard-{datetime.now():%Y%m%d-%H%M%S}.backup")
    with open_studio() as studio:
        told = wiring_backups.write_backup(studio, path)
    if as_json:
        print_json({"backup": told})
        return Exit.DONE
    amount = f"{counted(told.runs, 'run')}, {counted(told.files, 'file')}, {size(told.size_bytes)}"
    say(f"{told.path} holds {amount}.", style="green")
    return Exit.DONE


@click.command("restore", short_help="Put a backup in place.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Move aside what is here. Without it, only an empty home is filled.")
@as_json
def restore_command(file: Path, force: bool, as_json: bool) -> int:
    """Make this installation what the backup FILE says: the home of STRIPBOARD_HOME and the database of DATABASE_URL.

    Every byte is checked before anything is replaced. Nothing is deleted.
    """
    from pipeline import wiring_backups

    told = wiring_backups.restore_backup(settings.load(), file.absolute(), force=force)
    if as_json:
        print_json({"restored": told})
        return Exit.DONE
    say(f"Restored: {counted(told.runs, 'run')}, {counted(told.files, 'file')}, as of {told.created_at:%Y-%m-%d %H:%M} UTC.",
        style="green")  # fmt: skip
    for place in told.aside:
        say(f"  What was here before is in {place}")
    say("`./stripboard doctor --verify` checks all of it.")
    return Exit.DONE
