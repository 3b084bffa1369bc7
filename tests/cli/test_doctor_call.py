"""`txt2vid doctor --call`: each hop to a real server, and what it says where one is broken."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.server.conftest import SMALL, TOKEN, WATCH_TOKEN, Server, serving

pytest.importorskip("aiortc")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server with a token, and a STUN server that is not there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        stun = f"stun:127.0.0.1:{nobody.getsockname()[1]}"
        arguments = ("--face", hero, *SMALL, "--token", TOKEN, "--watch-token", WATCH_TOKEN, "--ice-server", stun)
        with serving(tmp_path_factory.mktemp("relay"), *arguments) as running:
            yield running


@contextmanager
def other_server() -> Iterator[int]:
    """Something that speaks HTTP and is not ours."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_all_hops_of_a_server_that_is_well(relay: Server, txt2vid: Command) -> None:
    done = txt2vid("doctor", "--call", f"http://127.0.0.1:{relay.port}/?token={TOKEN}", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    hops = {hop["what"]: hop for hop in said["hops"]}
    assert said["works"] is True
    assert list(hops) == ["TCP", "TLS", "HTTP", "token", "websocket", "WebRTC", "STUN", "UDP and codec"]
    assert [name for name, hop in hops.items() if not hop["works"]] in (["STUN"], [])  # others may tell our own address
    assert hops["UDP and codec"]["detail"].startswith("h264 and Opus, directly")
    assert TOKEN not in done.stdout + done.stderr


def test_a_token_for_watching_alone_is_told(relay: Server, txt2vid: Command) -> None:
    done = txt2vid("doctor", "--call", f"http://127.0.0.1:{relay.port}/?token={WATCH_TOKEN}", "--json")
    hops = {hop["what"]: hop["detail"] for hop in json.loads(done.stdout)["hops"]}
    detail = hops["token"]
    assert detail == "taken, but it is for watching alone: with it no call is begun"
    assert WATCH_TOKEN not in done.stdout + done.stderr


def test_the_first_hop_that_fails_is_the_last_and_says_what_to_type(relay: Server, txt2vid: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused = taken.getsockname()[1]
        done = txt2vid("doctor", "--call", f"http://127.0.0.1:{refused}")
    assert done.returncode == 10
    assert done.stdout.splitlines()[-1].startswith("FAILS    TCP")
    with other_server() as port:
        done = txt2vid("doctor", "--call", f"http://127.0.0.1:{port}")
    assert (done.returncode, done.stdout.splitlines()[-1][:13]) == (10, "FAILS    HTTP")
    done = txt2vid("doctor", "--call", f"https://127.0.0.1:{relay.port}")
    assert (done.returncode, done.stdout.splitlines()[-1][:12]) == (10, "FAILS    TLS")
    assert "write http://" in done.stdout
    done = txt2vid("doctor", "--call", f"http://127.0.0.1:{relay.port}", "--token", "wrong")
    assert (done.returncode, done.stdout.splitlines()[-1][:14]) == (10, "FAILS    token")
    assert "wrong" not in done.stdout
    done = txt2vid("doctor", "--call", "no address at all")
    assert done.returncode == 2
