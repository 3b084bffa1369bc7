"""`txt2vid serve` as it is typed: mistakes are one line, what to type next is printed, and its end is clean."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SMALL = ("--size", "128", "--workers", "1")
SECONDS = 60.0


@contextmanager
def serving(folder: Path, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "txt2vid", "serve", *SMALL, *map(str, arguments)]
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()  # pytest's own limit ends a wait in vain


def refused(done: subprocess.CompletedProcess[str], code: int, *says: str) -> None:
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    (only,) = done.stderr.splitlines()
    assert only.startswith("txt2vid: ")
    for words in says:
        assert words in only


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "add --face"),
        (["--face", "{hero}", "--host", "192.168.1.7"], '--token "$(openssl rand -hex 16)"'),
        (["--face", "{hero}", "--token", ""], "empty"),
        (["--face", "{hero}", "--watch-token", "x"], "everybody may speak: add --token"),
        (["--face", "{hero}", "--token", "x", "--watch-token", "x"], "write another"),
        (["--face", "{hero}", "--token", "x", "--watch-token", ""], "the token of --watch-token is empty"),
        (["--face", "{hero}", "--token", "x", "--watch-token", "y", "--public-viewing"], "leave one of them out"),
        (["--face", "{hero}", "--port", "70000"], "try txt2vid serve --help"),
        (["--face", "{hero}", "--loop"], "add --audio FILE"),
        (["--face", "{hero}", "--audio", "a", "--text-file", "b"], "leave one out"),
        (["--face", "{hero}", "--face", "{hero}"], "two faces are called 'hero'"),
        (["--face", "{hero}", "--engine", "magic"], "'magic' is not known: choose one of mesh"),
        (["--face", "{hero}", "--checkpoint", "gone.pt"], "gone.pt is no file"),
        (["--face", "{hero}", "--host", "not.a.host.invalid", "--token", "x"], "is not known here"),
        (["--face", "{hero}", "--host", "192.0.2.1", "--token", "x"], "no address of this machine"),
        (["--face", "{hero}", "--fps", "x"], "is no number"),
        (["--face", "{hero}", "--expression", "wink"], "wink is a gesture"),
        (["--face", "{hero}", "--unknown-tags", "x"], "choose one of speak, refuse, drop"),
        (["--face", "{hero}", "--tls-cert", "a.pem"], "add --tls-key FILE"),
        (["--face", "{hero}", "--tls-key", "a.pem"], "add --tls-cert FILE"),
        (["--face", "{hero}", "--tls-save", "a.pem"], "add --tls-self-signed"),
    ],
)
def test_wrong_usage(txt2vid: Command, hero: Path, arguments: list[str], says: str) -> None:
    refused(txt2vid("serve", *(argument.format(hero=hero) for argument in arguments)), 2, says)


def test_bad_files(txt2vid: Command, hero: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("  \n\n ")
    (tmp_path / "noise.wav").write_bytes(b"no sound at all")
    refused(txt2vid("serve", "--face", "gone.png"), 3, "gone.png is not there")
    refused(txt2vid("serve", "--face", hero, "--audio", "noise.wav"), 3, "noise.wav")
    refused(txt2vid("serve", "--face", hero, "--audio", "gone.wav"), 3, "gone.wav")
    refused(txt2vid("serve", "--face", hero, "--text-file", "gone.txt"), 3, "gone.txt")
    refused(txt2vid("serve", "--face", hero, "--text-file", "empty.txt"), 6, "empty.txt holds nothing to say")
    refused(txt2vid("serve", "--face", hero, "--token-file", "gone"), 3, "openssl rand -hex 16 > gone")
    watch = ("--token", "x", "--watch-token-file", "gone")
    refused(txt2vid("serve", "--face", hero, *watch), 3, "openssl rand -hex 16 > gone")
    refused(txt2vid("serve", "--face", hero, "--token-file", "empty.txt"), 2, "the token of --token is empty")
    tls = ("--tls-cert", "gone.pem", "--tls-key", "gone.key")
    refused(txt2vid("serve", "--face", hero, *tls), 3, "gone.pem cannot be read", "--tls-self-signed")


def test_a_picture_without_a_face(txt2vid: Command, tmp_path: Path) -> None:
    picture = tmp_path / "wall.png"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=gray:s=128x128", "-frames:v", "1", picture], check=True
    )
    done = txt2vid("serve", "--face", picture, "--port", "0")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.splitlines()[-1].startswith("txt2vid: ")
    assert "wall.png" in done.stderr.splitlines()[-1]


def test_the_port_is_in_use(txt2vid: Command, hero: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(txt2vid("serve", "--face", hero, "--port", port), 2, f"port {port} is in use", "--port")


def test_json(hero: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--face", f"me={hero}", "--port", "0", "--json") as process:
        told = json.loads(line(process))
        assert told["pid"] == process.pid
        assert told["session"] == "me"
        assert told["speak"].startswith("ws://127.0.0.1:")
        assert told["streams"]["ts"] == f"{told['url']}stream.ts"
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=SECONDS)
        assert (out, process.returncode) == ("", 0)


def test_what_to_type_where_the_certificate_was_made_at_the_start(hero: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--face", hero, "--port", "0", "--tls-self-signed") as process:
        page, watch, speak, names, proof = (line(process) for _ in range(5))
        assert page.startswith("page:   https://127.0.0.1:")
        trust = "--ca " + proof.split()[-1]
        assert "txt2vid play https://127.0.0.1:" in watch
        assert trust in watch
        assert "txt2vid send wss://127.0.0.1:" in speak
        assert speak.rstrip().endswith(trust)
        assert "localhost, 127.0.0.1, ::1" in names
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_link_for_those_who_only_watch(hero: Path, tmp_path: Path) -> None:
    folder = tmp_path / "serve"
    folder.mkdir()
    (tmp_path / "watch").write_text("peep\n")
    tokens = ("--token", "sesame", "--watch-token-file", tmp_path / "watch")
    with serving(folder, "--face", hero, "--port", "0", *tokens) as process:
        page, watch, speak, share = (line(process) for _ in range(4))
        place = page.split()[1].partition("?")[0]
        assert share.startswith(f"share:  {place}?token=WATCH_TOKEN ")
        assert speak.rstrip().endswith("--token TOKEN")
        with closing(http.client.HTTPConnection(place.split("/")[2], timeout=SECONDS)) as connection:
            connection.request("GET", "/api/sessions", headers={"Authorization": "Bearer peep"})
            assert json.load(connection.getresponse())["may_speak"] is False
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=SECONDS)
    for secret in ("peep", "sesame"):
        assert secret not in page + watch + speak + share + errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_its_end_is_clean(hero: Path, tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, "--face", hero, "--port", "0", "--token", "sesame", "--log-format", "json") as process:
        page, watch, speak = line(process), line(process), line(process)
        assert page.startswith("page:   http://127.0.0.1:")
        assert "txt2vid play " in watch
        assert speak.rstrip().endswith("/speak --mic --token TOKEN")
        assert "sesame" not in page + watch + speak
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
    events = [json.loads(each) for each in errors.splitlines()]
    assert [event["event"] for event in events] == ["ready", "ending", "ended"]
    assert "sesame" not in errors
    end = time.monotonic() + SECONDS
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert sorted(path.name for path in tmp_path.iterdir()) == []
