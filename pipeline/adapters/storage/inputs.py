"""The stored files that an attempt is given: named for people, and looked at when one of them is the trouble."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.storage.media_store import MediaStore
from pipeline.domain.errors import WorkFailed
from pipeline.domain.names import listed
from pipeline.domain.retries import FailureClass
from pipeline.domain.stages import Stage
from pipeline.domain.work import InputFile, Request

_GIVEN = {"source", "still", "plate"}


def check_inputs(request: Request) -> None:
    """Raises WorkFailed("lost_input") that names every input that is not in the media store any more.

    A packaging is left out: it knows its files by better names.
    """
    if request.stage == Stage.DELIVERY:
        return
    missing = [file for file in request.inputs if not Path(file.path).is_file()]
    if missing:
        raise _lost("gone from the media store", missing)


def explained(error: WorkFailed, request: Request, media: MediaStore) -> WorkFailed:
    """The failure with stored files by what they are instead of by their names in the store.

    Where an input cannot be used, each is read: one whose content is another than its hash says is the reason, and is set
    aside in the store, so that nothing takes it for good.
    """
    is_packaging = request.stage == Stage.DELIVERY
    if error.failure_class == FailureClass.LOST_INPUT or (error.failure_class == FailureClass.BAD_INPUT and not is_packaging):
        damaged = [file for file in request.inputs if media.set_aside(file.sha256)]
        if damaged and not is_packaging:
            return _lost("damaged in the media store", damaged)
    text = str(error)
    for file in request.inputs:
        text = text.replace(f'"{Path(file.path).name}"', f'"{file.words}" ({file.sha256})')
    return error if text == str(error) else WorkFailed(error.failure_class, text)


def _lost(what: str, files: list[InputFile]) -> WorkFailed:
    names = listed(f"{file.words} ({file.sha256})" for file in files)
    if any(file.role in _GIVEN for file in files):
        cure = "`./stripboard run PATH --new` takes it in or makes it anew."
    else:
        cure = "What is tried again makes it anew."
    return WorkFailed(FailureClass.LOST_INPUT, f"A stored file that is needed is {what}: {names}. {cure}")
