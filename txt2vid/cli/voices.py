"""`txt2vid voices`: all voices of all backends, what each needs, and how it sounds."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from txt2vid import registry
from txt2vid.core.options import SpeakerOptions, parse_language
from txt2vid.errors import DependencyError, OutputError, Txt2VidError, UsageError

if TYPE_CHECKING:
    from txt2vid.tts.base import Listed, Utterance

FILE = click.Path(path_type=Path)
GREETINGS = {
    "en": "Hello. This is how I sound.",
    "de": "Guten Tag. So klinge ich.",
    "fr": "Bonjour. Voici ma voix.",
    "es": "Hola. Así suena mi voz.",
    "it": "Ciao. Questa è la mia voce.",
    "pt": "Olá. Esta é a minha voz.",
    "nl": "Hallo. Zo klink ik.",
    "sv": "Hej. Så här låter jag.",
    "pl": "Dzień dobry. Tak brzmi mój głos.",
    "tr": "Merhaba. Sesim böyle.",
    "ru": "Здравствуйте. Вот мой голос.",
    "uk": "Добрий день. Ось мій голос.",
    "el": "Γεια σας. Αυτή είναι η φωνή μου.",
    "ar": "مرحبا. هذا هو صوتي.",
    "hi": "नमस्ते। यह मेरी आवाज़ है।",
    "cmn": "你好。这是我的声音。",
    "ja": "こんにちは。これが私の声です。",
    "ko": "안녕하세요. 제 목소리입니다.",
}
_HELP = """List all voices: name, language, backend, and whether they tell when phonemes sound: lips then follow that.

\b
txt2vid voices --language de
txt2vid voices --preview slt
txt2vid voices --preview de --text "Guten Morgen!" -o morning.wav

Backends that lack a program, a key or a model are at the end, with what they need.
"""
_TELLS = {True: "phonemes", False: "-", None: "?"}


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend, and why none of its voices can be had; ready where they can."""

    engine: str
    ready: bool
    why: str


@click.command(name="voices", help=_HELP)
@click.option("--tts", metavar="NAME", help=f"Of one backend: {', '.join(registry.names('tts'))}.")
@click.option("--language", metavar="CODE", help="Those that speak it: de, en-GB, …")
@click.option("--preview", metavar="VOICE", help="Let it speak: through the loudspeaker, or into -o.")
@click.option("--text", metavar="TEXT", help="What --preview says. [default: hello, in its language]")
@click.option("-o", "--output", type=FILE, metavar="OUT.wav", help="Where --preview is written.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(
    tts: str | None, language: str | None, preview: str | None, text: str | None, output: Path | None, as_json: bool
) -> int:
    """List voices, or let one speak. Returns 0, 8 where a backend that was asked for cannot be had."""
    spoken = None if language is None else parse_language(language)
    if preview is None:
        if text is not None or output is not None:
            raise UsageError("--text and -o are for --preview VOICE: add it, or leave them out")
        return _list(tts, spoken, as_json=as_json)
    _preview(SpeakerOptions(tts or "auto", preview, spoken), text, output, as_json=as_json)
    return 0


def _list(tts: str | None, spoken: str | None, *, as_json: bool) -> int:
    from txt2vid.tts.languages import fits  # numpy and more: not for a mistyped option

    found = [_backend(engine) for engine in ([tts] if tts is not None else registry.names("tts"))]
    backends = [backend for backend, _ in found]
    voices = [each for _, listed in found for each in listed]
    if spoken is not None:
        voices = [each for each in voices if each.language and fits(each.language, spoken)]
    if as_json:
        rows = [asdict(each) for each in voices]
        click.echo(json.dumps({"voices": rows, "backends": [asdict(each) for each in backends]}, ensure_ascii=False))
    else:
        _print(voices, backends)
    return DependencyError.exit_code if tts is not None and not backends[0].ready else 0


def _backend(engine: str) -> tuple[Backend, list[Listed]]:
    """A backend with its voices, or what it needs in a line. Raises UsageError where there is no such backend."""
    if engine not in registry.names("tts"):
        registry.load("tts", engine)
    try:
        return Backend(engine, True, ""), registry.load("tts", engine).listed()
    except Txt2VidError as err:
        return Backend(engine, False, " ".join(str(err).split())), []


def _print(voices: list[Listed], backends: list[Backend]) -> None:
    width = max((len(each.name) for each in voices), default=0)
    for each in voices:
        row = f"{each.name:<{width}}  {each.language or '?':<10}  {each.engine:<8}  {_TELLS[each.phonemes]:<8}"
        click.echo(f"{row}  {each.note}".rstrip())
    for backend in backends:
        if not backend.ready:
            click.echo(f"{backend.engine}: none, since {backend.why}", err=True)


def _preview(speaker: SpeakerOptions, text: str | None, output: Path | None, *, as_json: bool) -> None:
    from txt2vid.tts.choose import choose

    player = None if output is not None else shutil.which("ffplay")
    if output is None and player is None:
        raise DependencyError("ffplay is not installed: sudo apt install ffmpeg, or write a file with -o out.wav")
    voice = choose(text or GREETINGS["en"], speaker)
    spoken = (speaker.language or voice.language or "en").lower().split("-")[0]
    utterances = list(voice.speak(text or GREETINGS.get(spoken, GREETINGS["en"])))
    rate = utterances[0].audio.rate
    data = wave_file(utterances)
    if output is not None:
        _write(output, data)
    elif player is not None:
        _play(player, data)
    if as_json:
        seconds = round(sum(len(each.audio) for each in utterances) / rate, 3)
        told = all(each.phonemes is not None for each in utterances)
        fields = {"voice": speaker.voice, "engine": voice.name, "seconds": seconds, "rate": rate, "phonemes": told}
        click.echo(json.dumps({**fields, "output": None if output is None else str(output)}, ensure_ascii=False))


def wave_file(utterances: Sequence[Utterance]) -> bytes:
    """Utterances, one after the other, as a WAV file of 16 bits at the rate of the first."""
    import numpy as np

    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(utterances[0].audio.rate)
        for each in utterances:
            writer.writeframes(np.round(np.clip(each.audio.samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def _write(output: Path, data: bytes) -> None:
    part = output.with_name(f"{output.name}.part")
    try:
        try:
            part.write_bytes(data)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
    except OSError as err:
        raise OutputError(f"{output} cannot be written ({err.strerror}): choose another name with -o") from err


def _play(player: str, data: bytes) -> None:
    command = [player, "-hide_banner", "-loglevel", "error", "-nodisp", "-autoexit", "-i", "pipe:0"]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode != 0 or b"audio open failed" in done.stderr.lower():
        words = " ".join(done.stderr.decode(errors="replace").split())[-150:] or f"exit code {done.returncode}"
        raise OutputError(f"ffplay cannot play here ({words}): write a file with -o out.wav")
