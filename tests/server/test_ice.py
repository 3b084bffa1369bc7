"""STUN and TURN servers as options and as peers are told of them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from txt2vid.errors import UsageError
from txt2vid.server.ice import TURN_SECONDS, IceServer, IceServers


def test_credentials_end_by_themselves() -> None:
    servers = IceServers.of(("stun:a.example:3478", "turn:b.example:3478?transport=udp"), "north")
    stun, turn = servers.now(1_000_000.0)
    assert stun.link() == '<stun:a.example:3478>; rel="ice-server"'
    assert turn.username is not None
    assert turn.username.startswith(f"{1_000_000 + TURN_SECONDS}:")
    digest = hmac.new(b"north", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(digest).decode()
    assert f'username="{turn.username}"; credential="{turn.credential}"' in turn.link()
    assert servers.now(1_000_000.0)[1].username != turn.username
    assert [IceServer.of_link(each.link()) for each in (stun, turn)] == [stun, turn]
    assert IceServer.of_link('</next>; rel="next"') is None


@pytest.mark.parametrize("url", ["", "a.example", "http://a", "stun:", 'turn:a"b', "turn:a?transport=x", "stun:a b"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="ice-server"):
        IceServers.of((url,), "north")


def test_turn_needs_its_secret() -> None:
    with pytest.raises(UsageError, match="turn-secret-file"):
        IceServers.of(("turn:a.example:3478",), None)


def test_browsers_are_told_as_they_want_it() -> None:
    stun, turn = IceServers.of(("stun:a.example:3478", "turn:b.example:3478"), "secret").for_peers()
    assert stun == {"urls": "stun:a.example:3478"}
    assert set(turn) == {"urls", "username", "credential"}
