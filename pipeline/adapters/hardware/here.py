"""Which addresses are this machine's own."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

import psutil


def is_here(url: str) -> bool:
    """Whether the server at this address is on this machine. A name counts when it is this machine's; none is looked up."""
    host = (urlsplit(url).hostname or "").casefold()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", socket.gethostname().casefold())
    return address.is_loopback or str(address) in _addresses()


def _addresses() -> set[str]:
    found = (each.address.partition("%")[0] for card in psutil.net_if_addrs().values() for each in card)
    return {address.casefold() for address in found}
