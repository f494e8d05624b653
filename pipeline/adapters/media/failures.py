"""Turns what image and video libraries raise into WorkFailed, at the border, with the cause kept."""

from __future__ import annotations

import errno
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import av
import cv2
from PIL import Image

from pipeline.domain.errors import WorkFailed

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

# Decoders of hostile files raise far more than their documented errors; each of these has been seen from Pillow or PyAV.
_LIBRARY_ERRORS = (
    av.FFmpegError,
    cv2.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    IndexError,
    KeyError,
    NotImplementedError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    struct.error,
    zlib.error,
)


@contextmanager
def library_errors(failure_class: str, subject: str) -> Iterator[None]:
    """Map any library error inside the block to WorkFailed(failure_class, "<subject>: <reason>").

    A full disk is always `disk_full` and exhausted memory always `out_of_memory`, whatever class was asked for.
    """
    try:
        yield
    except WorkFailed:
        raise
    except MemoryError as error:
        raise WorkFailed("out_of_memory", f"{subject}: not enough memory") from error
    except _LIBRARY_ERRORS as error:
        if getattr(error, "errno", None) in NO_ROOM:
            raise WorkFailed("disk_full", f"{subject}: no room left on the disk. Free some space and resume.") from error
        raise WorkFailed(failure_class, f"{subject}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:300]
