"""Every setting, its default and its meaning; the only reader of the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.domain.errors import Invalid
from pipeline.domain.telemetry import limits

ROOT = Path(__file__).resolve().parent.parent
_SHORTEST_KEY, _LONGEST_KEY = 16, 200


@dataclass(frozen=True)
class Settings:
    """How this installation runs. Every field is documented in docs/settings.md."""

    home: Path
    database_url: str
    parallel: int
    executor: str | None = None
    certificate_chain: Path | None = None
    certificate_key: Path | None = None
    hosts: tuple[str, ...] = ()
    has_engine: bool = True
    has_screen: bool = False
    agent_key: str = field(default="", repr=False)
    gpu_limits: tuple[limits.Threshold, ...] = limits.DEFAULTS
    channels: Path | None = None
    webhook_secret: str = field(default="", repr=False)
    webhook_networks: str = ""
    webhook_http: bool = False

    @property
    def media_root(self) -> Path:
        """The content-addressed files."""
        return self.home / "media"

    @property
    def spool_root(self) -> Path:
        """Where attempts work."""
        return self.home / "spool"

    @property
    def locks_root(self) -> Path:
        """Lock files: held by living processes, freed by the system when they die."""
        return self.home / "locks"

    @property
    def credentials_root(self) -> Path:
        """The signing certificate made on this machine."""
        return self.home / "credentials"

    @property
    def channels_file(self) -> Path:
        """Names of channels with their addresses."""
        return self.channels or self.home / "channels.yaml"

    @property
    def deliveries_root(self) -> Path:
        """Where sealed packages are placed for people."""
        return self.home / "deliveries"

    @property
    def review_root(self) -> Path:
        """Where copies of what waits for people are placed."""
        return self.home / "review"

    @property
    def uploads_root(self) -> Path:
        """The files of productions that came by REST."""
        return self.home / "productions"

    @property
    def cache_root(self) -> Path:
        """What can be made again at any time, such as small pictures."""
        return self.home / "cache"

    @property
    def logs_root(self) -> Path:
        """Log files."""
        return self.home / "logs"

    @property
    def database_file(self) -> Path | None:
        """The SQLite file, when the database is one."""
        prefix = "sqlite:///"
        return Path(self.database_url.removeprefix(prefix)) if self.database_url.startswith(prefix) else None


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment. Raises Invalid for a value that cannot be used."""
    values = os.environ if environment is None else environment
    home = Path(values.get("STRIPBOARD_HOME") or ROOT / "var").expanduser().absolute()
    return Settings(
        home=home,
        database_url=_database_url(values.get("DATABASE_URL") or f"sqlite:///{home / 'stripboard.db'}"),
        parallel=_parallel(values.get("STRIPBOARD_PARALLEL")),
        executor=_executor(values.get("STRIPBOARD_EXECUTOR")),
        certificate_chain=_path(values.get("STRIPBOARD_CERTIFICATE_CHAIN")),
        certificate_key=_path(values.get("STRIPBOARD_CERTIFICATE_KEY")),
        hosts=tuple(name.strip().casefold() for name in values.get("STRIPBOARD_HOSTS", "").split(",") if name.strip()),
        has_engine=_switch("STRIPBOARD_ENGINE", values.get("STRIPBOARD_ENGINE")),
        has_screen=sys.platform in ("darwin", "win32") or bool(values.get("DISPLAY") or values.get("WAYLAND_DISPLAY")),
        agent_key=agent_key(values.get("STRIPBOARD_AGENT_KEY") or ""),
        gpu_limits=_gpu_limits(values.get("STRIPBOARD_GPU_LIMITS") or ""),
        channels=_path(values.get("STRIPBOARD_CHANNELS")),
        webhook_secret=values.get("STRIPBOARD_WEBHOOK_SECRET", ""),
        webhook_networks=values.get("STRIPBOARD_WEBHOOK_NETWORKS", ""),
        webhook_http=_switch("STRIPBOARD_WEBHOOK_HTTP", values.get("STRIPBOARD_WEBHOOK_HTTP") or "off"),
    )


def _database_url(url: str) -> str:
    """The driver this project installs, whatever PostgreSQL spelling was used."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.split("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise Invalid("DATABASE_URL is neither sqlite:///FILE nor postgresql://USER:PASSWORD@HOST/NAME. Correct it or unset it.")
    return f"postgresql+psycopg2://{rest}" if scheme.startswith("postgres") else url


def _parallel(text: str | None) -> int:
    if not text:
        return max(1, os.cpu_count() or 1)
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise Invalid(f'STRIPBOARD_PARALLEL is "{text}". Use a number from 1 to 256.')
    return int(text)


def _executor(text: str | None) -> str | None:
    if not text:
        return None
    if text not in ("threads", "processes"):
        raise Invalid(f'STRIPBOARD_EXECUTOR is "{text}". Use threads or processes, or unset it to let each stage choose.')
    return text


def agent_key(text: str) -> str:
    """The key of agents, or nothing, as it may be used. Raises Invalid, without the key."""
    if text and not (_SHORTEST_KEY <= len(text) <= _LONGEST_KEY and all("!" <= char <= "~" for char in text)):
        raise Invalid(
            f"STRIPBOARD_AGENT_KEY cannot be used. Give it {_SHORTEST_KEY} to {_LONGEST_KEY} visible ASCII characters, no spaces."
        )
    return text


def _gpu_limits(text: str) -> tuple[limits.Threshold, ...]:
    try:
        return limits.thresholds(text)
    except Invalid as error:
        raise Invalid(f"STRIPBOARD_GPU_LIMITS: {error}") from None


def _switch(name: str, text: str | None) -> bool:
    if text and text not in ("on", "off"):
        raise Invalid(f'{name} is "{text}". Use on or off.')
    return text != "off"


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None
