"""A whole server that speaks TLS, with who speaks and watches there: real senders, players and sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tests.server.certificates import DAY, Files, issued
from tests.server.conftest import PATIENCE, SMALL, Server, Serving, Talk, serving
from txt2vid.bench import target
from txt2vid.bench.first import viewer
from txt2vid.bench.speaking import speaking
from txt2vid.bench.target import Options
from txt2vid.cli import play
from txt2vid.core import wire
from txt2vid.errors import ServerError, Txt2VidError
from txt2vid.sender.trust import trusting
from txt2vid.server.door import HINT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Secure:
    """A server, and whom to trust."""

    server: Server
    files: Files

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.files.ca))

    @property
    def fingerprint(self) -> str:
        return str(self.server.announced["fingerprint"])


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("tls")
    files = issued(folder / "files")
    tls = ("--tls-cert", files.certificate, "--tls-key", files.key)
    with serving(folder / "serve", "--face", hero, *SMALL, *tls, "--allow-host", "studio.example") as running:
        yield Secure(running, files)


def test_what_is_told_begins_with_https_and_wss(secure: Secure) -> None:
    told = secure.server.announced
    assert told["url"] == f"https://{secure.place}/"
    assert told["speak"] == f"wss://{secure.place}/speak"
    assert told["streams"]["ts"] == f"https://{secure.place}/stream.ts"
    assert len(told["fingerprint"]) == 95


def test_requests_one_after_another_in_one_connection(secure: Secure) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", secure.server.port, timeout=PATIENCE, context=secure.trust)
    for host, status in (("localhost", 200), ("studio.example", 200), ("studio.example:443", 200), ("evil.org", 421)):
        connection.request("GET", "/healthz", headers={"Host": host})
        with connection.getresponse() as answer:
            answer.read()
            assert (answer.status, answer.version) == (status, 11)
    connection.close()


def test_plain_http_is_told_what_this_port_speaks(secure: Secure) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", secure.server.port, timeout=PATIENCE)
    connection.request("GET", "/")
    with connection.getresponse() as answer:
        assert (answer.status, answer.read().decode()) == (400, f"{HINT}\n")
    connection.close()


def origin(secure: Secure, text: str) -> int:
    """The status that a page of this origin gets for a websocket."""
    protocols = [Subprotocol(wire.SUBPROTOCOL)]
    try:
        with connect(f"wss://{secure.place}/speak", origin=Origin(text), ssl=secure.trust, subprotocols=protocols):
            return 101
    except InvalidStatus as err:
        return err.response.status_code


def test_pages_that_came_over_https_may_speak(secure: Secure) -> None:
    assert origin(secure, f"https://{secure.place}") == 101
    assert origin(secure, f"http://{secure.place}") == 403  # anyone between may have written it
    assert origin(secure, "https://evil.example") == 403


def test_a_conversation_over_wss(secure: Secure) -> None:
    with connect(
        f"wss://{secure.place}/speak", ssl=secure.trust, subprotocols=[Subprotocol(wire.SUBPROTOCOL)]
    ) as socket:
        talk = Talk(socket)
        talk.say(wire.Hello())
        talk.until(wire.Ready)
        talk.say(wire.Text("Hello.", 1))
        talk.until(wire.Spoken)
        talk.say(wire.End())
        talk.until(wire.Ended)


@pytest.mark.parametrize("by", ["file", "fingerprint", "own certificate"])
def test_the_sender_speaks_to_whom_it_trusts(secure: Secure, txt2vid: Command, by: str) -> None:
    trusted = {"file": secure.files.ca, "fingerprint": secure.fingerprint, "own certificate": secure.files.certificate}
    done = txt2vid("send", f"wss://{secure.place}", "--text", "Hello.", "--ca", trusted[by], "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["texts_sent"] == 1


def test_the_sender_speaks_to_nobody_else(secure: Secure, txt2vid: Command) -> None:
    other = "00" + secure.fingerprint[2:]
    for url, more, says in (
        (f"wss://{secure.place}", (), "certificate is not trusted (unable to get local issuer certificate): add --ca"),
        (f"wss://{secure.place}", ("--ca", other), f"is another one (SHA-256 {secure.fingerprint[:23]}…): give --ca"),
        (f"wss://localhost:{secure.server.port}", ("--ca", secure.files.ca), "is for other names"),
        (f"ws://{secure.place}", (), HINT),
    ):
        done = txt2vid("send", url, "--text", "Hello.", *more)
        assert done.returncode == ServerError.exit_code
        (line,) = done.stderr.splitlines()
        assert says in line


def test_the_player_watches_whom_it_trusts(secure: Secure) -> None:
    url = play.stream_url(f"https://{secure.place}")
    for trusted in (str(secure.files.ca), secure.fingerprint):
        with play.connect(url, None, trusting(trusted, url)) as stream:
            assert stream.read(188)[:1] == b"G"  # MPEG-TS
    other = trusting("00" + secure.fingerprint[2:], url)
    for trust, says in ((None, "add --ca"), (other, "is another one")):
        with pytest.raises(ServerError, match=says):
            play.connect(url, None, trust)
    with pytest.raises(ServerError, match="write https:// instead"):
        play.connect(url.replace("https", "http"), None)


def test_ffmpeg_watches_whom_it_trusts(secure: Secure) -> None:
    look = [
        "ffprobe",
        "-v",
        "error",
        "-analyzeduration",
        "500000",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
    ]
    url = f"https://{secure.place}/stream.ts"

    def ask(*trust: str) -> tuple[int, list[str]]:
        done = subprocess.run([*look, *trust, url], capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, sorted(set(done.stdout.split()))

    assert ask("-tls_verify", "1", "-ca_file", str(secure.files.ca)) == (0, ["aac", "h264"])
    assert ask("-tls_verify", "1")[0] != 0


def test_a_server_without_tls_is_told_apart(server: Server, txt2vid: Command) -> None:
    place = f"127.0.0.1:{server.port}"
    done = txt2vid("send", f"wss://{place}", "--text", "Hello.")
    assert done.returncode == ServerError.exit_code
    assert done.stderr == f"txt2vid: wss://{place}/speak: it speaks no TLS: write ws:// instead of wss://\n"
    with pytest.raises(ServerError, match="write http:// instead"):
        play.connect(f"https://{place}/stream.ts", None)


@pytest.mark.slow
def test_an_expired_certificate_is_served_and_clients_say_so(
    serving: Serving, tmp_path: Path, hero: Path, txt2vid: Command
) -> None:
    old = issued(tmp_path / "old", since=-3 * DAY, until=-DAY)
    with serving("--face", hero, *SMALL, "--tls-cert", old.certificate, "--tls-key", old.key) as running:
        assert "the certificate has expired: clients will refuse it" in running.log
        done = txt2vid("send", running.announced["speak"], "--text", "Hello.", "--ca", old.ca)
    assert done.returncode == ServerError.exit_code
    assert "its certificate has expired: give it a new one" in done.stderr


@pytest.mark.slow
def test_a_certificate_made_at_the_start_is_trusted_by_file(serving: Serving, tmp_path: Path, hero: Path) -> None:
    saved = tmp_path / "made.pem"
    with serving("--face", hero, *SMALL, "--tls-self-signed", "--tls-save", saved) as running:
        for name in ("localhost", "127.0.0.1"):
            trust = ssl.create_default_context(cafile=str(saved))
            with urlopen(f"https://{name}:{running.port}/healthz", context=trust) as answer:
                assert answer.status == 200
    assert {each.name for each in (tmp_path / "serve").iterdir()} == {"serve.log"}  # its TMPDIR: no key is left


def test_the_benchmark_measures_whom_it_trusts(secure: Secure) -> None:
    """The benchmark's own sender and viewer."""
    url, stranger = f"https://{secure.place}", issued(secure.files.ca.parent / "stranger")
    with target.serving(Options(Path("unused"), url=url, ca=secure.files.ca)) as found, viewer() as watcher:
        assert (found.session, found.pid) == ("hero", None)
        watcher.tell({**found.watched, "first": True})
        assert watcher.wait_for("first", 2 * PATIENCE)["width"] == 128
        assert watcher.wait_for("ended", 2 * PATIENCE)["why"] == "done"
        watcher.tell({**found.watched, "ca": str(stranger.ca), "patience": 0.1})
        assert "Error" in watcher.wait_for("ended", 2 * PATIENCE)["why"]

        async def greeted() -> str:
            async with speaking(found, "measured", "opus") as line:
                return line.ready.session

        assert asyncio.run(greeted()) == "measured"
    with (
        pytest.raises(Txt2VidError, match="add --ca"),
        target.serving(Options(Path("unused"), url=url, ca=stranger.ca)),
    ):
        pytest.fail("it is not trusted")
