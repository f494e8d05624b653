"""What every executor promises, and that a dying worker process takes only its own work with it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from typing import Any

import pytest

from pipeline.adapters.executors import EXECUTORS

PATIENCE_S = 60


class Ends:
    """Collects what ended, in any thread."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, BaseException | None]] = []
        self._more = threading.Condition()

    def __call__(self, value: Any, error: BaseException | None) -> None:
        with self._more:
            self.found.append((value, error))
            self._more.notify_all()

    def wait_for(self, count: int) -> list[tuple[Any, BaseException | None]]:
        """Everything, once so many have ended."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.found) >= count, PATIENCE_S)
        return self.found


@pytest.fixture(params=sorted(EXECUTORS))
def executor(request: pytest.FixtureRequest) -> Iterator[Any]:
    executor = EXECUTORS[request.param](2)
    yield executor
    executor.close()


def double(number: int) -> int:
    return 2 * number


def rest_and_double(number: int) -> int:
    time.sleep(0.5)
    return 2 * number


def divide(number: int) -> float:
    return number / 0


def die() -> None:
    os._exit(3)


def own_pid() -> int:
    return os.getpid()


def test_it_returns_values(executor: Any) -> None:
    ends = Ends()
    for number in range(5):
        executor.start(ends, double, number)
    assert sorted(value for value, error in ends.wait_for(5) if error is None) == [0, 2, 4, 6, 8]


def test_it_returns_errors_as_they_were(executor: Any) -> None:
    ends = Ends()
    executor.start(ends, divide, 1)
    [(value, error)] = ends.wait_for(1)
    assert value is None
    assert isinstance(error, ZeroDivisionError)


def test_it_can_be_closed_twice_and_used_again(executor: Any) -> None:
    ends = Ends()
    executor.start(ends, double, 1)
    ends.wait_for(1)
    executor.close()
    executor.close()
    executor.start(ends, double, 2)
    assert ends.wait_for(2)[1] == (4, None)


def test_it_says_how_many_slots_it_has(executor: Any) -> None:
    assert executor.slots == 2


def test_a_dead_worker_is_told_and_the_pool_is_replaced() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, die)
    [(_, error)] = ends.wait_for(1)
    assert isinstance(error, BrokenExecutor)
    executor.start(ends, double, 21)
    assert ends.wait_for(2)[1] == (42, None)
    executor.close()


def test_a_dead_worker_takes_no_other_work_with_it() -> None:
    executor, ends = EXECUTORS["processes"](2), Ends()
    executor.start(ends, die)
    for number in range(4):
        executor.start(ends, rest_and_double, number)
    found = ends.wait_for(5)
    assert sorted(value for value, error in found if error is None) == [0, 2, 4, 6]
    executor.close()


def test_work_outlives_the_thread_that_started_it() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, double, 1)
    starter = threading.Thread(target=lambda: (ends.wait_for(1), executor.start(ends, rest_and_double, 2)))
    starter.start()
    starter.join()
    assert ends.wait_for(2)[1] == (4, None)
    executor.close()


def test_processes_are_others_and_threads_are_not() -> None:
    found = {}
    for name, make in EXECUTORS.items():
        executor, ends = make(1), Ends()
        executor.start(ends, own_pid)
        found[name] = ends.wait_for(1)[0][0] == os.getpid()
        executor.close()
    assert found == {"threads": True, "processes": False, "inline": True}


def test_nothing_of_a_pool_whose_process_died_is_left_once_it_is_closed() -> None:
    before = set(threading.enumerate())
    executor, ends = EXECUTORS["processes"](2), Ends()
    executor.start(ends, die)
    ends.wait_for(1)
    executor.close()
    assert set(threading.enumerate()) <= before


def end_of_file() -> None:
    raise EOFError("the file ends here")


def unsendable() -> object:
    return threading.Lock()


def die_of(error: type[BaseException]) -> None:
    raise error("that way")


def test_an_error_that_looks_like_a_closed_pipe_is_only_an_error() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, end_of_file)
    executor.start(ends, own_pid)
    executor.start(ends, die_of, ConnectionResetError)
    executor.start(ends, own_pid)
    (_, ended), (first, _), (_, reset), (second, _) = ends.wait_for(4)
    executor.close()
    assert isinstance(ended, EOFError) and isinstance(reset, ConnectionResetError)
    assert first == second


def test_an_error_tells_where_it_was_raised_in_the_worker() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, divide, 1)
    [(_, error)] = ends.wait_for(1)
    executor.close()
    assert "return number / 0" in "".join(error.__notes__)  # type: ignore[union-attr]


def test_what_cannot_be_sent_is_an_error_and_the_slot_goes_on() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, unsendable)
    executor.start(ends, lambda: 1)
    executor.start(ends, double, 3)
    (_, back), (_, there), last = ends.wait_for(3)
    executor.close()
    assert back is not None and there is not None
    assert last == (6, None)


def test_an_idle_worker_that_was_killed_is_replaced_before_anything_fails() -> None:
    executor, ends = EXECUTORS["processes"](1), Ends()
    executor.start(ends, own_pid)
    pid = ends.wait_for(1)[0][0]
    [worker] = [child for child in multiprocessing.active_children() if child.pid == pid]
    worker.kill()
    worker.join(PATIENCE_S)
    executor.start(ends, own_pid)
    (_, error) = ends.wait_for(2)[1]
    executor.close()
    assert error is None
