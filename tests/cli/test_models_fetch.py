"""`txt2vid models fetch` as its users run it, with mirrors on this machine."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.weights.folders import own_folders
from tests.weights.mirrors import DATA, Mirror, corrupt, good, refuses, serving, small, stalls
from txt2vid.cli.models import fetch_one, right_here
from txt2vid.errors import ServerError
from txt2vid.weights.known import entry

Command = Callable[..., "subprocess.CompletedProcess[str]"]

WAV2LIP = entry("wav2lip")
PATIENCE = 60.0  # seconds


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights."""
    return own_folders(tmp_path, monkeypatch)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as running:
        yield running


def on_a_terminal(
    folder: Path, answer: str, *arguments: str, watch: Callable[[bytes], None] | None = None
) -> tuple[int, str]:
    """Runs it on a terminal at which somebody types, and watches all that was said so far. Its exit code, and that."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "txt2vid", *arguments]
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        said, answered = b"", False
        try:
            while data := os.read(ours, 10_000):
                said += data
                if not answered and said.endswith(b"[y/N]: "):
                    answered = bool(os.write(ours, answer.encode()))
                if watch is not None:
                    watch(said)
        except OSError:  # Linux's way of saying that the other side is closed
            pass
        finally:
            os.close(ours)
        return running.wait(PATIENCE), said.decode()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Missing argument 'NAME…'"),
        (["wav3lip"], "no weights are called 'wav3lip': choose one of wav2lip, wav2lip-gan, s3fd"),
        (["wav2lip", "s3fd", "--mirror", "https://example.org/x"], "--mirror is for one file"),
        (["wav2lip", "--mirror", "ftp://example.org/x"], "a mirror is given as https://HOST/PATH"),
        (["wav2lip", "--mirror", "https://me:secret@example.org/x"], "without a user or a password"),
        (["wav2lip"], "To accept them, add --accept-license"),
    ],
)
def test_fetch_refuses_in_one_line(txt2vid: Command, tmp_path: Path, arguments: list[str], why: str) -> None:
    done = txt2vid("models", "fetch", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert why in done.stderr
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_terms_themselves_are_in_the_refusal(txt2vid: Command) -> None:
    done = txt2vid("models", "fetch", "wav2lip", "wav2lip-gan", "--json")
    assert done.stderr.count(WAV2LIP.terms.text) == 1
    assert json.loads(done.stdout)["exit_code"] == 2


def test_a_mirror_with_another_file(txt2vid: Command, mirror: Mirror, weights: Path) -> None:
    url = mirror.url("/wav2lip.pth?token=secret")
    done = txt2vid("models", "fetch", "wav2lip", "--accept-license", "--mirror", url)
    assert done.returncode == ServerError.exit_code
    *terms, line = done.stderr.splitlines()
    assert " ".join(terms) == WAV2LIP.terms.text
    assert line.startswith("txt2vid: wav2lip.pth was not fetched: 127.0.0.1 (has 300000 bytes instead of 435807851).")
    assert str(weights / "wav2lip.pth") in line
    assert "secret" not in done.stderr
    assert list(weights.iterdir()) == []


def test_terms_are_shown_once(txt2vid: Command, mirror: Mirror) -> None:
    mirror.plays = [refuses(404)]
    mirrored = ["wav2lip", "--mirror", mirror.url()]
    assert "LRS2" in txt2vid("models", "fetch", *mirrored, "--accept-license").stderr
    done = txt2vid("models", "fetch", *mirrored)
    assert done.returncode == ServerError.exit_code
    assert done.stderr.count("\n") == 1
    assert "127.0.0.1 (HTTP 404 Not Found)" in done.stderr
    files = json.loads(txt2vid("models", "list", "--json").stdout)["files"]
    assert [file["name"] for file in files if file["accepted"]] == ["wav2lip"]


def test_acceptance_that_cannot_be_kept_counts_this_time(txt2vid: Command, mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "config").touch()
    done = txt2vid("models", "fetch", "s3fd", "--mirror", mirror.url(), "--accept-license")
    assert done.returncode == ServerError.exit_code
    assert "accepted terms cannot be kept" in done.stderr
    assert len(mirror.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code", "says"), [("n\n", 2, "not accepted"), ("\n", 2, "not accepted"), ("\x04", 130, "stopped")]
)
def test_no_on_a_terminal(tmp_path: Path, mirror: Mirror, answer: str, code: int, says: str) -> None:
    returned, said = on_a_terminal(tmp_path, answer, "models", "fetch", "wav2lip", "--mirror", mirror.url())
    assert returned == code
    assert "LRS2" in said
    assert says in said.splitlines()[-1]
    assert mirror.requests == []
    assert list(tmp_path.iterdir()) == []


def test_yes_on_a_terminal(tmp_path: Path, mirror: Mirror) -> None:
    mirror.plays = [stalls(1_000_000, WAV2LIP.size), refuses(500)]
    bar = b"1.0/435.8 MB"

    def watch(said: bytes) -> None:
        if bar in said:
            mirror.released.set()

    arguments = ["models", "fetch", "wav2lip", "--mirror", mirror.url()]
    returned, said = on_a_terminal(tmp_path, "y\n", *arguments, watch=watch)
    assert returned == ServerError.exit_code
    assert "Do you accept these terms of wav2lip? [y/N]: y" in said
    assert bar.decode() in said
    assert "Traceback" not in said
    assert (tmp_path / "config" / "txt2vid" / "accepted.json").is_file()


def fetching(folder: Path, mirror: Mirror) -> subprocess.Popen[str]:
    arguments = ["fetch", "wav2lip", "--accept-license", "--mirror", mirror.url()]
    command = [sys.executable, "-m", "txt2vid", "models", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(part: Path, size: int) -> None:
    end = time.monotonic() + PATIENCE
    while not part.exists() or part.stat().st_size < size:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_part_for_the_next_time(
    txt2vid: Command, tmp_path: Path, weights: Path, mirror: Mirror, number: signal.Signals
) -> None:
    mirror.plays = [stalls(100_000, WAV2LIP.size), refuses(500)]
    part = weights / "wav2lip.pth.part"
    with fetching(tmp_path, mirror) as running:
        wait_for(part, 100_000)
        running.send_signal(number)
        _, said = running.communicate(timeout=PATIENCE)
    assert running.returncode == 128 + number
    assert said.splitlines()[-1] == "txt2vid: stopped"
    assert part.stat().st_size == 100_000
    txt2vid("models", "fetch", "wav2lip", "--mirror", mirror.url())
    assert mirror.ranges == [None, "bytes=100000-"]


def test_two_at_once(txt2vid: Command, tmp_path: Path, weights: Path, mirror: Mirror) -> None:
    mirror.plays = [stalls(100_000, WAV2LIP.size)]
    with fetching(tmp_path, mirror) as running:
        try:
            wait_for(weights / "wav2lip.pth.part", 100_000)
            done = txt2vid("models", "fetch", "wav2lip", "--accept-license", "--mirror", mirror.url())
            assert done.returncode == 7
            assert "is being fetched by another txt2vid" in done.stderr.splitlines()[-1]
            assert len(mirror.requests) == 1
        finally:
            running.terminate()
            running.communicate(timeout=PATIENCE)


def test_the_right_file_arrives_and_is_found(mirror: Mirror, tmp_path: Path) -> None:
    """What `fetch` does with each name, for a file that is small enough to have."""
    known = small()
    assert right_here(known, tmp_path) is None
    mirror.plays = [corrupt, good]
    path = fetch_one(known, tmp_path, [mirror.url("/bad"), mirror.url()])
    assert path.read_bytes() == DATA
    assert right_here(known, tmp_path) == path
    path.write_bytes(DATA[1:])
    assert right_here(known, tmp_path) is None
