"""The one thread that runs jobs, without anybody to look after it: when it dies, the server goes on answering."""

from __future__ import annotations

import threading

from pipeline.double.execution import Execution
from pipeline.double.job import KilledServer
from pipeline.double.job_queue import Entry
from pipeline.double.life import Life


def start_worker(life: Life) -> threading.Thread:
    """Start the worker of a life."""
    thread = threading.Thread(target=_work, args=(life,), name=f"{life.setup.name} worker", daemon=True)
    thread.start()
    return thread


def _work(life: Life) -> None:
    try:
        with life.ledger.opened():
            while not life.over.is_set():
                _turn(life)
    except (TypeError, KilledServer, _Dead):
        return  # a tie in the heap, a kill, a planned death: in each case no job runs any more


class _Dead(Exception):
    """A planned death."""


def _turn(life: Life) -> None:
    """Run the next job, or act on a flag."""
    taken = life.queue.take()
    if taken is not None:
        if life.faults.take("dead_worker", form="a"):
            life.queue.running.pop(taken[1])
            raise _Dead
        _run(life, *taken)
    flags = life.queue.lower_flags()
    if flags.get("unload_models", flags.get("free_memory", False)):
        life.loaded_models.clear()
    if flags.get("free_memory"):
        life.cache.clear()


def _run(life: Life, entry: Entry, ticket: int) -> None:
    number, prompt_id, graph, extra_data, outputs = entry[:5]
    execution = Execution(life, prompt_id=prompt_id, graph=graph, extra_data=extra_data, ticket=ticket)
    facts = {"server": life.setup.name, "life": life.number}
    life.ledger.began(prompt_id, graph, number=number, **facts)
    if life.faults.take("dead_worker", form="b"):
        raise _Dead
    execution.run(outputs)
    if life.is_killed_at("after_job") or life.over.is_set():
        raise KilledServer
    ran = {"executed": execution.executed, "cached": execution.cached}
    life.ledger.ended(prompt_id, execution.outcome, **ran, **facts)
    is_kept = life.faults.take("lose_history") is None
    life.queue.done(ticket, result=execution.result, status=execution.status, is_kept=is_kept)
    if execution.client_id is not None:
        life.sockets.say("executing", {"node": None, "prompt_id": prompt_id}, execution.client_id)
