"""The command as a whole: help, usage, exit codes, signals; each in a process of its own, as users run it."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from txt2vid import __version__, errors
from txt2vid.cli import main as cli

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def families() -> list[type[errors.Txt2VidError]]:
    found = [errors.Txt2VidError]
    for family in found:
        found += family.__subclasses__()
    return found


def test_help_names_every_command(txt2vid: Command) -> None:
    done = txt2vid("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in cli.COMMANDS)
    assert done.stderr == ""


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(txt2vid: Command, name: str) -> None:
    done = txt2vid(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: txt2vid {name}")


def test_version(txt2vid: Command) -> None:
    assert __version__ in txt2vid("--version").stdout


def test_nothing_to_do_shows_the_help(txt2vid: Command) -> None:
    done = txt2vid()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--nope"], "No such option '--nope'"),
        (["rendre"], "No such command 'rendre'"),
        (["render", "--nope"], "try txt2vid render --help"),
        (["render", "--seed", "x"], "try txt2vid render --help"),
        (["render", "--text"], "requires an argument"),
    ],
)
def test_wrong_usage_is_one_line(txt2vid: Command, arguments: list[str], why: str) -> None:
    done = txt2vid(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("txt2vid: ")
    assert done.stderr.count("\n") == 1
    assert why in done.stderr


# A command that fails as told, in a process whose command line is otherwise the real one.
PROGRAM = """
import sys, click
from txt2vid.cli import main
main.COMMANDS = {"fail": "fails"}
module = type(sys)("txt2vid.cli.fail")
@click.command()
def command():
    %s
module.command = command
sys.modules["txt2vid.cli.fail"] = module
sys.exit(main.main(sys.argv[1:]))
"""


def fail(body: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM % body, *(arguments or ["fail"])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("family", families(), ids=lambda family: family.__name__)
def test_every_family_of_errors_has_its_line_and_code(family: type[errors.Txt2VidError]) -> None:
    done = fail(f"from txt2vid import errors; raise errors.{family.__name__}('a.png is\\n no picture: give another')")
    assert done.returncode == family.exit_code
    assert done.stderr == "txt2vid: a.png is no picture: give another\n"


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        (f"raise OSError({errno.ENOSPC}, 'No space left', 'a.mp4')", 7, "the disk is full for a.mp4: free some space"),
        ("raise MemoryError", 7, "out of memory: choose a smaller --size"),
        ("raise KeyboardInterrupt", 130, "stopped"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", 130, "stopped"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 143, "stopped"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGHUP)", 129, "stopped"),
        ("1 / 0", 1, "internal error: ZeroDivisionError: division by zero: run again with txt2vid --debug"),
        ("return 3", 3, ""),
    ],
)
def test_everything_else_that_ends_a_command(body: str, code: int, line: str) -> None:
    done = fail(body)
    assert done.returncode == code
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == (1 if line else 0)


def test_a_traceback_under_debug_only() -> None:
    assert "Traceback" not in fail("1 / 0").stderr
    assert "Traceback" in fail("1 / 0", "--debug", "fail").stderr


def test_debug_shows_our_details_and_nobody_elses() -> None:
    body = "import logging; [logging.getLogger(name).debug('said') for name in ('txt2vid.core', 'PIL.Image')]"
    assert fail(body, "--debug", "fail").stderr == "txt2vid: DEBUG txt2vid.core: said\n"
    assert fail(body).stderr == ""


def test_nobody_reads_the_error_as_json() -> None:
    command = [sys.executable, "-c", PROGRAM % "1 / 0", "fail", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
    assert running.returncode == 2
    assert said.startswith("txt2vid: No such option '--json'")
    assert said.count("\n") == 1


def test_a_reader_of_stdout_that_leaves_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM % "[click.echo('x' * 1000) for _ in range(1000)]", "fail"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 1  # click's choice


def test_a_terminated_render_unwinds(tmp_path: Path, hero: Path) -> None:
    """SIGTERM in the middle of a render: 143, and no file left."""
    sound, out = tmp_path / "tone.wav", tmp_path / "out"
    out.mkdir()
    tone = "sine=frequency=200:duration=600:sample_rate=16000"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, str(sound)], check=True)
    command = [
        sys.executable,
        "-m",
        "txt2vid",
        "render",
        "--face",
        str(hero),
        "--audio",
        str(sound),
        "-o",
        str(out / "a.mp4"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        end = time.monotonic() + 60
        while not any(path.stat().st_size for path in out.iterdir()):
            assert running.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        running.terminate()
        _, stderr = running.communicate(timeout=30)
    assert running.returncode == 143
    assert stderr.splitlines()[-1] == "txt2vid: stopped"
    assert list(out.iterdir()) == []


def test_the_tables_modules_are_there() -> None:
    group = cli.txt2vid
    assert isinstance(group, click.Group)
    for name in cli.COMMANDS:
        found = group.get_command(click.Context(group), name)
        assert found is not None
        assert found.name == name
