"""Whole journeys of `run` through the command line: delivered, waiting, rejected, interrupted, stopped at a phase."""

from __future__ import annotations

import signal
import sys
import time
import zipfile
from pathlib import Path

import pytest

from pipeline.adapters.packaging.verify import verify
from tests.acceptance.productions import Desk

PROGRAM = """
import json, sys
from pathlib import Path
import av, numpy
from PIL import Image

told = json.load(sys.stdin)
wanted, folder = told["parameters"], Path(told["output"]["folder"])
size = wanted["width"], wanted["height"]
role = "source" if told["stage"] == "variant_generation" else "start" if wanted["segment"] > 1 else "still"
path = next((file["path"] for file in told["inputs"] if file["role"] == role), None)
picture = (Image.open(path) if path else Image.linear_gradient("L")).convert("RGB").resize(size)
if told["stage"] == "variant_generation":
    picture.save(folder / "still.png")
else:
    with av.open(str(folder / "segment.mp4"), "w") as video:
        stream = video.add_stream("libx264", rate=wanted["fps"])
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(wanted["frames"]):
            shifted = numpy.roll(numpy.asarray(picture), 3 * number, axis=1)
            video.mux(stream.encode(av.VideoFrame.from_ndarray(shifted, format="rgb24")))
        video.mux(stream.encode())
print(json.dumps({"progress": 1.0}))
"""
ONE_SCENE = {"matrix": {"characters": ["Mara"], "scene_types": ["walk"], "variants": ["formal"]}}
HUMAN = {"variants": "human", "scenes": "human"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    return Desk(tmp_path / "home", tmp_path / "work")


def test_a_production_becomes_a_verified_delivery(desk: Desk) -> None:
    folder = desk.write()

    answer = desk.json("run", folder)

    package = Path(answer["delivery"]["path"])
    assert answer["run"]["status"] == "completed" and answer["cells"] == {"approved": 4}
    assert package.parent == desk.home / "deliveries"
    assert verify(package).is_ok
    assert sorted(path.suffix for path in (folder / "output").rglob("*") if path.is_file()) == [".mp4"] * 4
    assert "whole and unchanged" in desk.call("verify-delivery", package).stdout
    assert desk.json("verify-delivery", package)["ok"] is True


def test_a_changed_delivery_does_not_verify(desk: Desk) -> None:
    package = Path(desk.json("run", desk.write())["delivery"]["path"])
    data = bytearray(package.read_bytes())
    data[len(data) // 2] ^= 1
    package.write_bytes(bytes(data))

    assert desk.json("verify-delivery", package, code=1)["ok"] is False


def test_people_decide_and_the_run_goes_on(desk: Desk) -> None:
    folder = desk.write(approvals=HUMAN)

    waits = desk.call("run", folder, code=4)
    assert "variant image Mara / formal" in waits.stdout
    assert "stripboard approve 1 --variant 'Mara / formal' --candidate 1" in waits.stdout
    blocked = desk.json("status")["blocked"]
    assert blocked["Mara / dance / formal"] == ["variant image Mara / formal is in review"]

    desk.call("approve", "--variant", "Mara / formal", "--candidate", "1")
    desk.call("approve", "--all")
    waits = desk.call("run", folder, "--resume", code=4)
    assert "scene Ivo / walk / formal" in waits.stdout

    done = desk.json("approve", "--characters", "Mara", "--note", "lovely")["done"]
    assert done == ["scene Mara / dance / formal", "scene Mara / walk / formal"]
    desk.call("approve", "--all")
    assert "is delivered" in desk.call("run", folder, "--resume").stdout
    take = desk.json("status", "--cell", "Mara / walk / formal")["takes"][0]
    assert (take["decision"], take["note"]) == ("approved", "lovely")


def test_a_selection_decides_variant_images_too(desk: Desk) -> None:
    folder = desk.write(approvals=HUMAN)
    desk.call("run", folder, code=4)

    desk.call("approve", "--characters", "Nobody", code=2)
    desk.call("approve", "--scene-types", "dance", code=1)
    assert desk.json("approve", "1", "--characters", "Mara")["done"] == ["variant image Mara / formal"]
    desk.call("reject", "--characters", "Ivo", code=2)
    done = desk.json("reject", "--characters", "Ivo", "--reason", "another face")["done"]
    assert done == ["variant image Ivo / formal"]
    desk.call("retry", "--all", "--characters", "Ivo", code=2)
    assert desk.json("retry", "1", "--all")["done"] == ["variant Ivo / formal"]


def test_a_rejected_scene_gets_another_take(desk: Desk) -> None:
    folder = desk.write(approvals=HUMAN | {"variants": "auto"})
    desk.call("run", folder, "--auto-approve", "--until", "characters")
    desk.call("run", folder, "--new", code=4)
    key = "Mara / dance / formal"

    desk.call("reject", "--cell", key, code=2)
    desk.call("reject", "--cell", key, "--reason", "too dark")
    assert "Mara / dance / formal rejected: too dark" in desk.call("status").stdout
    desk.call("approve", "--all")
    assert "is stuck" in desk.call("run", folder, "--resume", code=1).stdout
    assert desk.json("retry")["done"] == [f"scene {key}"]
    desk.call("run", folder, "--resume", code=4)
    desk.call("approve", "--cell", key)
    desk.call("run", folder, "--resume")

    takes = desk.json("status", "--cell", key)["takes"]
    assert [take["decision"] for take in takes] == ["rejected", "approved"]
    assert takes[0]["scene_sha256"] != takes[1]["scene_sha256"]


def test_an_unfinished_run_is_not_started_over_by_chance(desk: Desk) -> None:
    folder = desk.write()
    reached = desk.json("run", folder, "--until", "characters")
    assert (reached["outlook"], reached["run"]["status"]) == ("reached", "running")

    refused = desk.call("run", folder, code=5)
    assert "--resume" in refused.stderr and "--new" in refused.stderr
    desk.call("run", folder, "--resume", "--new", code=2)

    resumed = desk.json("run", folder, "--resume")
    assert (resumed["run"]["id"], resumed["run"]["status"]) == (1, "completed")
    again = desk.json("run", folder, "--resume")
    assert again["delivery"]["sha256"] == resumed["delivery"]["sha256"]
    new = desk.json("run", folder)
    assert (new["run"]["id"], new["spent_seconds"]) == (2, 0)


def test_a_resumed_run_says_when_the_production_has_changed(desk: Desk) -> None:
    folder = desk.write()
    desk.call("run", folder, "--until", "prepare")
    assert "changed" not in desk.call("run", folder, "--resume", "--until", "prepare").stdout

    desk.write(seed=4)

    assert "has changed since" in desk.call("run", folder, "--resume", "--until", "prepare").stdout


def test_a_resumed_run_keeps_a_limit_that_was_set_on_it_and_says_how_to_change_it(desk: Desk) -> None:
    folder = desk.write(budget={"gpu_hours": 1})
    desk.call("run", folder, "--until", "prepare")
    desk.call("budgets", "set", "run", "1", "--gpu-hours", "10")

    kept = "The run keeps what was set on it, not what the file says: 10.00 GPU-h."
    told = desk.call("run", folder, "--resume", "--until", "prepare").stdout

    assert kept in told and "`./stripboard budgets set run 1 --gpu-hours N`" in told
    [budget] = desk.json("budgets")["budgets"]
    assert budget["limit"] == 36_000
    desk.write(budget={"gpu_hours": 2, "disk_gb": 5})
    told = desk.call("run", folder, "--resume", "--until", "prepare").stdout
    assert "The run takes the budget that the production has now." in told and kept in told
    assert sorted(one["limit"] for one in desk.json("budgets")["budgets"]) == [36_000, 5 * 10**9]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_where_it_was(desk: Desk, number: signal.Signals) -> None:
    folder = desk.write(defaults={"fps": 12, "resolution": "320x180", "duration_s": 2})

    code, out, err = desk.stop_at(desk.start("run", folder), "queued", number)
    assert code == 130, out + err
    assert f"stripboard run {folder} --resume" in err

    resumed = desk.json("run", folder, "--resume")
    assert resumed["run"]["status"] == "completed" and resumed["run"]["id"] == 1
    attempts = [
        entry for cell in desk.json("status")["cells"] for entry in desk.json("status", "--cell", cell["key"])["attempts"]
    ]
    assert {entry["outcome"] for entry in attempts} <= {"done", "cancelled", "reused"}


def test_a_killed_run_goes_on_where_it_was(desk: Desk) -> None:
    folder = desk.write(defaults={"fps": 12, "resolution": "320x180", "duration_s": 2})
    process = desk.start("run", folder)
    until = time.monotonic() + 60
    while not list((desk.home / "spool" / "attempts").glob("*")) and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=30)

    resumed = desk.json("run", folder, "--resume")

    assert (resumed["run"]["id"], resumed["run"]["status"]) == (1, "completed")


def test_a_cell_goes_back_to_its_approved_take_and_is_delivered_so(desk: Desk) -> None:
    folder = desk.write(matrix={"characters": ["Mara"], "scene_types": ["walk"], "variants": ["formal"]})
    desk.call("run", folder)
    key = "Mara / walk / formal"
    desk.call("rollback", "--cell", key, code=1)
    assert desk.json("submit", "--cell", key, "--mode", "all")["accepted"] == [key]
    desk.call("run", folder, "--resume")
    assert desk.json("status")["cells"][0]["approved_take"] == 2

    assert desk.json("rollback", "--cell", key)["done"] == [f"scene {key}"]

    assert desk.json("status")["cells"][0]["approved_take"] == 1
    told = desk.call("status", "--cell", key).stdout
    assert f"{key}: approved, take 1" in told and told.count("approved, not in use") == 1
    package = Path(desk.json("deliver")["delivery"]["path"])
    assert verify(package).is_ok
    assert any(name.endswith("walk_formal_t01.mp4") for name in zipfile.ZipFile(package).namelist())


def test_cells_can_be_left_out(desk: Desk) -> None:
    folder = desk.write(approvals=HUMAN | {"variants": "auto"})
    desk.call("run", folder, "--until", "prepare")
    assert len(desk.json("cancel", "--characters", "Ivo")["cancelled"]) == 2
    desk.call("cancel", code=2)

    desk.call("run", folder, "--resume", code=4)

    assert desk.json("deliver", code=1)["missing"][0]["status"] == "review"
    desk.call("approve", "--all")
    answer = desk.json("run", folder, "--resume")
    assert answer["cells"] == {"approved": 2, "cancelled": 2}
    left = desk.json("cancel", "--scene-types", "walk")
    assert (left["cancelled"], set(left["left"].values())) == ([], {"it is approved", "it is cancelled"})
    assert "Mara / walk / formal: it is approved" in desk.call("cancel", "--scene-types", "walk").stdout


def test_a_scene_behind_a_cancelled_one_is_told_with_commands_that_work(desk: Desk) -> None:
    shots = [{"name": name, "template": "hero_cu", "character": "Mara"} for name in ("x", "y")]
    shots[1] |= {"after": ["x"]}
    folder = desk.write(matrix=None, variants=None, shots=shots, approvals=HUMAN)
    desk.call("run", folder, code=4)
    desk.call("cancel", "--cell", "s001 x / Mara")

    ran = desk.call("run", folder, "--resume", code=1).stdout
    status = desk.call("status").stdout
    delivered = desk.call("deliver", code=1).stdout

    again = "`./stripboard submit 1 --cell 's001 x / Mara'` asks for it"
    leave = "`./stripboard cancel 1 --cell 's001 y / Mara'` leaves out the scene that waits for it"
    for told in (ran, status, delivered):
        assert f"Scene s001 x / Mara is cancelled: {again}, or {leave}." in told
    assert "retry" not in ran + status and "stuck: nobody asks for what its scenes wait for" in status
    assert desk.json("submit", "1", "--cell", "s001 x / Mara")["accepted"] == ["s001 x / Mara"]
    assert desk.json("cancel", "1", "--cell", "s001 y / Mara")["cancelled"] == ["s001 y / Mara"]


def test_a_run_that_stopped_at_a_phase_says_so_and_how_it_goes_on(desk: Desk) -> None:
    folder = desk.write()
    desk.call("run", folder, "--until", "characters")
    told = desk.call("status").stdout
    assert "running, stopped at the end of phase characters" in told and "everything asked for is done" not in told
    assert "Go on with `./stripboard run PATH --resume`." in told


def test_a_paused_run_starts_nothing(desk: Desk) -> None:
    folder = desk.write()
    desk.call("run", folder, "--until", "prepare")
    assert desk.json("pause")["run"]["status"] == "paused"
    assert desk.json("resume", "1")["run"]["status"] == "running"
    desk.call("cancel", "1", "--all")
    assert desk.json("list")[0]["status"] == "cancelled"


def test_a_budget_that_does_not_cover_the_run_refuses_all_of_it(desk: Desk) -> None:
    folder = desk.write(budget={"gpu_hours": 0.000001})

    report = desk.json("validate", folder)
    assert [issue["severity"] for issue in report["issues"] if "budget" in issue["path"]] == ["warning"]
    for command in ("plan", "estimate"):
        assert "Over budget: the estimate is" in desk.call(command, folder).stdout
        assert len(desk.json(command, folder)["over_budget"]) == 1
    refused = desk.call("run", folder, code=5).stderr
    assert "or raise budget.gpu_hours of the production. No run was made." in refused

    assert desk.json("list") == []
    assert desk.json("run", desk.write(budget={"gpu_hours": 1}), "--until", "prepare")["run"]["name"] == "Small #1"


def test_what_is_made_already_is_not_held_against_the_budget_by_a_plan(desk: Desk) -> None:
    folder = desk.write(**ONE_SCENE)
    desk.call("run", folder)
    desk.write(**ONE_SCENE, budget={"gpu_hours": 0.000001})
    assert desk.json("plan", folder)["over_budget"] == []


def test_a_program_beside_the_production_makes_its_scenes(desk: Desk) -> None:
    folder = desk.write(backend="command", command=[sys.executable, "make.py"])
    (folder / "make.py").write_text(PROGRAM)

    answer = desk.json("run", folder, "--auto-approve")

    assert answer["cells"] == {"approved": 4}
    assert verify(Path(answer["delivery"]["path"])).is_ok


def test_a_program_that_fails_is_quoted_and_the_run_can_be_tried_again(desk: Desk) -> None:
    folder = desk.write(backend="command", command=[sys.executable, "make.py"])
    (folder / "make.py").write_text("import sys; sys.exit('the lens is dirty')")

    stuck = desk.call("run", folder, "--auto-approve", code=1)
    assert "the lens is dirty" in stuck.stdout and "stripboard retry 1" in stuck.stdout

    (folder / "make.py").write_text(PROGRAM)
    assert len(desk.json("retry")["done"]) >= 2
    assert desk.json("run", folder, "--resume")["run"]["status"] == "completed"


def test_a_limit_of_which_a_level_that_stops_is_passed_already_says_so_at_once(desk: Desk) -> None:
    folder = desk.write(budget={"gpu_hours": 1})
    desk.call("run", folder, "--until", "characters", "--auto-approve")

    spent_h = desk.json("budgets")["budgets"][0]["spent"] / 3600
    assert spent_h > 0
    told = desk.call(
        "budgets", "set", "run", "1", "--gpu-hours", str(spent_h * 2), "--at", "40:finish", "--at", "90:cancel"
    ).stdout

    assert "Its level of 40 % is reached already: no new generation starts." in told
    stopped = desk.call("run", folder, "--resume", "--auto-approve", code=5).stdout
    assert "has stopped: no budget pays for what comes next" in stopped
    assert "40 %" in stopped and "./stripboard budgets set run" in stopped, stopped
    assert "already" not in desk.call("budgets", "set", "run", "1", "--gpu-hours", "10").stdout
