"""Options that say who speaks texts, the same for every command that has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from txt2vid import registry
from txt2vid.core.options import SpeakerOptions, parse_language

F = TypeVar("F", bound=Callable[..., Any])


def voice_options(command: F) -> F:
    """Adds --tts, --voice, --language and --fallback-voice."""
    known = ", ".join(("auto", *registry.names("tts")))
    for option in reversed(
        (
            click.option("--tts", metavar="NAME", help=f"Who speaks texts: {known}. [default: auto]"),
            click.option("--voice", metavar="NAME", help="Which of its voices; txt2vid voices lists them."),
            click.option("--language", metavar="CODE", help="Of the text: de, en-GB, … [default: told by the text]"),
            click.option(
                "--fallback-voice", metavar="NAME", help="Who goes on where the voice fails: flite, espeak:de."
            ),
        )
    ):
        command = option(command)
    return command


def check_speaker(speaker: SpeakerOptions) -> None:
    """Raises what is wrong with it now, rather than when somebody speaks: an unknown voice, a key that is missing."""
    from txt2vid.tts.choose import choose  # numpy and more: not for a mistyped option

    if speaker.tts != "auto":
        registry.load("tts", speaker.tts)
    if speaker != SpeakerOptions():
        choose("", speaker)


def speaker_options(given: Mapping[str, Any]) -> SpeakerOptions:
    """What those options ask for. Raises UsageError where they make no sense."""
    language = given["language"]
    return SpeakerOptions(
        given["tts"] or "auto",
        given["voice"],
        None if language is None else parse_language(language),
        given["fallback_voice"],
    )
