"""What every service of an installation is made of, and when it is made.

A service is made when it is first asked for. So a program loads what it uses and no more: a killed engine works again before
the pages of a server would have been loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

if TYPE_CHECKING:
    from data.store import Stores
    from pipeline.adapters.process_locks import ProcessLocks
    from pipeline.adapters.storage.media_store import MediaStore
    from pipeline.adapters.storage.workspace import Spool
    from pipeline.ports import Clock, GpuProbe, Servers
    from pipeline.services.runbooks import RunBooks
    from pipeline.settings import Settings

_Made = TypeVar("_Made")


class service(cached_property[_Made]):
    """A service of an installation: made once, whichever thread asks first."""

    @overload
    def __get__(self, installation: None, owner: type[Any] | None = None) -> Self: ...

    @overload
    def __get__(self, installation: Installation, owner: type[Any] | None = None) -> _Made: ...

    def __get__(self, installation: Installation | None, owner: type[Any] | None = None) -> Self | _Made:
        """The service, or this declaration when the class is asked."""
        if installation is None:
            return self
        with installation.opening:
            return super().__get__(installation, owner)


class Installation:
    """The settings and the stores that every service is made over.

    `verify_package` lets the invariants look into sealed packages; without it they check only that the packages are stored
    whole. `servers` and `probe` stand in for those of the fleet and for the cards of this machine (tests).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        stores: Stores,
        media: MediaStore,
        spool: Spool,
        locks: ProcessLocks,
        books: RunBooks,
        verify_package: Callable[[Path], list[str]] | None = None,
        servers: Servers | None = None,
        probe: GpuProbe | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.stores = stores
        self.media = media
        self.spool = spool
        self.locks = locks
        self.books = books
        self.opening = threading.RLock()
        self._verify_package = verify_package
        self._servers = servers
        self._probe = probe

    def with_services(self, **services: Any) -> Self:
        """The same installation with other services in the place of some."""
        other = copy(self)
        vars(other).update(services)
        return other

    def load(self) -> None:
        """Make every service now, so that none has to be loaded while somebody waits."""
        for name in dir(type(self)):
            if isinstance(getattr(type(self), name), service):
                getattr(self, name)

    def close(self) -> None:
        """Give the database connections back."""
        self.stores.close()
