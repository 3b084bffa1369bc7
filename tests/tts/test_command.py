"""Programs of the user's as voices."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.tts.sounds import tone, wav
from txt2vid.errors import DependencyError, SpeechError, Txt2VidError, UsageError
from txt2vid.tts import command
from txt2vid.tts.base import Utterance
from txt2vid.tts.command import VARIABLE, Command


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a sound.wav"
    path.write_bytes(wav(tone(1.0, 22_050), 22_050))
    return path


def python(code: str, *arguments: object) -> str:
    """A program as people write it."""
    return shlex.join([sys.executable, "-c", code, *map(str, arguments)])


def say(line: str, text: str = "Hello there.") -> list[Utterance]:
    return list(Command(line).speak(text))


def test_what_it_writes_is_said(sound: Path) -> None:
    utterances = say(f"cat {shlex.quote(str(sound))}")
    samples = np.concatenate([each.audio.samples for each in utterances])
    assert {each.audio.rate for each in utterances} == {22_050}
    assert all(each.phonemes is None for each in utterances)
    assert 1.3 < len(samples) / 22_050 < 1.8
    assert np.abs(samples).max() > 0.4


def test_each_sentence_comes_on_stdin(tmp_path: Path, sound: Path) -> None:
    copy = tmp_path / "texts"
    line = python(
        "import sys, pathlib; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read());"
        "sys.stdout.buffer.write(pathlib.Path(sys.argv[2]).read_bytes())",
        copy,
        sound,
    )
    say(line, "Grüße; $(reboot). Bye.")
    assert copy.read_text() == "Grüße; $(reboot).\nBye.\n"


def test_espeak_itself_by_its_command_line() -> None:
    assert sum(len(each.audio) for each in say("espeak-ng --stdin --stdout -v en-us")) > 10_000


def test_the_first_sound_is_there_before_the_program_ends(sound: Path) -> None:
    line = python(
        "import sys, time, pathlib; data = pathlib.Path(sys.argv[1]).read_bytes(); out = sys.stdout.buffer;"
        "out.write(data[:40000]); out.flush(); time.sleep(30)",
        sound,
    )
    began = time.monotonic()
    utterances = Command(line).speak("Hello.")
    assert next(utterances).more
    assert time.monotonic() - began < 10
    utterances.close()  # type: ignore[attr-defined]  # it is a generator
    assert not [child for child in psutil.Process().children() if "time.sleep(30)" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('no licence')", "failed: no licence"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "failed: exit code -9"),
        ("print('<html>')", "sent no WAV file"),
        ("pass", "sent no sound"),
        ("import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()[:9000])", "only a part of its sound"),
        ("import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()); sys.exit(3)", "failed: exit code 3"),
    ],
)
def test_what_fails_is_an_error_of_one_line(code: str, message: str, sound: Path) -> None:
    with pytest.raises(SpeechError, match=message) as raised:
        say(python(code, sound))
    assert "\n" not in str(raised.value)


def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "SILENCE_SECONDS", 0.3)
    with pytest.raises(SpeechError, match="takes too long"):
        say(python("import time; time.sleep(60)"))
    assert not [child for child in psutil.Process().children() if "time.sleep(60)" in " ".join(child.cmdline())]


def test_a_program_that_writes_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MAX_BYTES", 1 << 20)
    code = (
        "import sys; sys.stdout.buffer.write(b'RIFF\\0\\0\\0\\0WAVEfmt \\x10\\0\\0\\0\\1\\0\\1\\0\\x80\\x3e\\0\\0"
        "\\0\\x7d\\0\\0\\2\\0\\x10\\0data\\xff\\xff\\xff\\xff')\nwhile True: sys.stdout.buffer.write(bytes(65536))"
    )
    with pytest.raises(SpeechError, match="more than a sentence can be"):
        say(python(code))


def test_a_long_text_and_a_program_that_reads_nothing(sound: Path) -> None:
    assert say(f"cat {shlex.quote(str(sound))}", "word " * 2000)


@pytest.mark.parametrize(
    ("line", "family", "message"),
    [
        (None, UsageError, VARIABLE),
        ("  ", UsageError, VARIABLE),
        ("cat 'file", UsageError, "not quoted well"),
        ("no-such-program-at-all --x", DependencyError, "there is no program 'no-such-program-at-all'"),
    ],
)
def test_what_is_no_program(
    line: str | None, family: type[Txt2VidError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(family, match=message):
        Command(line)


def test_the_environment_names_one(monkeypatch: pytest.MonkeyPatch, sound: Path) -> None:
    monkeypatch.setenv(VARIABLE, f"cat {shlex.quote(str(sound))}")
    assert list(Command().speak("Hello."))
    assert Command.voices() == [f"cat {shlex.quote(str(sound))}"]
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(DependencyError, match=VARIABLE):
        Command.voices()
