"""Backups of older versions can be restored."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

from sqlalchemy import inspect

from data.schema import upgrade
from data.store import Stores
from pipeline.domain.statuses import RunStatus
from tests.backups import all_rows, edited, make_backup, restored, url_in
from tests.factories import House, make_production


def test_a_backup_of_an_older_version_is_brought_to_the_newest_schema(bare_url: str, tmp_path: Path) -> None:
    backup = make_backup(tmp_path)
    older = as_of_the_first_schema(backup, tmp_path)
    house = House(tmp_path, url_in(tmp_path))
    there = restored(tmp_path / "there", bare_url, older, house)
    counts = [{table: len(rows) for table, rows in all_rows(each).items()} for each in (house, there)]
    assert counts[0] == counts[1] and counts[0]["jobs"]
    there.check()
    run = there.start(make_production(characters=1, title="Another"))
    there.work()
    assert there.run(run).status is RunStatus.COMPLETED
    there.check()
    for each in (house, there):
        each.close()


def as_of_the_first_schema(backup: Path, folder: Path) -> Path:
    """The backup as the first version would have made it: fewer tables, and fewer columns in some."""
    known = columns_of_the_first_schema(folder)
    with tarfile.open(backup, "r:") as archive:
        manifest = json.load(archive.extractfile("manifest.json") or io.BytesIO())
    tables = {name: facts for name, facts in manifest["tables"].items() if name in known}
    kept = {name: [number for number, one in enumerate(facts["columns"]) if one in known[name]] for name, facts in tables.items()}

    def older(table: str, data: bytes) -> bytes:
        rows = [json.loads(line) for line in data.splitlines()]
        return b"".join(json.dumps([row[number] for number in kept[table]]).encode() + b"\n" for row in rows)

    with tarfile.open(backup, "r:") as archive:
        for name, facts in tables.items():
            data = older(name, (archive.extractfile(f"tables/{name}.jsonl") or io.BytesIO()).read())
            facts |= {"columns": [facts["columns"][number] for number in kept[name]], "size_bytes": len(data)}
            facts["sha256"] = hashlib.sha256(data).hexdigest()

    def change(entry: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        table = entry.name.removeprefix("tables/").removesuffix(".jsonl")
        if entry.name == "manifest.json":
            data = json.dumps({**manifest, "schema": "0001", "tables": tables}).encode()
        elif entry.name.startswith("tables/"):
            if table not in known:
                return []
            data = older(table, data)
        entry.size = len(data)
        return [(entry, data)]

    return edited(backup, change)


def columns_of_the_first_schema(folder: Path) -> dict[str, set[str]]:
    """Its tables with their columns."""
    stores = Stores(f"sqlite:///{folder / 'first.db'}")
    with stores.engine.connect().execution_options(stripboard_write=True) as connection, connection.begin():
        upgrade(connection, "0001")
        inspector = inspect(connection)
        found = {name: {one["name"] for one in inspector.get_columns(name)} for name in inspector.get_table_names()}
    stores.close()
    del found["alembic_version"]
    return found
