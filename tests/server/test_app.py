"""HTTP as the server speaks it: what is there, what is not, and to whom."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

Server = Any  # of conftest.py, which tests cannot import
STREAMS = {"ts": "video/mp2t", "mp4": "video/mp4", "mkv": "video/x-matroska", "avi": "video/x-msvideo"}
TOKEN = "d3b07384d113edec49eaa6238ad5ff00"  # noqa: S105 - of conftest's server
WATCH_TOKEN = "9f86d081884c7d659a2feaa0c55ad015"  # noqa: S105 - of conftest's server


def test_the_page_and_what_it_needs(server: Server) -> None:
    page = server.ask("/")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert server.ask("/app.js").body == server.ask("/static/app.js").body
    assert server.ask("/static/../app.py").status == 404
    assert server.ask("/static/%2e%2e/app.py").status == 404


def test_every_answer_has_the_security_headers(server: Server) -> None:
    for path in ("/", "/healthz", "/nothing", "/api/sessions", "/s/nobody/stream.ts", "/app.js"):
        headers = server.ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_health(server: Server) -> None:
    answer = server.ask("/healthz")
    assert (answer.status, answer.json["status"]) == (200, "ok")


@pytest.mark.parametrize("container", STREAMS)
def test_heads_of_streams(server: Server, container: str) -> None:
    for path in (f"/stream.{container}", f"/s/twin/stream.{container}"):
        answer = server.ask(path, "HEAD")
        assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, STREAMS[container], b"")


@pytest.mark.parametrize("path", ["/", "/stream.ts", "/s/hero/stream.mp4", "/healthz", "/metrics", "/api/sessions"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_wrong_methods(server: Server, path: str, method: str) -> None:
    answer = server.ask(path, method)
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def test_unknown_sessions_and_paths(server: Server) -> None:
    for path in ("/s/nobody/stream.ts", "/s/nobody/stream.avi", "/api/sessions/nobody", "/s/%00/stream.ts"):
        for method in ("GET", "HEAD"):
            assert server.ask(path, method).status == 404
    assert "/api/sessions" in server.ask("/s/nobody/stream.ts").json["error"]
    for path in ("/nothing", "/s/hero/stream.ogg", "/stream", "/s/hero", "/stream.ts/"):
        answer = server.ask(path)
        assert answer.status == 404
        assert answer.body.count(b"\n") == 1
    assert server.ask("/speak").status == 426


def test_a_stream_plays_and_its_viewer_is_counted(server: Server) -> None:
    with server.open("/s/twin/stream.ts") as stream:
        begun = b""
        while len(begun) < 60_000:
            begun += stream.read1(65_536)
        state = server.state("twin")
        assert state["viewers"] == 1
        assert (state["open"], state["width"], state["height"], state["fps"]) == (True, 128, 128, 25)
        stats = _later(server, "twin")
        assert state["start"] is not None
        assert stats["time"] >= state["start"]
        assert server.metric('txt2vid_viewers{session="twin"}') == 1
        assert server.metric("txt2vid_sent_bytes_total") > 0
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "json", "-"],
        input=begun,
        capture_output=True,
        check=True,
    )
    assert {stream["codec_name"] for stream in json.loads(probed.stdout)["streams"]} == {"h264", "aac"}
    _until(lambda: server.state("twin")["viewers"] == 0)


def test_the_list_of_sessions(server: Server) -> None:
    listed = server.ask("/api/sessions").json["sessions"]
    assert [session["name"] for session in listed][:2] == ["hero", "twin"]
    for session in listed:
        assert set(session["streams"]) == set(STREAMS)
        assert session == {**session, "standing": session["name"] in ("hero", "twin")}


def test_names_of_other_sites_are_not_ours(server: Server) -> None:
    for path in ("/", "/healthz", "/api/sessions", "/stream.ts"):
        assert server.ask(path, Host="evil.example").status == 421
    assert server.ask("/healthz", Host="localhost:1234").status == 200


@pytest.mark.parametrize("request_", [b"\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"x" * 40_000])
def test_what_is_no_http(server: Server, request_: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 30) as raw, contextlib.suppress(ConnectionError):
        raw.sendall(request_)
        assert raw.recv(100).startswith(b"HTTP/1.1 4")
    assert server.ask("/healthz").status == 200


def test_what_needs_the_token(guarded: Server) -> None:
    for path in ("/", "/healthz", "/app.js", "/static/app.js"):
        assert guarded.ask(path).status == 200
    for path in ("/stream.ts", "/s/hero/stream.mp4", "/metrics", "/api/sessions", "/api/sessions/hero", "/nothing"):
        answer = guarded.ask(path)
        assert (answer.status, answer.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
        assert guarded.ask(path, Authorization="Bearer wrong").status == 401
    assert guarded.ask(f"/metrics?token={TOKEN}").status == 200
    assert guarded.ask("/api/sessions", Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.ask(f"/stream.ts?token={TOKEN}", "HEAD").status == 200
    assert guarded.ask("/healthz", Host="studio.example").status == 200


def test_what_the_watching_token_opens(guarded: Server) -> None:
    bearer = {"Authorization": f"Bearer {WATCH_TOKEN}"}
    looks = [f"/stream.{container}" for container in STREAMS] + [f"/s/hero/stream.{container}" for container in STREAMS]
    for path in (*looks, "/captions", "/s/hero/captions", "/s/hero/face", "/api/sessions", "/api/sessions/hero", "/"):
        assert guarded.ask(path, "HEAD", **bearer).status == 200, path
        assert guarded.ask(f"{path}?token={WATCH_TOKEN}", "HEAD").status == 200, path
    with guarded.open(f"/stream.mp4?token={WATCH_TOKEN}") as stream:
        assert len(stream.read(20_000)) == 20_000
    assert guarded.ask("/whep/hero", "POST", **bearer).status in (415, 501)  # it is let in; there is no offer
    assert guarded.ask("/s/hero/rig/1", **bearer).status == 404


def test_what_the_watching_token_does_not_open(guarded: Server) -> None:
    bearer = {"Authorization": f"Bearer {WATCH_TOKEN}"}
    posts = ("/whip/hero", "/whip/hero/resource", "/call", "/api/sessions", "/api/sessions/hero", "/s/hero/stream.ts")
    asked = [(path, method) for path in posts for method in ("POST", "PUT", "PATCH", "DELETE")]
    for path, method in [
        *asked,
        ("/metrics", "GET"),
        ("/nothing", "GET"),
        ("/speak", "GET"),
        ("/whip/hero", "OPTIONS"),
    ]:
        answer = guarded.ask(path, method, **bearer)
        assert (answer.status, answer.body.count(b"\n")) == (403, 1), (path, method)
        assert b"watching alone" in answer.body
        assert guarded.ask(f"{path}?token={WATCH_TOKEN}", method).status == 403, (path, method)
    for path, method in (("/mesh/about", "GET"), ("/mesh/peers", "POST")):
        assert guarded.ask(path, method, **bearer).status == 401  # cameras want the other token, or a shared link
    assert WATCH_TOKEN not in guarded.log
    assert TOKEN not in guarded.log


def test_who_may_speak_is_told(server: Server, guarded: Server) -> None:
    for path in ("/api/sessions", "/api/sessions/hero"):
        assert server.ask(path).json["may_speak"] is True
        assert guarded.ask(path, Authorization=f"Bearer {TOKEN}").json["may_speak"] is True
        assert guarded.ask(f"{path}?token={WATCH_TOKEN}").json["may_speak"] is False
        both = guarded.ask(f"{path}?token={WATCH_TOKEN}", Authorization=f"Bearer {TOKEN}")
        assert both.json["may_speak"] is True


def test_who_may_speak_is_told_what_to_give_away(server: Server, guarded: Server) -> None:
    assert server.ask("/api/sessions").json["watch_token"] is None
    assert guarded.ask("/api/sessions", Authorization=f"Bearer {TOKEN}").json["watch_token"] == WATCH_TOKEN
    assert guarded.ask("/api/sessions", Authorization=f"Bearer {WATCH_TOKEN}").json["watch_token"] is None


def test_public_viewing_opens_nothing_that_changes(serving: Any, hero: Path) -> None:
    options = ("--face", hero, "--size", "128", "--workers", "1", "--token", TOKEN, "--public-viewing")
    with serving(*options) as server:
        assert server.ask("/api/sessions").json["may_speak"] is False
        told = server.ask("/api/sessions", Authorization=f"Bearer {TOKEN}").json
        assert (told["may_speak"], told["watch_token"]) == (True, "")
        assert server.ask("/api/sessions").json["watch_token"] is None
        for path in ("/api/sessions", "/api/sessions/hero", "/s/hero/stream.ts", "/whip/hero", "/call"):
            assert server.ask(path, "POST").status == 401, path


def _later(server: Server, session: str) -> Any:
    return _until(lambda: state if (state := server.state(session))["stats"] is not None else None)


def _until(condition: Any) -> Any:
    import time

    end = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value
