import json
import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pipeline.adapters.backends import child
from pipeline.adapters.backends.child import parse_progress
from pipeline.adapters.backends.command import run_command
from pipeline.adapters.media.images import open_image
from pipeline.adapters.media.video import read_frames
from pipeline.domain.errors import Cancelled, WorkFailed
from pipeline.domain.work import Request
from tests.fakes_workspace import FakeWorkspace
from tests.media_factories import character, moving, request, write_video

ROOT = str(Path(__file__).parents[2])


@pytest.fixture
def workspace(tmp_path) -> FakeWorkspace:
    return FakeWorkspace(tmp_path / "work")


def program(folder: Path, body: str) -> list[str]:
    """A Python program with the request in `told`."""
    head = f"import json, os, sys, time\nsys.path.insert(0, {ROOT!r})\ntold = json.load(sys.stdin)\n"
    (folder / "program.py").write_text(head + textwrap.dedent(body))
    return [sys.executable, str(folder / "program.py")]


def still_request(command: list[str], inputs=(), **changes) -> Request:
    return request("variant_generation", inputs, command=command, **({"width": 64, "height": 48, "seed": 5} | changes))


def segment_request(command: list[str], **changes) -> Request:
    asked = {"frames": 12, "fps": 24, "width": 160, "height": 96, "seed": 5, "segment": 1}
    return request("scene_generation", command=command, **(asked | changes))


def copying(path: Path, name: str = "segment.mp4") -> str:
    return f"import shutil\nshutil.copy({str(path)!r}, {name!r})\n"


MAKE_STILL = "from PIL import Image\nImage.new('RGB', (64, 48), (200, 10, 10)).save('still.png')\n"


def test_a_program_makes_a_still_and_is_told_everything_but_the_command(tmp_path, workspace, monkeypatch):
    monkeypatch.setenv("STRIPBOARD_SECRET", "hush")
    source = character(tmp_path, "Mara", 64)
    body = MAKE_STILL + "json.dump({'told': told, 'env': dict(os.environ), 'cwd': os.getcwd()}, open('said.json', 'w'))\n"

    result = run_command(still_request(program(tmp_path, body), [source], prompt="coat"), workspace)

    assert (open_image(workspace.stored(result.outputs[0].sha256)) == (200, 10, 10)).all()
    said = json.loads((workspace.scratch / "output" / "said.json").read_text())
    assert said["told"]["parameters"] == {"width": 64, "height": 48, "seed": 5, "prompt": "coat"}
    assert said["told"]["inputs"][0]["path"] == str(Path(source.path).resolve())
    assert said["told"]["output"]["files"] == [{"name": "still.png", "required": True}]
    assert said["cwd"] == said["told"]["output"]["folder"]
    assert set(said["env"]) <= {"PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP"}


def test_a_segment_comes_with_its_last_frame_taken_exactly(tmp_path, workspace):
    made = write_video(tmp_path / "made.mp4", moving())

    result = run_command(segment_request(program(tmp_path, copying(made))), workspace)

    segment, last = result.files("segment")[0], result.files("last_frame")[0]
    *_, final = read_frames(workspace.stored(segment.sha256))
    assert (open_image(workspace.stored(last.sha256)) == final).all()
    assert (segment.facts["frames"], segment.facts["fps"], segment.facts["codec"]) == (12, 24.0, "h264")


def test_progress_lines_are_reported_and_nonsense_is_ignored(tmp_path, workspace):
    body = """
    print('loading', flush=True)
    print('{"progress": "half"}', '[' * 5000, 'x' * 100000, sep=chr(10), flush=True)
    print('{"progress": 0.5, "note": "half way"}', flush=True)
    time.sleep(0.4)
    """
    run_command(still_request(program(tmp_path, textwrap.dedent(body) + MAKE_STILL)), workspace)

    assert (0.5, "half way") in workspace.reports


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"progress": 0.25}', (0.25, "")),
        (b'{"progress": 7, "note": 3}', (1.0, "")),
        (b'{"progress": -1, "note": "a"}', (0.0, "a")),
        (b'{"progress": NaN}', None),
        (b'{"progress": true}', None),
        (b"[" * 4000, None),
        (b"\xff\xfe", None),
        (b"12", None),
    ],
)
def test_only_well_formed_progress_counts(line, found):
    assert parse_progress(line) == found


def test_an_exit_code_fails_with_the_last_words(tmp_path, workspace):
    body = "sys.stderr.write('x' * 100000 + ' out of paint\\x1b[31m')\nsys.exit(3)\n"

    with pytest.raises(WorkFailed, match=r"code 3\. It said: x+ out of paint\?\[31m$") as failure:
        run_command(still_request(program(tmp_path, body)), workspace)

    assert failure.value.failure_class == "backend_error"
    assert len(str(failure.value)) < 4500


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_program_that_dies_of_a_signal_fails_with_the_number_of_it(tmp_path, workspace, number):
    with pytest.raises(WorkFailed, match=rf"ended with code -{number.value}\."):
        run_command(still_request(program(tmp_path, f"os.kill(os.getpid(), {number.value})\n")), workspace)


def test_a_program_has_its_three_streams_and_nothing_else_open(tmp_path, workspace):
    body = """
    import contextlib
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            os.fstat(number)
            sys.exit(f'{number} is open')
    """
    run_command(still_request(program(tmp_path, textwrap.dedent(body) + MAKE_STILL)), workspace)


@pytest.mark.parametrize("command", [["/no/such/program"], [], "rm -rf /", [""], ["a\0b"], [7], None])
def test_a_command_that_cannot_be_run_is_bad_input(workspace, command):
    with pytest.raises(WorkFailed) as failure:
        run_command(still_request(command), workspace)

    assert failure.value.failure_class == "bad_input"


def test_arguments_never_pass_a_shell(tmp_path, workspace):
    body = "open('said', 'w').write(sys.argv[1])\n" + MAKE_STILL

    run_command(still_request([*program(tmp_path, body), "$(touch pwned); `id`"]), workspace)

    assert (workspace.scratch / "output" / "said").read_text() == "$(touch pwned); `id`"


SMALL_STILL = MAKE_STILL.replace("(64, 48)", "(10, 10)")
BAD_STILLS = {
    "nothing made": ("", "left no still.png"),
    "wrong size": (
        "from PIL import Image\nImage.new('RGB', (10, 10)).save('still.png')\n",
        "asked for still.png of 64x48, got 10x10",
    ),
    "another format": ("from PIL import Image\nImage.new('RGB', (64, 48)).save('still.png', format='JPEG')\n", "must be a PNG"),
    "no picture": ("open('still.png', 'w').write('<svg/>')\n", "not a PNG"),
    "a link out": ("os.symlink('/etc/passwd', 'still.png')\n", "is a link"),
    "a hard link": (MAKE_STILL + "os.link('still.png', 'second')\n", "is a link"),
    "a pipe": ("os.mkfifo('still.png')\n", "no plain file"),
    "a folder": ("os.mkdir('still.png')\n", "no plain file"),
}


@pytest.mark.parametrize("name", BAD_STILLS)
def test_a_still_that_is_not_what_was_asked_for_is_corrupt_output(tmp_path, workspace, name):
    body, message = BAD_STILLS[name]

    with pytest.raises(WorkFailed, match=message) as failure:
        run_command(still_request(program(tmp_path, body)), workspace)

    assert failure.value.failure_class == "corrupt_output"


@pytest.mark.parametrize("changes", [{"frames": 48}, {"fps": 25}, {"width": 320}, {"height": 90}])
def test_a_segment_of_other_length_rate_or_size_is_refused_with_both_numbers(tmp_path, workspace, changes):
    made = write_video(tmp_path / "made.mp4", moving())

    with pytest.raises(WorkFailed, match=r"asked for .* got 12 frames at 24 fps 160x96") as failure:
        run_command(segment_request(program(tmp_path, copying(made)), **changes), workspace)

    assert failure.value.failure_class == "corrupt_output"


def test_a_truncated_segment_and_a_lying_last_frame_are_refused(tmp_path, workspace):
    made = write_video(tmp_path / "made.mp4", moving())
    (tmp_path / "cut.mp4").write_bytes(made.read_bytes()[:2500])
    for body in (copying(tmp_path / "cut.mp4"), copying(made) + "os.symlink('/etc/passwd', 'last_frame.png')\n"):
        with pytest.raises(WorkFailed) as failure:
            run_command(segment_request(program(tmp_path, body)), workspace)
        assert failure.value.failure_class == "corrupt_output"


def test_a_program_that_takes_too_long_is_stopped_with_its_children(tmp_path, workspace):
    body = """
    import subprocess
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    open('pid', 'w').write(str(child.pid))
    time.sleep(60)
    """
    started = time.monotonic()
    with pytest.raises(WorkFailed) as failure:
        run_command(still_request(program(tmp_path, textwrap.dedent(body)), timeout_s=1.0), workspace)

    assert failure.value.failure_class == "timeout"
    assert time.monotonic() - started < 20
    assert_gone(int((workspace.scratch / "output" / "pid").read_text()))


def test_cancelling_ends_even_a_program_that_ignores_the_request(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "GRACE_S", 0.3)
    workspace = FakeWorkspace(tmp_path / "work", cancel_after=10)
    body = """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open('pid', 'w').write(str(os.getpid()))
    time.sleep(60)
    """

    with pytest.raises(Cancelled):
        run_command(still_request(program(tmp_path, textwrap.dedent(body))), workspace)

    assert_gone(int((workspace.scratch / "output" / "pid").read_text()))


def test_children_left_behind_by_a_finished_program_are_ended(tmp_path, workspace):
    body = "import subprocess\nopen('pid', 'w').write(str(subprocess.Popen(['sleep', '60']).pid))\n" + MAKE_STILL

    run_command(still_request(program(tmp_path, body)), workspace)

    assert_gone(int((workspace.scratch / "output" / "pid").read_text()))


def test_a_program_that_never_reads_its_input_or_floods_its_output_does_not_block(tmp_path, workspace):
    (tmp_path / "rude.py").write_text("import sys\nfor _ in range(200):\n    print('y' * 100000)\n" + MAKE_STILL)
    command = [sys.executable, str(tmp_path / "rude.py")]

    result = run_command(still_request(command, prompt="p" * 1_000_000), workspace)

    assert result.outputs[0].role == "still"


def assert_gone(pid: int) -> None:
    """The process has ended; a zombie that its new parent has not collected yet counts as ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} is still there")
