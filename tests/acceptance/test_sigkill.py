"""A run of 60 scenes is killed outright again and again, at random moments; in the end nobody can tell."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import av
import pytest

from pipeline import settings, wiring
from pipeline.domain.statuses import AttemptOutcome
from tests.acceptance.productions import Desk

PATIENCE_S = 120
LOOK_EVERY_S = 0.004
NAMES = ("Mara", "Ivo", "Lena", "Otto", "Pia")
PRODUCTION = {
    "title": "Sixty",
    "defaults": {"fps": 6, "resolution": "64x36", "duration_s": 1},
    "characters": [{"name": name, "source_images": [f"assets/{name.lower()}.png"]} for name in NAMES],
    "variants": [{"name": "formal"}, {"name": "casual"}],
    "locations": None,
    "scene_types": [{"name": f"scene{number}", "segments": 2} for number in range(1, 7)],
    "outputs": [{"format": "preview_360p", "path": "output/", "width": 64, "height": 36}],
}


def open_desk(folder: Path) -> tuple[Desk, Path]:
    """A home, and the production in a folder of its own."""
    (folder / "work").mkdir(parents=True)
    desk = Desk(folder / "home", folder / "work")
    return desk, desk.write("sixty", **PRODUCTION)


def launch(desk: Desk, production: Path, **environment: str) -> subprocess.Popen[bytes]:
    """`run --resume` of the production, quietly."""
    arguments = ["run", str(production), "--auto-approve", "--parallel", "2", "--resume"]
    with (desk.home.parent / "output.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            cwd=desk.folder,
            env=desk.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(desk: Desk, production: Path) -> Path:
    """Let the run go on to its end; the answer is the delivery."""
    process = launch(desk, production)
    assert process.wait(PATIENCE_S) == 0, (desk.home.parent / "output.txt").read_text()[-3000:]
    [package] = (desk.home / "deliveries").glob("*.zip")
    return package


def kill_somewhere(desk: Desk, production: Path, chance: random.Random, executor: str) -> bool:
    """Start, and kill after some more pieces of work have begun, or very early; False when the run ended before."""
    process = launch(desk, production, STRIPBOARD_EXECUTOR=executor)
    begun = started(desk)
    more = chance.choice((0, *range(1, 13)))
    rest = chance.uniform(0.0, 1.0 if more == 0 else 0.08)
    looks = 0.0
    while process.poll() is None and started(desk) < begun + more and looks < PATIENCE_S:
        looks += LOOK_EVERY_S
        wait(process, LOOK_EVERY_S)
    wait(process, rest)
    if process.poll() is not None:
        return False
    children = workers_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(children), "a worker outlived its engine"
    return True


def wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until the process ends, or so long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def started(desk: Desk) -> int:
    """How many pieces of work have begun so far, by the ledger."""
    ledger = desk.home / "spool" / "ledger.jsonl"
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def workers_of(pid: int) -> list[int]:
    """The children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(entry.parent.name))
    return found


def gone(pids: list[int]) -> bool:
    """Whether these processes end within a moment."""
    for pid in pids:
        watched = subprocess.Popen(["tail", f"--pid={pid}", "-s", "0.02", "-f", "/dev/null"])
        try:
            watched.wait(10)
        except subprocess.TimeoutExpired:
            watched.kill()
            return False
    return True


def frame_hashes(package: Path) -> dict[str, list[str]]:
    """The decoded frames of every clip of a delivery."""
    found = {}
    with zipfile.ZipFile(package) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".mp4")):
            with av.open(BytesIO(archive.read(name))) as clip:
                frames = [frame.to_ndarray(format="rgb24").tobytes() for frame in clip.decode(video=0)]
            found[name] = [hashlib.sha256(frame).hexdigest() for frame in frames]
    return found


def check_the_books(desk: Desk) -> None:
    """Every promise holds, and each second execution has a lost attempt with a reason before it."""
    studio = wiring.build_studio(
        settings.load({"STRIPBOARD_HOME": str(desk.home), **desk.environment({})}), verify_package=wiring.package_faults
    )
    studio.upkeep.sweep()
    assert studio.invariants.check() == []
    starts = Counter(int(entry["job"].removeprefix("job-")) for entry in studio.spool.ledger())
    with studio.stores.read() as store:
        attempts = store.jobs.attempts_of(list(starts))
    lost = Counter(attempt.job_id for attempt in attempts if attempt.outcome is AttemptOutcome.LOST and attempt.reason)
    again = {job_id: count for job_id, count in starts.items() if count > 1 + lost[job_id]}
    assert again == {}
    studio.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The frames of a delivery that nothing has disturbed."""
    desk, production = open_desk(tmp_path_factory.mktemp("undisturbed") / "desk")
    frames = frame_hashes(finish(desk, production))
    assert len(frames) == 60
    assert {len(clip) for clip in frames.values()} == {6}
    return frames


def kill_many_times(folder: Path, kills: int, seed: int) -> dict[str, list[str]]:
    """The frames of a delivery whose run was killed so often."""
    desk, production = open_desk(folder / "desk")
    chance = random.Random(seed)
    done = 0
    while done < kills:
        assert kill_somewhere(desk, production, chance, chance.choice(("processes", "threads"))), f"delivered after {done} kills"
        done += 1
    frames = frame_hashes(finish(desk, production))
    check_the_books(desk)
    return frames


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find the workers of a killed process")
def test_25_kills_change_no_frame_of_the_delivery(tmp_path: Path, undisturbed: dict[str, list[str]]) -> None:
    assert kill_many_times(tmp_path, kills=25, seed=20) == undisturbed


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("seed", range(8))
def test_many_more_kills_change_no_frame_of_the_delivery(tmp_path: Path, undisturbed: dict[str, list[str]], seed: int) -> None:
    assert kill_many_times(tmp_path, kills=25, seed=100 + seed) == undisturbed
