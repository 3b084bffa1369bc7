"""WebRTC where networks are as they are: a TURN server that alone sees both sides, and a wire that loses and delays."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiortc")
from aiortc import RTCSessionDescription

from tests.server.conftest import SMALL, Server, serving
from tests.server.peers import Line, ask, offer, on_loopback, until  # noqa: F401
from tests.server.wire import Wire

ROOT = Path(__file__).parents[2]
TOKEN, SECRET = "f1d2d2f924e986ac86fdf7b36c94bcdf", "north-wind"
SERVER, TURN_INSIDE, TURN_OUTSIDE, CALLER = "10.87.1.2", "10.87.1.1", "10.87.2.1", "10.87.2.2"
PORT = 8087


def candidate_of(sdp: str) -> list[str]:
    return next(each for each in sdp.splitlines() if each.startswith("a=candidate:")).split()


def test_a_wire_that_loses_a_packet_in_twenty_and_delays_by_up_to_a_tenth(tmp_path: Path, hero: Path) -> None:
    async def main(server: Server) -> None:
        connection, wire, tasks = await offer(takes=("audio", "video")), Wire(0.05, 0.1), []
        try:
            # neither side is told of any way but the wire: nobody hears at that port
            own = re.sub(r"(a=candidate:\S+ \d+ udp \d+) \S+ \d+ ", r"\1 127.0.0.1 9 ", connection.localDescription.sdp)
            assert " 127.0.0.1 9 typ" in own
            answer = await ask(server, "POST", "/whep/hero", own)
            line = Line(connection, answer)
            connection.on("track", lambda track: tasks.append(asyncio.ensure_future(line.take(track))))
            sdp = answer.body.decode()
            host, port = candidate_of(sdp)[4:6]
            ours = await wire.open((host, int(port)))
            first, *others = re.findall(r"a=candidate:.*\r\n", sdp)
            for other in {*others} - {first}:
                sdp = sdp.replace(other, "")
            mended = sdp.replace(first, first.replace(f"{host} {port} typ", f"127.0.0.1 {ours} typ"))
            await connection.setRemoteDescription(RTCSessionDescription(mended, "answer"))
            await until(lambda: line.pictures, "a picture")
            await until(lambda: line.pictures[-1][1] - line.pictures[0][1] > 90_000 * 8, "eight seconds of them")
        finally:
            await connection.close()
            wire.close()
            await asyncio.gather(*tasks)
        assert wire.lost > 20
        times = [pts for _, pts, _ in line.pictures]
        assert len(times) > 0.9 * (times[-1] - times[0]) / 3600  # of all that were drawn
        assert np.diff(times).max() <= 90_000  # no second without one
        # aiortc's jitter buffer for sound waits for 80 ms and no longer; browsers' grow with the jitter
        assert len(line.sounds) * 960 > 0.5 * (line.sounds[-1][1] - line.sounds[0][1])

    with serving(tmp_path / "serve", "--face", hero, *SMALL) as server:
        asyncio.run(main(server))


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def namespace(name: str) -> Iterator[str]:
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "del", name)


def joined(one: str, address: str, other: str, peer: str, name: str) -> None:
    """A wire between two namespaces."""
    ip("link", "add", f"{name}a", "netns", one, "type", "veth", "peer", "name", f"{name}b", "netns", other)
    for space, end, own in ((one, f"{name}a", address), (other, f"{name}b", peer)):
        ip("-n", space, "addr", "add", f"{own}/24", "dev", end)
        ip("-n", space, "link", "set", end, "up")


@contextmanager
def running(space: str, *command: object, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a namespace, ended with what it started."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, *map(str, command)], stdout=file, stderr=file, cwd=ROOT, env=environment()
        )
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TXT2VID_TOKEN": TOKEN}


FORWARD = """
import asyncio, sys
async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data); await writer.drain()
    except OSError: pass
    writer.close()
async def main():
    async def come(reader, writer):
        other = await asyncio.open_connection(sys.argv[2], int(sys.argv[3]))
        await asyncio.gather(pump(reader, other[1]), pump(other[0], writer))
    server = await asyncio.start_server(come, sys.argv[1], int(sys.argv[3]))
    await server.serve_forever()
asyncio.run(main())
"""  # what ssh -L or a web proxy does: the one port, and no UDP


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_turn_alone_sees_both_sides(tmp_path: Path, hero: Path, transport: str) -> None:
    """Server and caller share no network; the caller reaches HTTP through a forwarder, and UDP by coturn alone."""
    if os.geteuid() != 0 or shutil.which("turnserver") is None or shutil.which("ip") is None:
        pytest.skip("needs root, coturn and iproute2")
    (tmp_path / "secret").write_text(SECRET)
    turn = [
        "turnserver",
        "-n",
        "--no-cli",
        "--no-tls",
        "--no-dtls",
        "--log-file",
        "stdout",
        "--simple-log",
        "--no-multicast-peers",
    ]
    turn += ["--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=test"]
    turn += [
        "-L",
        TURN_OUTSIDE,
        "-E",
        TURN_INSIDE,
        "--pidfile",
        str(tmp_path / "pid"),
        "--userdb",
        str(tmp_path / "db"),
    ]
    serve = [sys.executable, "-m", "txt2vid", "serve", "--face", hero, *SMALL, "--host", SERVER, "--port", PORT]
    serve += [
        "--ice-server",
        f"turn:{TURN_OUTSIDE}:3478?transport={transport}",
        "--turn-secret-file",
        tmp_path / "secret",
    ]
    tag = f"{os.getpid()}{transport}"
    with ExitStack() as stack:
        try:
            inside, middle, outside = (stack.enter_context(namespace(f"t2v-{which}{tag}")) for which in "imo")
            joined(inside, SERVER, middle, TURN_INSIDE, "x")
            joined(outside, CALLER, middle, TURN_OUTSIDE, "y")
        except subprocess.CalledProcessError:
            pytest.skip("no network namespaces may be made here")
        stack.enter_context(running(middle, *turn, log=tmp_path / "turn.log"))
        stack.enter_context(
            running(middle, sys.executable, "-c", FORWARD, TURN_OUTSIDE, SERVER, PORT, log=tmp_path / "f.log")
        )
        stack.enter_context(running(inside, *serve, log=tmp_path / "serve.log"))
        asyncio.run(until(lambda: "speak:" in (tmp_path / "serve.log").read_text(), "the server is ready", 60))
        caller = [sys.executable, "-m", "tests.server.far_peer", f"http://{TURN_OUTSIDE}:{PORT}", TOKEN, "8"]
        command = ["ip", "netns", "exec", outside, *caller]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr + (tmp_path / "turn.log").read_text()[-2000:]
    got = json.loads(done.stdout)
    assert got["pair"] == ["relay"]
    assert got["pictures"] > 25
    assert got["loud"] > 25  # the tone went in by WHIP and came back with the face
    log = (tmp_path / "serve.log").read_text()
    assert SECRET not in log
    assert TOKEN not in log
