"""Under which names and addresses this machine is reached: what a certificate has to hold."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LOCAL = ("localhost", "127.0.0.1", "::1")
_SIOCGIFADDR = 0x8915  # Linux, netdevice(7): the address of an interface
_IFREQ = struct.Struct("16s24x")
_ADDRESS = slice(20, 24)  # in it: behind the name, the family and the port
_INET6 = Path("/proc/net/if_inet6")  # a line an address: 32 hexadecimal digits, then more
_FAR = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))  # of documentation (RFC 5737, RFC 3849)


def names_of(host: str, allowed: Iterable[str] = ()) -> tuple[str, ...]:
    """Names and addresses, each once, in ASCII. host: as bound to. allowed: names that are answered to as well."""
    own = socket.gethostname()
    found = [*LOCAL, own, *([] if "." in own else [f"{own}.local"])]  # the second: multicast DNS, on phones as well
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        found += [host, *_resolved(host)]
    else:
        found += addresses() if address.is_unspecified else [str(address)]
    return tuple(dict.fromkeys(name for each in (*found, *allowed) if (name := _ascii(each))))


def addresses() -> tuple[str, ...]:
    """This machine's, without loopback and those of one link only."""
    found = list(_interfaces()) or [*_resolved(socket.gethostname()), *_routed()]  # the latter may wait for DNS
    known = dict.fromkeys(ipaddress.ip_address(each.partition("%")[0]) for each in found)
    return tuple(str(each) for each in known if not (each.is_loopback or each.is_link_local or each.is_unspecified))


def _interfaces() -> Iterator[str]:
    """Those of all interfaces, on Linux."""
    if sys.platform != "linux":
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has none
                answer = fcntl.ioctl(asking, _SIOCGIFADDR, _IFREQ.pack(name.encode()))
                yield socket.inet_ntop(socket.AF_INET, answer[_ADDRESS])
    with suppress(OSError):
        for line in _INET6.read_text().splitlines():
            yield socket.inet_ntop(socket.AF_INET6, bytes.fromhex(line[:32]))


def _resolved(name: str) -> Iterator[str]:
    with suppress(OSError, UnicodeError):
        for *_, address in socket.getaddrinfo(name or None, 0, type=socket.SOCK_STREAM):
            yield str(address[0])


def _routed() -> Iterator[str]:
    """Those that packets to far away would come from; nothing is sent."""
    for place, family in _FAR:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((place, 9))
            yield str(asking.getsockname()[0])


def _ascii(name: str) -> str:
    """As DNS has it; "" where it cannot be a name there."""
    if name.isascii():
        return name.strip(" []").lower()
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""
