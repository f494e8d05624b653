"""One attempt from its request to its result: prepared, sent once, watched until it ends, fetched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from pipeline.adapters.backends.comfyui.ahead import FetchedAhead
from pipeline.adapters.backends.comfyui.answers import Ended, Garbled, MadeFile
from pipeline.adapters.backends.comfyui.apart import apart
from pipeline.adapters.backends.comfyui.calls import Answer, NoAnswer
from pipeline.adapters.backends.comfyui.failures import Failure, execution_failure, node_faults, refusal
from pipeline.adapters.backends.comfyui.files import chosen, measures, take_in
from pipeline.adapters.backends.comfyui.filling import classes_of_length, graph_of, pictures, workflow_of
from pipeline.adapters.backends.comfyui.job import Job
from pipeline.adapters.backends.comfyui.numbers import finite, table
from pipeline.adapters.backends.comfyui.server import Server, Sighting
from pipeline.adapters.backends.comfyui.timing import Timing
from pipeline.adapters.backends.results import OUTPUT_LIMIT
from pipeline.adapters.storage.inputs import check_inputs
from pipeline.adapters.storage.workspace import Spool
from pipeline.domain.errors import Cancelled, WorkerWedged, WorkFailed
from pipeline.domain.fleet.reasons import duration
from pipeline.domain.retries import FailureClass
from pipeline.domain.work import InputFile, Result
from pipeline.domain.workflows.sizes import needed_frames
from pipeline.domain.workflows.workflow import Workflow
from pipeline.ports import Executor

_T = TypeVar("_T")
_LONGEST_S = 7 * 24 * 3600.0


class Patience:
    """How long a server that gives no answer is waited for, by one attempt."""

    def __init__(self, job: Job, timing: Timing) -> None:
        self._job = job
        self._timing = timing
        self._since = 0.0
        self._refused_since = 0.0

    def answered(self) -> None:
        """There was an answer."""
        self._since = self._refused_since = 0.0
        self._job.words = ""

    async def pause(self, error: NoAnswer | Garbled) -> None:
        """Wait a moment before the next try. Raises WorkFailed("worker_gone") when it has been long enough."""
        now = time.monotonic()
        self._since = self._since or now
        self._refused_since = (self._refused_since or now) if getattr(error, "is_refused", False) else 0.0
        is_stopped = self._refused_since and now - self._refused_since >= self._timing.refused_s
        if is_stopped or now - self._since >= self._timing.gone_s:
            name = self._job.place.name
            raise WorkFailed(FailureClass.WORKER_GONE, f"{name} gave no answer for {now - self._since:.0f} s. {error}") from error
        self._job.words = f"{self._job.place.name} does not answer"
        await asyncio.sleep(self._timing.poll_s)

    async def insist(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """The answer of a call that does no harm when it is repeated."""
        while True:
            try:
                answer = await call()
            except (NoAnswer, Garbled) as error:
                await self.pause(error)
            else:
                self.answered()
                return answer


class Performance:
    """Carries one attempt through. `readers` decode and encode what came from the server."""

    def __init__(self, job: Job, server: Server, *, spool: Spool, readers: Executor, timing: Timing) -> None:
        self._job = job
        self._server = server
        self._spool = spool
        self._readers = readers
        self._timing = timing
        self._patience = Patience(job, timing)
        self._since = time.monotonic()
        self._asked: int | None = None
        self._ahead = FetchedAhead(self._fetch)
        self.may_be_there = job.request.is_again
        """Whether the server may have the attempt, or may still get it, without having told how it ended."""

    @cached_property
    def _workflow(self) -> Workflow:
        """The workflow of the request. Raises WorkFailed where there is none that can be sent."""
        return workflow_of(self._job.request)

    async def run(self) -> Result:
        """The result. Raises WorkFailed, or Cancelled when it was stopped because it was asked to."""
        if self._job.request.is_again:
            self._folder.mkdir(parents=True, exist_ok=True)  # a loss of power may have taken it
        else:
            await self._send()
        try:
            ended = await self._end()
            self.may_be_there = False
            return await self._collect(ended)
        finally:
            await self._ahead.stop()

    # Sending ----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        request = self._job.request
        workflow = self._workflow
        names: dict[str, str] = {}
        await self._server.listener.ready()  # before the pictures: a new connection says that they may be gone
        for slot, file in pictures(workflow, request).items():
            self._stop_if_asked()
            names[slot] = await self._uploaded(file)
        graph = graph_of(workflow, request, uploaded=names, frames=await self._frames(workflow))
        self._job.client_id = await self._server.listener.ready()
        self._stop_if_asked()
        check_inputs(request)
        self._spool.begin(request)
        # No `number`: two jobs that tie on number and id kill the server's worker thread.
        body = {
            "prompt": graph,
            "prompt_id": request.attempt_id,
            "client_id": self._job.client_id,
            "extra_data": {"preview_method": "latent2rgb"},
        }
        await self._post(body)

    async def _uploaded(self, file: InputFile) -> str:
        """The name that the server has a picture under. Raises WorkFailed("lost_input") for one that is gone."""
        try:
            return await self._patience.insist(partial(self._server.uploaded, file))
        except FileNotFoundError:
            await asyncio.to_thread(check_inputs, self._job.request)
            raise

    async def _frames(self, workflow: Workflow) -> int:
        """How many frames the server is asked for: its nodes make only certain numbers. 0 when the workflow takes no number."""
        if self._asked is not None:
            return self._asked
        asked = int(finite(self._job.request.parameters.get("frames")))
        if asked and "frames" in workflow.slots:
            schemas = await self._patience.insist(partial(self._server.schemas, classes_of_length(workflow)))
            asked = needed_frames(workflow, asked, schemas)
        self._asked = asked
        return asked

    async def _post(self, body: dict[str, Any]) -> None:
        """Send it once. What may have arrived is looked for, and never sent again under this id: it may still arrive late.

        Raises WorkFailed when the server does not have it; the next attempt has an id of its own.
        """
        answer: Answer | None = None
        self.may_be_there = True
        while answer is None:
            try:
                answer = await self._server.calls.post("/prompt", body)
            except NoAnswer as error:
                await self._patience.pause(error)
                if not error.is_refused:
                    break
                self._stop_if_asked()
        if answer is not None and answer.status < 500 and (answer.status != 200 or isinstance(answer.data, dict)):
            self._patience.answered()
            await self._accepted(answer)
        elif not await self._is_there():
            self._stop_if_asked()
            if answer is not None and answer.status == 500:
                raise self._failed(refusal(answer.status, answer.data))
            name = self._job.place.name
            raise WorkFailed(FailureClass.WORKER_GONE, f"{name} broke off when the workflow was sent, and does not have it.")

    async def _accepted(self, answer: Answer) -> None:
        """Raises WorkFailed unless the whole graph was taken: one good output is enough for a 200."""
        if answer.status != 200:
            raise self._failed(refusal(answer.status, answer.data))
        faults = table(answer.data.get("node_errors"))
        if faults:
            await self._server.take_back(self._job.id)
            raise self._failed(node_faults(faults))
        if answer.data.get("prompt_id") != self._job.id:
            raise WorkFailed(
                FailureClass.BACKEND_ERROR, "The worker took the workflow under another id than the one it was given."
            )

    async def _is_there(self) -> bool:
        """Whether the server knows the attempt, by two looks with a pause between them."""
        for last in (False, True):
            sighting = await self._patience.insist(partial(self._server.sight, self._job.id))
            if sighting.is_known:
                return True
            if not last:
                await asyncio.sleep(self._timing.poll_s)
        return False

    def _failed(self, failure: Failure) -> WorkFailed:
        if failure.lost_upload:
            self._server.forget_uploads()
        return WorkFailed(failure.failure_class, failure.reason)

    def _stop_if_asked(self) -> None:
        if self._job.is_cancelled:
            raise Cancelled(self._job.id)

    # Watching ---------------------------------------------------------------------------------------------------

    async def _end(self) -> Ended:
        """How it ended. The socket tells when to look; the history is looked at every moment in any case."""
        misses, missed_at, stopped_at = 0, 0.0, 0.0
        if self._job.request.is_again:
            self._job.nudge.set()
        while True:
            if await self._is_nudged():
                self._fetch_ahead()
            now = time.monotonic()
            if self._job.is_cancelled and now - stopped_at >= self._timing.stop_s:
                stopped_at = now
                with suppress(NoAnswer, Garbled):
                    await self._server.stop(self._job.id)
            try:
                sighting = await self._server.sight(self._job.id)
                self._patience.answered()
                await self._mind(sighting)
            except (NoAnswer, Garbled) as error:
                await self._patience.pause(error)
                continue
            if sighting.ended is not None:
                return sighting.ended
            if sighting.is_known:
                misses = 0
            elif now - missed_at >= self._timing.poll_s:
                misses, missed_at = misses + 1, now
            if misses > 1:
                self._stop_if_asked()
                unsent = ", or the engine ended before it had sent it" if self._job.request.is_again else ""
                raise WorkFailed(
                    FailureClass.LOST, f"{self._job.place.name} does not know the job: it was restarted, or cleared{unsent}."
                )

    def _fetch_ahead(self) -> None:
        """Fetch what the socket has told of while the history is asked, which mostly says the same."""
        if self._job.made and self._asked is not None and not self._job.is_cancelled:
            with suppress(WorkFailed):
                self._ahead.begin(self._chosen(self._job.made, self._asked))

    async def _is_nudged(self) -> bool:
        """Wait for the socket's word, at most until it is time to look in any case; whether it came."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._job.nudge.wait(), self._timing.poll_s)
        is_nudged = self._job.nudge.is_set()
        self._job.nudge.clear()
        return is_nudged

    async def _mind(self, sighting: Sighting) -> None:
        """It is in the server's queue: is the socket deaf, is the server's worker dead?"""
        if sighting.is_running:
            self._job.begin()
            if self._server.why_wedged and self._server.is_stuck(self._job.id):
                raise self._wedged(self._server.why_wedged)
            # A job that was announced and then went quiet is in a long node; one that never was should have been.
            is_ours = self._job.client_id and self._job.client_id == self._server.listener.client_id
            if is_ours and not self._job.is_heard and time.monotonic() - self._job.begun_at >= self._timing.deaf_s:
                self._server.listener.reconnect()
        elif sighting.is_pending:
            self._job.words = f"waits for {self._job.place.name}"
            await self._leave_when_in_vain()

    async def _leave_when_in_vain(self) -> None:
        """Raises WorkerWedged when the server will never run what it has accepted, or nobody knows when."""
        why, others_s = self._server.why_wedged, self._server.others_run_s
        if not why and others_s < self._timing.others_s:
            return
        others = self._server.others
        await self._server.calls.post("/queue", {"delete": [self._job.id]})
        if self._job.id in (await self._server.queue()).running:
            return
        if why:
            raise self._wedged(why)
        name = self._job.place.name
        reason = f"{name} has been at somebody else's job for {duration(others_s)}."
        raise WorkerWedged(name, FailureClass.WORKER_BUSY, reason, others)

    def _wedged(self, why: str) -> WorkerWedged:
        name = self._job.place.name
        return WorkerWedged(name, FailureClass.WORKER_GONE, f"{name} {why}. Restart its process.")

    # Fetching ---------------------------------------------------------------------------------------------------

    async def _collect(self, ended: Ended) -> Result:
        name = self._job.place.name
        if ended.is_interrupted:
            self._stop_if_asked()
            raise WorkFailed(FailureClass.LOST, f"It was stopped on {name} by somebody else.")
        if ended.error is not None or not ended.is_success:
            failure = execution_failure(ended.error or {})
            if failure.failure_class is FailureClass.OUT_OF_MEMORY:
                await self._free()
            raise self._failed(failure)
        if not self._folder.is_dir():  # it was given up while it ran on, and its folder was cleared away
            raise Cancelled(self._job.id)
        self._job.words = "fetching the result"
        made = await self._frames(self._workflow)
        fetched = await self._ahead.paths(self._chosen(ended.files, made))
        take = partial(take_in, seconds=self._seconds(ended), made=made)
        try:
            return await apart(self._readers, take, self._spool, measures(self._job.request), fetched)
        except BrokenExecutor as error:
            reason = f"What {name} made ended the process that read it ({error})."
            raise WorkFailed(FailureClass.CORRUPT_OUTPUT, reason) from error

    @cached_property
    def _folder(self) -> Path:
        return self._spool.attempt_folder(self._job.id)

    def _chosen(self, files: Sequence[MadeFile], frames: int) -> list[MadeFile]:
        return chosen(files, nodes=self._workflow.outputs, stage=self._job.request.stage, frames=frames)

    async def _fetch(self, files: list[MadeFile]) -> list[Path]:
        """The files under names of our own: theirs name nothing here."""
        paths: list[Path] = []
        room = OUTPUT_LIMIT
        for number, file in enumerate(files, 1):
            target = self._folder / f"made-{number:05}"
            download = partial(self._server.calls.download, file.query, target, limit=room)
            size = await self._patience.insist(download)
            if size < 0:
                await self._free()
                raise WorkFailed(
                    FailureClass.CORRUPT_OUTPUT, f"{self._job.place.name} no longer has a file that it says it made."
                )
            room -= size
            paths.append(target)
        return paths

    async def _free(self) -> None:
        """Room, and a run that is not answered from the cache, for the next try; that too is only a wish."""
        with suppress(NoAnswer, Garbled):
            await self._server.free()

    def _seconds(self, ended: Ended) -> float:
        """How long it ran by the server's clock, where that can be true; else by ours."""
        began = self._job.begun_at or self._since
        longest = _LONGEST_S if self._job.request.is_again else time.monotonic() - self._since + 1
        return ended.seconds if 0 < ended.seconds <= longest else time.monotonic() - began
