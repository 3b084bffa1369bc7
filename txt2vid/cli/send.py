"""`txt2vid send`: a microphone, a file or a text goes to a server; with --stt, sound goes as text."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from txt2vid.cli.sending import token_of, view
from txt2vid.core.expressions import parse_mood
from txt2vid.core.options import parse_language, parse_unknown_tags
from txt2vid.errors import MediaError, UsageError
from txt2vid.pipeline.jobs import read_text

if TYPE_CHECKING:
    from txt2vid.sender.client import SendOptions
    from txt2vid.sender.sources import SoundSource, Source
    from txt2vid.sender.status import Status

FILE = click.Path(path_type=Path)
BITRATES = (6_000, 510_000)  # bits a second (RFC 6716, 2.1.1)
LOST_ATTEMPTS = 60  # of a file or a text, about five minutes; a microphone tries for ever
_STDIN = Path("-")
_OF_TEXTS = ("tts", "voice", "language", "unknown_tags")
_SOURCES = ("mic", "file", "text", "text_file")
_EARS = ("stt_backend", "stt_model", "stt_language")
_HELP = """Send a voice or a text to a server that runs `txt2vid serve`. [default: ws://127.0.0.1:8080/speak]

\b
txt2vid send --mic
txt2vid send --file hello.m4a
txt2vid send wss://example.org --text "Hello, world."
txt2vid send --text-file -            (line by line, as typed)
txt2vid send --stt                    (you speak, only text is sent, a voice of the server's says it)

Texts may hold tags: [happy] Hello! [pause 300ms] [look left] [nod]; docs/expressions.md lists them.
A file is sent in real time. The command ends when all was shown; a microphone's when q or Ctrl-C is pressed, with --stt
when Ctrl-D or Ctrl-C is: "exit", spoken or typed, is a word like any other.
"""


@click.command(name="send", help=_HELP)
@click.argument("url", required=False)
@click.option("--mic", is_flag=True, help="What a microphone hears.")
@click.option("--file", type=FILE, metavar="FILE", help="What is said: any file with sound.")
@click.option("--text", metavar="TEXT", help="What is said, as text.")
@click.option("--text-file", type=FILE, metavar="FILE|-", help="What is said, as a text file; - reads stdin's lines.")
@click.option("--stt", is_flag=True, help="Understand the microphone, or --file, here, and send text.")
@click.option("--stt-backend", metavar="NAME", help="Which ear: pocketsphinx, vosk, faster-whisper, google.")
@click.option("--stt-model", type=FILE, metavar="PATH", help="The ear's model. [default: pocketsphinx's own, English]")
@click.option("--stt-language", metavar="TAG", help='What is spoken, for instance "de-DE". [default: the model\'s]')
@click.option("--session", metavar="NAME", help="Which session. [default: the server's first]")
@click.option("--face", metavar="NAME", help="Which of the server's faces. [default: the session's]")
@click.option(
    "--token", metavar="T", envvar="TXT2VID_TOKEN", help="The server's token; others see it in the process list."
)
@click.option("--token-file", type=FILE, metavar="FILE", help="A file that holds the token. Or set TXT2VID_TOKEN.")
@click.option("--ca", metavar="FILE|SHA256", help="Of wss://: trust this certificate, too: a file, or its SHA-256.")
@click.option("--device", metavar="N|NAME", help="Which microphone, as `txt2vid devices` lists them.")
@click.option("--codec", type=click.Choice(["opus", "pcm"]), help="How sound is sent. [default: opus]")
@click.option("--bitrate", type=click.IntRange(*BITRATES), metavar="N", help="Of Opus, bits a second. [default: 24000]")
@click.option("--interrupt", is_flag=True, help="Stop what the session is saying, and whoever says it.")
@click.option("--tts", metavar="NAME", help="Who speaks a text, of the server's voices.")
@click.option("--voice", metavar="NAME", help="Which of its voices.")
@click.option("--language", metavar="CODE", help="Of the text: de, en-GB, … [default: told by the text]")
@click.option("--expression", metavar="NAME[:STRENGTH]", help="The face's mood meanwhile: happy, sad:0.5, …")
@click.option("--unknown-tags", metavar="HOW", help="speak, refuse or drop what is no tag. [default: the server's]")
@click.option("--wait", is_flag=True, help="Wait for a server that does not run yet, or is busy.")
@click.option("--no-reconnect", is_flag=True, help="Give up when the connection is lost.")
@click.option("--attempts", type=click.IntRange(min=0), metavar="N", help="Give up after N attempts in a row.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout at the end.")
def command(as_json: bool, **options: Any) -> int:
    """Send, until all was shown."""
    _check(options)
    from txt2vid.sender.loop import run  # numpy and more: not for a mistyped option

    settings = _settings(options)
    source = _source(options)
    try:
        status = run(_send(settings, source))
    finally:
        source.close()
    if as_json:
        click.echo(json.dumps(status.report(), ensure_ascii=False))
    return 0


async def _send(settings: SendOptions, source: Source) -> Status:
    from txt2vid.sender.client import Client
    from txt2vid.sender.spoken import SpokenText

    if isinstance(source, SpokenText):
        await source.open()
    client = Client(settings, source)
    return await client.run(view(client, source))


def _check(given: dict[str, Any]) -> None:
    """Raises UsageError where options make no sense together."""
    from txt2vid.core import wire

    voices = [f"--{name.replace('_', '-')}" for name in _SOURCES if given[name] or given[name] == ""]
    if not voices and not given["stt"]:
        raise UsageError('nothing to send: add one of --mic, --stt, --file FILE, --text "…", --text-file FILE')
    if len(voices) > 1:
        raise UsageError(f"{' and '.join(voices)} are more than one voice: leave all but one out")
    voice = voices[0] if voices else "--mic"
    if given["stt"] and voice.startswith("--text"):
        raise UsageError(f"--stt makes text of sound, which {voice} is already: leave one of them out")
    about = f"--stt {voice}" if given["stt"] else voice
    for name in _meaningless(voice, stt=given["stt"]):
        if given[name] is not None:
            raise UsageError(f"--{name.replace('_', '-')} says nothing about {about}: leave it out")
    if given["codec"] == "pcm" and given["bitrate"] is not None:
        raise UsageError("--bitrate is for Opus: leave it, or --codec pcm, out")
    for name in ("session", "face"):
        if given[name] is not None and not wire.is_name(given[name]):
            raise UsageError(f"--{name} {given[name]!r} is no name: use 1 to {wire.MAX_NAME} of A-Z a-z 0-9 . _ -")
    for name in ("tts", "voice"):
        if len(given[name] or "") > wire.MAX_NAME:
            raise UsageError(f"--{name} is longer than {wire.MAX_NAME} characters: try txt2vid send --help")


def _meaningless(voice: str, *, stt: bool) -> tuple[str, ...]:
    """The options that have nothing to say where this is sent."""
    sound = ("codec", "bitrate")
    device = () if voice == "--mic" else ("device",)
    if stt:
        return device + sound
    return device + _EARS + (sound if voice.startswith("--text") else _OF_TEXTS)


def _settings(given: dict[str, Any]) -> SendOptions:
    from txt2vid.sender.address import DEFAULT, speak_url
    from txt2vid.sender.client import SendOptions
    from txt2vid.sender.packets import BITRATE
    from txt2vid.sender.trust import trusting

    url = speak_url(given["url"] or DEFAULT)
    attempts = 0 if given["no_reconnect"] else given["attempts"]
    microphone = given["mic"] or (given["stt"] and given["file"] is None)
    return SendOptions(
        url=url,
        session=given["session"],
        face=given["face"],
        token=token_of(given),
        codec=given["codec"] or "opus",
        bitrate=given["bitrate"] or BITRATE,
        interrupt=given["interrupt"],
        attempts=LOST_ATTEMPTS if attempts is None and not microphone else attempts,
        wait=given["wait"],
        expression=parse_mood(given["expression"]) if given["expression"] is not None else None,
        unknown_tags=parse_unknown_tags(given["unknown_tags"]) if given["unknown_tags"] is not None else None,
        trust=trusting(given["ca"], url) if given["ca"] is not None else None,
    )


def _source(given: dict[str, Any]) -> Source:
    from txt2vid.sender import sources

    language = None if given["language"] is None else parse_language(given["language"])
    voice = (given["tts"], given["voice"], language)
    if given["stt"]:
        return _spoken(given, *voice)
    if given["mic"] or given["file"] is not None:
        return _sound(given)
    if given["text_file"] == _STDIN:
        if sys.stdin is None:
            raise MediaError("stdin is closed: pipe a text into it, or give --text-file a file")
        return sources.LineSource(sys.stdin.fileno(), *voice)
    text = read_text(given["text_file"]) if given["text_file"] is not None else given["text"]
    return sources.GivenText(text, *voice)


def _sound(given: dict[str, Any]) -> SoundSource:
    if given["file"] is not None:
        from txt2vid.sender.sources import FileSource

        return FileSource(given["file"])
    from txt2vid.sender.microphone import MicrophoneSource

    return MicrophoneSource(given["device"])


def _spoken(given: dict[str, Any], tts: str | None, voice: str | None, language: str | None) -> Source:
    from txt2vid import registry
    from txt2vid.sender.ear import DEFAULT_EAR, Ear, EarOptions
    from txt2vid.sender.spoken import SpokenText

    options = EarOptions(given["stt_backend"] or DEFAULT_EAR, given["stt_model"], given["stt_language"])
    known = registry.names("stt")
    if options.backend not in known:
        raise UsageError(f"--stt-backend {options.backend!r} is not known: choose one of {', '.join(known)}")
    sound = _sound(given)
    try:
        return SpokenText(sound, Ear(options), tts, voice, language or options.language)
    except BaseException:
        sound.close()
        raise
