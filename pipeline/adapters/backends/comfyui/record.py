"""The request of an attempt beside its results: written before it is sent, so that a restart can find the attempt again."""

from __future__ import annotations

import json
from pathlib import Path

import cattrs

from pipeline.adapters import small_files
from pipeline.adapters.storage.inputs import check_inputs
from pipeline.adapters.storage.workspace import REQUEST, Spool
from pipeline.domain.work import Request

_CODEC = cattrs.Converter()


def keep(spool: Spool, request: Request) -> None:
    """Enter the start in the ledger and store the request durably: from now on the attempt may have been sent.

    Raises WorkFailed("lost_input") where an input is gone.
    """
    check_inputs(request)
    spool.begin(request)
    folder = spool.attempt_folder(request.attempt_id)
    small_files.overwrite(folder / REQUEST, _written(request).encode(), durably=True)  # what a crash leaves torn was not sent
    small_files.sync(folder.parent)


def _written(request: Request) -> str:
    """In one piece, and field by field: the parameters are plain values already, and walking through a graph takes long."""
    inputs = [vars(file) for file in request.inputs]
    place = vars(request.place) if request.place else None
    return json.dumps(vars(request) | {"inputs": inputs, "place": place})


def kept(spool: Spool, attempt_id: str) -> Request | None:
    """The request of an attempt that may have been sent; None for one that certainly was not."""
    path: Path = spool.attempt_folder(attempt_id) / REQUEST
    try:
        request = _CODEC.structure(json.loads(path.read_text(encoding="utf-8")), Request)
    except (OSError, ValueError, cattrs.BaseValidationError):
        return None
    return request if request.attempt_id == attempt_id else None
