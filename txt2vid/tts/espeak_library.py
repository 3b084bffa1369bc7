"""libespeak-ng through ctypes: its C interface (speak_lib.h, revision 12) and nothing else.

The library is one global object: call it from one thread at a time (`txt2vid.tts.espeak` holds the lock).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from txt2vid.core.media import Samples
from txt2vid.errors import DependencyError, SpeechError

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples come through the callback, before espeak_Synth returns
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_EVENT_END, _EVENT_PHONEME = 0, 7
_IPA_MODE, _SEPARATOR_SHIFT = 0x02, 8
_OK = 0
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_WORDS_A_MINUTE, _MIDDLE = 175, 50  # what it sets by itself
_OCTAVE = 72.0  # steps of _PITCH: measured, see tests/tts/test_style.py
_MBROLA, _VARIANTS = "mb/", b"variant"
_MAX_SECONDS = 180  # of sound for one sentence; a bound on memory whatever a voice makes of the text


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # a priority byte, then a name, repeated
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("unused", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class _Identity(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_void_p), ("string", ctypes.c_ubyte * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # ms
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identity),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Event:
    """A phoneme starts: its IPA name, "" for a pause, and the sample where it does."""

    name: str
    sample: int


@dataclass(frozen=True, slots=True)
class Speech:
    """What the library made of a text: float32 (n,) samples in [-1, 1], and its phoneme events in order."""

    samples: Samples
    events: list[Event]


class Library:
    """The loaded library.

    rate: samples a second of all it makes.
    languages: each installed one ("de", "en-us", …) and the file of the voice that speaks it.
    variants: what may follow a "+" ("f3", "whisper", …), likewise.
    """

    def __init__(self) -> None:
        self._c = _loaded()
        with _without_loudspeaker():
            flags = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
            self.rate = int(self._c.espeak_Initialize(_SYNCHRONOUS, 0, None, flags))
        if self.rate <= 0:
            raise DependencyError("espeak-ng finds no voices: apt install espeak-ng-data (or brew reinstall espeak-ng)")
        self.variants = self._voices(_Voice(languages=_address(_VARIANTS)))
        self.languages = self._voices(None)  # last: voices are chosen from what was listed last
        # The callback and what it fills live as long as the library may call it.
        self._callback = _Callback(self._received)
        self._c.espeak_SetSynthCallback(self._callback)
        self._begin()

    @classmethod
    @functools.cache
    def load(cls) -> Library:
        """The one library of this process. Raises DependencyError where it is not installed."""
        return cls()

    def synthesize(self, text: str, voice: str, rate: float = 1.0, pitch: float = 1.0) -> Speech:
        """Speaks the text; voice: a file of `languages`, or one and "+" and a name of `variants`.

        rate, pitch: factors of what is usual for the voice.

        Raises SpeechError where the library refuses.
        """
        if self._c.espeak_SetVoiceByName(voice.encode()) != _OK:
            raise SpeechError(f"espeak-ng cannot load its voice {voice!r}: choose another, or reinstall espeak-ng")
        self._c.espeak_SetParameter(_RATE, round(_WORDS_A_MINUTE * rate), 0)
        self._c.espeak_SetParameter(_PITCH, round(min(max(_MIDDLE + _OCTAVE * math.log2(pitch), 0), 99)), 0)
        self._begin()
        data = text.encode("utf-8", "ignore").replace(b"\0", b" ")
        status = self._c.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8 | _END_PAUSE, None, None)
        if status != _OK:
            raise SpeechError(f"espeak-ng failed on {text[:40]!r} (status {status}): try another voice")
        samples = np.frombuffer(b"".join(self._pieces), np.int16).astype(np.float32) / 32768
        return Speech(samples, self._events)

    def phonemes(self, text: str) -> list[str]:
        """The text as IPA, one item a phoneme, with stress marks, in the voice that spoke last."""
        data = ctypes.c_char_p(text.encode("utf-8", "ignore").replace(b"\0", b" "))
        place = ctypes.cast(data, ctypes.c_void_p)
        mode = _IPA_MODE | ord("_") << _SEPARATOR_SHIFT
        items: list[str] = []
        for _ in range(len(text) + 1):  # each call takes a clause, and a clause takes a character at least
            if not place.value:
                break
            clause = self._c.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, mode)
            items += (clause or b"").decode("utf-8", "ignore").replace(" ", "_").split("_")
        return items

    def _begin(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0
        self._events: list[Event] = []

    def _received(self, wave: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        """Takes sound and events; returns 1 to stop."""
        if count > 0:
            self._pieces.append(ctypes.string_at(wave, 2 * count))
            self._length += count
        i = 0
        while events[i].type != _EVENT_END:
            event = events[i]
            if event.type == _EVENT_PHONEME:
                name = bytes(event.id.string).partition(b"\0")[0]
                self._events.append(Event(name.decode("utf-8", "ignore"), event.sample))
            i += 1
        return int(self._length > _MAX_SECONDS * self.rate)

    def _voices(self, like: _Voice | None) -> dict[str, str]:
        """Name -> file, sorted by name: of variants the name of their file, of others their languages."""
        listed = self._c.espeak_ListVoices(None if like is None else ctypes.byref(like))
        found: list[tuple[int, str, str]] = []
        i = 0
        while listed[i]:
            voice = listed[i].contents
            file = (voice.identifier or b"").decode()
            if like is not None:
                found.append((0, file.rpartition("/")[2], file))
            elif not file.startswith(_MBROLA):  # those need a program of their own
                found += [(priority, name, file) for priority, name in _languages(voice.languages)]
            i += 1
        best = {name: file for _, name, file in sorted(found, reverse=True)}  # the lowest number is preferred
        return dict(sorted(best.items()))


def _languages(address: int) -> list[tuple[int, str]]:
    """The (priority, language) pairs of a voice: a byte and a C string each, ended by a 0 byte."""
    pairs: list[tuple[int, str]] = []
    while item := ctypes.string_at(address):
        pairs.append((item[0], item[1:].decode()))
        address += len(item) + 1
    return pairs


def _address(language: bytes) -> int | None:
    return ctypes.cast(ctypes.c_char_p(language), ctypes.c_void_p).value


@contextmanager
def _without_loudspeaker() -> Iterator[None]:
    """Keeps PulseAudio, which the library calls though it plays nothing, from making folders in TMPDIR and HOME."""
    before = os.environ.get("PULSE_SERVER")
    os.environ["PULSE_SERVER"] = "unix:/dev/null"
    try:
        yield
    finally:
        del os.environ["PULSE_SERVER"]
        if before is not None:
            os.environ["PULSE_SERVER"] = before


def _loaded() -> ctypes.CDLL:
    for name in (ctypes.util.find_library("espeak-ng"), "libespeak-ng.so.1", "libespeak-ng.dylib"):
        try:
            c = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if c is not None:
            break
    else:
        raise DependencyError("espeak-ng is missing: apt install espeak-ng (or brew install espeak-ng)")
    c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    c.espeak_TextToPhonemes.restype = ctypes.c_char_p
    c.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_int, ctypes.c_int]
    c.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p,
        ctypes.c_void_p,
    ]  # fmt: skip
    return c
