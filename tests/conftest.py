"""What many tests need: media made on the spot, and the command line run as its users run it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]

HERO = Path(__file__).parent.parent / "sample_data" / "hero.png"


# In real time, and with all the processes that they count: alone on the machine. All others may run beside one another.
LIVE = (
    "bench/",
    "cli/test_bench",
    "cli/test_devices",
    "cli/test_doctor",
    "cli/test_interrupts",
    "cli/test_play",
    "cli/test_send",
    "cli/test_serve",
    "ffmpeg/test_encoder_failures",
    "ffmpeg/test_interrupts",
    "ffmpeg/test_live",
    "ffmpeg/test_publish",
    "ffmpeg/test_remux",
    "pipeline/test_network",
    "pipeline/test_studios",
    "sender/",
    "server/",
    "stt/test_listen",
    "test_scripts",
    "transports/",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """What scripts/test.sh chooses by; `-m` is the caller's."""
    choices = {
        "live": "tests that must have the machine to themselves",
        "rest": "tests that may run beside others",
        "failed": "all tests of the files in which one failed last time",
    }
    parser.addoption("--only", choices=choices, help="; ".join(f"{name}: {text}" for name, text in choices.items()))


def _is_live(path: Path) -> bool:
    return path.relative_to(Path(__file__).parent).as_posix().startswith(LIVE)


def _is_chosen(path: Path, config: pytest.Config) -> bool:
    only = config.getoption("--only")
    if only == "failed":
        last: dict[str, bool] = config.cache.get("cache/lastfailed", {})
        return path.relative_to(config.rootpath).as_posix() in {name.partition("::")[0] for name in last}
    return only is None or _is_live(path) == (only == "live")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the files that were not chosen, before they are imported."""
    if not collection_path.name.startswith("test_"):
        return None
    return None if _is_chosen(collection_path, config) else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what is live, by the folder or file that it is in."""
    items[:] = [item for item in items if _is_chosen(item.path, config)]
    for item in items:
        if _is_live(item.path):
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_children() -> Iterator[None]:
    """What starts the tests may have them ignore Ctrl-C and hangups (nohup, cron, `&` in a script), and a child would
    inherit that; what has a handler starts with the default. A hangup still does nothing to the tests themselves.
    """
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: lambda _number, _frame: None}
    ignored = [number for number in handlers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, handlers[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def hero() -> Path:
    """The drawn face that the project ships."""
    return HERO


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About a second of speech, mono WAV."""
    path = tmp_path_factory.mktemp("speech") / "hello.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", "Hello, my friend.", "-o", str(path)], check=True)
    return path


@pytest.fixture
def txt2vid(tmp_path: Path) -> Command:
    """Runs `txt2vid ARGUMENTS…` in tmp_path, in a process of its own; `stdin` is its input."""

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "txt2vid", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, input=stdin, capture_output=True, text=True, check=False, timeout=100
        )

    return run


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wav2Lip's network with seeded random weights, in the published layout: a pickle with `state_dict`."""
    import torch  # heavy: only for the tests that need it

    from tests.wav2lip.networks import lively

    path = tmp_path_factory.mktemp("weights") / "wav2lip.pth"
    state = {f"module.{name}": each for name, each in lively().state_dict().items()}
    torch.save({"state_dict": state, "optimizer": None, "global_step": 1, "global_epoch": 0}, path)
    return path
