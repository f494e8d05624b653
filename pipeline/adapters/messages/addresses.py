"""Where a webhook may go: which addresses are taken at all, and which machines behind a name.

Whoever writes a rule must not reach through this server what only this server can reach. So an address is held to a narrow
form, its name is resolved once, every machine that it stands for must be on the public internet (or in a network that an admin
has allowed), and the connection goes to exactly the machine that was looked at.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from pipeline.domain.errors import Invalid, Refused, Unavailable

Machine = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""Name and port to addresses. Raises OSError when the name is not known."""

_LONGEST = 2_000
_VISIBLE = re.compile(r"[!-~]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_PLAIN_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1_024
_NEVER_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23",  # IPv4 in disguise, and tunnels
        "100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24",
    )
)  # fmt: skip
"""Beside what the standard library knows to be private, reserved or multicast in the oldest Python that is supported."""


@dataclass(frozen=True)
class Policy:
    """What an admin allows: networks beside the public internet, and addresses without TLS."""

    networks: tuple[Network, ...] = ()
    allows_http: bool = False


PUBLIC_ONLY = Policy()


@dataclass(frozen=True)
class Target:
    """An address taken apart. `host` is a name or a machine in its usual form; `path` has the query with it."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """As the header Host has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def networks(text: str) -> tuple[Network, ...]:
    """`10.2.0.0/16, 127.0.0.1` as networks. Raises Invalid."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise Invalid(f"{error}. Write networks like 10.2.0.0/16, with commas between them.") from None


def taken_apart(url: str, policy: Policy) -> Target:
    """The address, where it is one that may be tried. Raises Refused with the reason."""
    if not isinstance(url, str) or len(url) > _LONGEST or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise Refused("The address has characters that no address has, or is too long. Write it with plain ASCII letters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("The address cannot be read. Write it like https://example.com/hook.") from None
    if parts.scheme not in ("https", "http") or not url[len(parts.scheme) :].startswith("://"):
        raise Refused("Only addresses that begin with https:// are called.")
    if parts.scheme == "http" and not policy.allows_http:
        raise Refused("Only https:// is called. An admin can allow http:// with STRIPBOARD_WEBHOOK_HTTP.")
    if "@" in parts.netloc:
        raise Refused("The address holds a name or password. Webhooks are signed instead.")
    is_tls = parts.scheme == "https"
    port = port if port is not None else (443 if is_tls else 80)
    if port not in _PLAIN_PORTS and not _FIRST_FREE_PORT <= port <= 65_535:
        raise Refused(f"Port {port} belongs to another service. Use 443, or one from {_FIRST_FREE_PORT}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(is_tls, _host(parts.netloc, parts.hostname), port, path)


def machines(target: Target, policy: Policy, resolve: Resolve) -> tuple[Machine, ...]:
    """Every machine behind a target, at least one, all of which may be called. Raises Refused, or Unavailable for no answer."""
    try:
        found = tuple(dict.fromkeys(ip_address(text) for text in resolve(target.host, target.port)))
    except (OSError, UnicodeError):
        raise Unavailable(f'The name "{target.host}" is not known just now.') from None
    except ValueError:
        raise Refused(f'The name "{target.host}" leads to something that is no machine.') from None
    if not found:
        raise Unavailable(f'The name "{target.host}" is not known just now.')
    for machine in found:
        if not may_call(machine, policy):
            raise Refused(
                f'"{target.host}" leads to {machine}, which is not on the public internet. An admin can allow its network with '
                "STRIPBOARD_WEBHOOK_NETWORKS."
            )
    return found


def may_call(machine: Machine, policy: Policy) -> bool:
    """Whether a machine is on the public internet, or in a network that is allowed."""
    if isinstance(machine, IPv6Address) and machine.scope_id:
        return False
    if any(machine.version == network.version and machine in network for network in policy.networks):
        return True
    if any(machine.version == network.version and machine in network for network in _NEVER_PUBLIC):
        return False
    return machine.is_global and not (machine.is_multicast or machine.is_reserved or machine.is_private)


def by_system(host: str, port: int) -> list[str]:
    """What this machine's resolver says."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _host(netloc: str, hostname: str | None) -> str:
    """The host in its usual form; raises Refused for one that is neither a name nor a machine written in full.

    127.1, 0x7f000001 and 2130706433 are machines to some resolvers and names to others, so they are neither here.
    """
    host = (hostname or "").removesuffix(".")
    if netloc.startswith("["):
        try:
            return str(IPv6Address(host))
        except ValueError:
            raise Refused("What stands in brackets is not an IPv6 address.") from None
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("The address has no host, or one that cannot be. Write it like https://example.com/hook.")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise Refused("The machine is written in an unusual way. Write all four numbers of it.") from None
    return host
