"""Resemble's streaming synthesis (https://docs.resemble.ai/voice-generation/text-to-speech/streaming-http).

The sound comes as one WAV while it is made. What stands before it may tell the times of phonemes (`ltxt` chunks, IPA):
older models do, newer ones do not, and then the sound moves the lips.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from txt2vid.cloud import keys
from txt2vid.cloud.http import Client, Service, Signed, status_of
from txt2vid.core.media import Samples
from txt2vid.core.phonemes import SILENCE, TimedPhoneme
from txt2vid.errors import SpeechError, UsageError
from txt2vid.tts.base import Listed, Synthesizer, Utterance, known_voice
from txt2vid.tts.languages import fits
from txt2vid.tts.pieces import pieces
from txt2vid.tts.sentences import Sentence
from txt2vid.tts.wav import Mark, WavStream

NAME = "Resemble"
URL, URL_VARIABLE = "https://app.resemble.ai/api/v2", "TXT2VID_RESEMBLE_URL"
STREAM_URL, STREAM_VARIABLE = "https://f.cluster.resemble.ai", "TXT2VID_RESEMBLE_STREAM_URL"
KEY = "RESEMBLE_API_KEY"
RATE = 48_000  # Hz: the listener's
JOINED = 0.12  # seconds: a shorter gap between two phonemes is no pause
PAGE, PAGES = 100, 20  # voices of a request, and requests: an account has some dozens
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")


class Resemble(Synthesizer):
    """Voices of a Resemble account, with the user's key (RESEMBLE_API_KEY)."""

    name = "resemble"
    tells_phonemes = None
    paid = True

    def __init__(self, voice: str | None = None, language: str | None = None) -> None:
        """Takes a voice's UUID, or its name as in `voices()`; without one, the account's first, in the language.

        Raises DependencyError without a key, UsageError where there is no such voice, SpeechError where Resemble does
        not tell which there are.
        """
        self._stream = _client(STREAM_URL, STREAM_VARIABLE)
        self._voice = voice if voice and _UUID.fullmatch(voice) else _chosen(voice, language)

    @classmethod
    def voices(cls) -> list[str]:
        """The names of the account's voices; UUIDs where two have one name."""
        return sorted(each.name for each in cls.listed())

    @classmethod
    def listed(cls) -> list[Listed]:
        """The same with their languages; the note is the UUID."""
        return [listed for listed, _ in _account()]

    @classmethod
    def ready(cls) -> str:
        """Where the key is."""
        keys.find(NAME, KEY)
        return f"a key in {KEY}"

    def _say(self, sentence: Sentence) -> Iterator[Utterance]:
        body = {"voice_uuid": self._voice, "data": _escaped(sentence.text), "precision": "PCM_16", "sample_rate": RATE}
        wav = WavStream(NAME)
        parts = self._parts(body, wav)
        first = next(parts, None)
        if first is None:
            wav.end()  # raises: there is no sound
            return
        phonemes = told(wav.marks, wav.rate)
        yield from pieces(sentence, wav.rate, _both(first, parts), phonemes or None, NAME)

    def _parts(self, body: dict[str, Any], wav: WavStream) -> Iterator[Samples]:
        """The sound as it comes; the first part once all that stands before the sound is read."""
        try:
            for data in self._stream.stream("/stream", body):
                samples = wav.push(data)
                if wav.begun:
                    yield samples
        except SpeechError as err:
            if status_of(err) in (400, 404, 422):
                _check_voice(self._voice)
            raise
        wav.end()


def told(marks: Sequence[Mark], rate: int) -> list[TimedPhoneme]:
    """The phonemes that marks tell. What is told of two neighbours overlaps: they meet in the middle of that.

    Spaces between words sound like nothing, so neighbours meet in their middle as well; a full stop is a pause.
    """
    found: list[TimedPhoneme] = []
    waiting = 0  # a stress mark of its own, for the phoneme after it
    for mark in sorted((mark for mark in marks if mark.kind == "phon"), key=lambda mark: mark.start):
        symbol, stress = _symbol(mark.text)
        if not mark.text.strip() or (not symbol and stress):
            waiting = max(waiting, stress)
            continue
        start, stop = mark.start, mark.stop
        if found and start - found[-1].stop < JOINED * rate:
            last = found[-1]
            start = max(last.start, (start + last.stop) // 2)
            found[-1] = replace(last, stop=start)
        found.append(TimedPhoneme(symbol, start, max(start, stop), max(stress, waiting)))
        waiting = 0
    return found


def _symbol(text: str) -> tuple[str, int]:
    stress = 2 if "ˈ" in text else 1 if "ˌ" in text else 0
    kept = "".join(char for char in text if unicodedata.category(char)[0] in "LM" and char not in "ˈˌ")
    return (kept if kept else SILENCE), stress


def _both(first: Samples, rest: Iterator[Samples]) -> Iterator[Samples]:
    yield np.asarray(first, np.float32)
    yield from rest


def _client(base: str, variable: str) -> Client:
    key = Signed("Authorization", keys.find(NAME, KEY), "Bearer ")
    return Client(Service(NAME, base, variable, lambda: [key], f"check {KEY}, from app.resemble.ai/account/api"))


def _escaped(text: str) -> str:
    """As text in SSML, which is what is taken."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _account() -> list[tuple[Listed, str]]:
    """All voices of the account, and their UUIDs."""
    client, found = _client(URL, URL_VARIABLE), []
    for page in range(1, PAGES + 1):
        answer = client.json(f"/voices?page={page}&page_size={PAGE}")
        items = answer.get("items")
        if not isinstance(items, list):
            raise SpeechError(f"{NAME} sent no list of voices: try again later")
        found += [item for item in items if isinstance(item, dict) and isinstance(item.get("uuid"), str)]
        if page >= int(answer.get("num_pages") or 1):
            break
    names = [str(item.get("name") or item["uuid"]) for item in found]
    return [
        (
            Listed(
                name if names.count(name) == 1 else item["uuid"],
                str(item.get("default_language") or ""),
                Resemble.name,
                None,
                item["uuid"] if names.count(name) == 1 else name,
            ),
            item["uuid"],
        )
        for name, item in zip(names, found, strict=True)
    ]


def _chosen(voice: str | None, language: str | None) -> str:
    account = _account()
    if voice is None:
        account = [each for each in account if language is None or fits(each[0].language or language, language)]
        if not account:
            raise UsageError(f"the {NAME} account has no voice{f' for {language}' if language else ''}: make one there")
        return account[0][1]
    name = known_voice(voice, [listed.name for listed, _ in account], NAME, "txt2vid voices --tts resemble")
    return next(uuid for listed, uuid in account if listed.name == name)


def _check_voice(uuid: str) -> None:
    """Raises UsageError where the account has no such voice; it may be a public one, which is in no list."""
    account = _account()
    if all(uuid != known for _, known in account):
        names = ", ".join(listed.name for listed, _ in account[:6]) or "none"
        raise UsageError(f"{NAME} refuses the voice {uuid!r}: the account has {names}; txt2vid voices --tts resemble")
