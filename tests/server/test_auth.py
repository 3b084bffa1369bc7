"""Who is let in: decisions about heads of requests, without a server."""

from __future__ import annotations

import pytest

from txt2vid.errors import UsageError
from txt2vid.server.auth import Access, Asked, bearer, is_loopback, split_host

TOKEN = "d3b07384d113edec"  # noqa: S105 - of these tests
LOCAL = Access()
GUARDED = Access(TOKEN, local_names=False)
WATCH = "c157a79031e1c40f"
SHARED = Access(TOKEN, WATCH, local_names=False)
PUBLIC = Access(TOKEN, public_viewing=True, local_names=False)


def status(access: Access, asked: Asked) -> int:
    refusal = access.refusal(asked)
    return refusal.status if refusal else 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:80", "127.8.9.1", "[::1]:8080", "[::1]"])
def test_a_local_server_answers_to_local_names(host: str) -> None:
    assert status(LOCAL, Asked("http", host=host)) == 200


@pytest.mark.parametrize(
    "host", [None, "", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[::2]"]
)
def test_a_local_server_knows_no_other_name(host: str | None) -> None:
    assert status(LOCAL, Asked("http", host=host)) == 421
    assert status(LOCAL, Asked("http", host=host, open_to_all=True)) == 421
    assert status(LOCAL, Asked("websocket", host=host)) == 421


def test_a_name_may_be_added() -> None:
    access = Access.of("127.0.0.1", None, hosts=("Studio.Example",))
    assert status(access, Asked("http", host="studio.example:443")) == 200
    assert status(access, Asked("http", host="other.example:443")) == 421


def test_with_a_token_any_name_will_do() -> None:
    assert status(GUARDED, Asked("http", host="studio.example", token=TOKEN)) == 200


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked("http"), 401),
        (Asked("http", token=""), 401),
        (Asked("http", token=TOKEN + "x"), 401),
        (Asked("http", token=TOKEN[:-1]), 401),
        (Asked("http", token="ü" * 20), 401),
        (Asked("http", token=TOKEN), 200),
        (Asked("http", authorization=f"Bearer {TOKEN}"), 200),
        (Asked("http", authorization=f"bearer  {TOKEN}"), 200),
        (Asked("http", authorization=f"Basic {TOKEN}"), 401),
        (Asked("http", authorization=TOKEN), 401),
        (Asked("http", viewing=True), 401),
        (Asked("http", open_to_all=True), 200),
        (Asked("websocket"), 200),  # it may say the token in its hello
    ],
)
def test_what_needs_a_token(asked: Asked, expected: int) -> None:
    assert status(GUARDED, asked) == expected


def test_public_viewing_opens_what_only_looks() -> None:
    assert status(PUBLIC, Asked("http", viewing=True)) == 200
    assert status(PUBLIC, Asked("http")) == 401


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked("http", token=WATCH, viewing=True), 200),
        (Asked("http", authorization=f"Bearer {WATCH}", viewing=True), 200),
        (Asked("websocket", token=WATCH, viewing=True), 200),
        (Asked("http", token=WATCH + "x", viewing=True), 401),
        (Asked("http", token=WATCH[:-1], viewing=True), 401),
        (Asked("http", viewing=True), 401),
        (Asked("http", token=WATCH), 403),
        (Asked("http", token=WATCH, changes=True), 403),
        (Asked("http", token=WATCH, authorization=f"Bearer {TOKEN}"), 200),  # one that is right is enough
        (Asked("http", token=TOKEN, authorization=f"Bearer {WATCH}"), 200),
        (Asked("http", token=TOKEN), 200),
        (Asked("http", token=WATCH, viewing=True, passed=False), 401),  # a call's members let nobody else watch
        (Asked("http", token=TOKEN, passed=False), 401),
    ],
)
def test_a_token_for_watching_alone(asked: Asked, expected: int) -> None:
    assert status(SHARED, asked) == expected


def test_the_watching_token_is_none_where_there_is_no_such() -> None:
    for access in (LOCAL, GUARDED):
        assert not access.only_watches(WATCH, None, "")
    assert SHARED.only_watches(None, WATCH)
    assert not SHARED.only_watches(TOKEN, WATCH)
    assert not SHARED.knows(WATCH)
    refusal = SHARED.refusal(Asked("http", token=WATCH))
    assert refusal is not None
    assert "watching alone" in refusal.message
    assert WATCH not in refusal.message


def test_which_tokens_make_no_sense_together() -> None:
    assert Access.of("127.0.0.1", TOKEN, watch_token=WATCH).watch_token == WATCH
    with pytest.raises(UsageError, match="are the same"):
        Access.of("127.0.0.1", TOKEN, watch_token=TOKEN)
    with pytest.raises(UsageError, match="everybody may speak: add --token"):
        Access.of("127.0.0.1", None, watch_token=WATCH)
    with pytest.raises(UsageError, match="leave one of them out"):
        Access.of("127.0.0.1", TOKEN, watch_token=WATCH, public_viewing=True)


def test_a_refusal_does_not_repeat_the_token() -> None:
    refusal = GUARDED.refusal(Asked("http", token=TOKEN + "x"))
    assert refusal is not None
    assert TOKEN not in refusal.message


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        (None, "localhost:8080", 200),
        ("http://localhost:8080", "localhost:8080", 200),
        ("HTTP://LOCALHOST:8080", "localhost:8080", 200),
        ("http://localhost", "localhost:80", 200),
        ("https://studio.example", "studio.example", 200),
        ("https://studio.example:443", "studio.example", 200),
        ("http://localhost:9090", "localhost:8080", 403),
        ("http://evil.example", "localhost:8080", 403),
        ("http://localhost:8080.evil.example", "localhost:8080", 403),
        ("http://evil.example@localhost:8080", "localhost:8080", 403),
        ("null", "localhost:8080", 403),
        ("", "localhost:8080", 403),
        ("file://", "localhost:8080", 403),
        ("http://[::1", "localhost:8080", 403),  # no URL at all
        ("https://app.example", "localhost:8080", 200),  # allowed below
        ("http://app.example", "localhost:8080", 403),
        ("https://other.example:99", "localhost:8080", 200),
    ],
)
def test_pages_of_other_sites_open_no_websocket(origin: str | None, host: str, expected: int) -> None:
    access = Access.of("192.168.1.7", TOKEN, origins=("https://App.example/", "other.example:99"))
    assert status(access, Asked("websocket", host=host, origin=origin)) == expected


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("https://studio.example:8080", "studio.example:8080", 200),
        ("https://studio.example", "studio.example:443", 200),
        ("http://studio.example:8080", "studio.example:8080", 403),
        ("http://studio.example:443", "studio.example", 403),
        (None, "studio.example", 200),
        ("http://app.example", "studio.example", 200),  # allowed below
    ],
)
def test_over_tls_pages_must_have_come_over_tls(origin: str | None, host: str, expected: int) -> None:
    access = Access.of("192.168.1.7", TOKEN, origins=("http://app.example",))
    assert status(access, Asked("websocket", host=host, origin=origin, secure=True)) == expected


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "studio.example", ""])  # noqa: S104 - not bound
def test_other_machines_need_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="openssl rand -hex 16"):
        Access.of(host, None)
    assert Access.of(host, TOKEN).token == TOKEN


@pytest.mark.parametrize("token", ["", "  ", "two words", "clé", "line\n", "x" * 513])
def test_a_token_that_no_header_carries_is_a_mistake(token: str) -> None:
    with pytest.raises(UsageError, match="token"):
        Access.of("127.0.0.1", token)
    with pytest.raises(UsageError, match="--watch-token"):
        Access.of("127.0.0.1", TOKEN, watch_token=token)


def test_parts_of_headers() -> None:
    assert bearer("Bearer abc") == "abc"
    assert bearer("Bearer") == ""
    assert bearer(None) is None
    assert split_host("[2001:db8::1]:80") == ("2001:db8::1", "80")
    assert split_host("Example.Org.:80") == ("example.org", "80")
    assert is_loopback("127.255.0.1")
    assert not is_loopback("128.0.0.1")
