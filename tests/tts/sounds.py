"""Sound and WAV files for tests of voices: a voice-like tone between silences."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Sequence

import numpy as np

from txt2vid.core.media import Samples


def tone(seconds: float, rate: int, *, before: float = 0.3, after: float = 0.5, hertz: float = 220.0) -> Samples:
    """(n,): silence, a tone, silence."""
    times = np.arange(round(seconds * rate)) / rate
    spoken = 0.5 * np.sin(2 * np.pi * hertz * times)
    whole = np.concatenate((np.zeros(round(before * rate)), spoken, np.zeros(round(after * rate))))
    return np.asarray(whole, np.float32)


def wav(samples: Samples, rate: int, *, channels: int = 1) -> bytes:
    """16-bit PCM."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.repeat((samples * 32767).astype("<i2"), channels).tobytes())
    return file.getvalue()


def chunk(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    """A RIFF chunk; size: what it says, where that is a lie."""
    return kind + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) % 2)


def wav_of(
    code: int, bits: int, data: bytes, rate: int = 16_000, *, channels: int = 1, size: int | None = None
) -> bytes:
    """A WAV file of any format."""
    frame = channels * bits // 8
    form = chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits))
    return b"RIFF\xff\xff\xff\xffWAVE" + form + chunk(b"data", data, size)


def resembles_wav(samples: Samples, rate: int, phonemes: Sequence[tuple[str, float, float]]) -> bytes:
    """As Resemble streams it: cue points and labels of letters and phonemes before the sound, its length unknown."""
    cues, labels = b"", b""
    marks = [(b"grph", "H", 0.0, 0.1), *((b"phon", *phoneme) for phoneme in phonemes)]
    for number, (purpose, text, start, stop) in enumerate(marks, start=1):
        begin, end = round(start * rate), round(stop * rate)
        cues += struct.pack("<II4sIII", number, begin, b"data", 0, 0, begin)
        body = struct.pack("<II4sHHHH", number, end - begin, purpose, 0, 0, 0, 0) + text.encode() + b"\0"
        labels += chunk(b"ltxt", body)
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16))
    told = chunk(b"cue ", struct.pack("<I", len(marks)) + cues) + chunk(b"list", b"adtl" + labels) if phonemes else b""
    data = (samples * 32767).astype("<i2").tobytes()
    return b"RIFF\xff\xff\xff\xffWAVE" + form + told + chunk(b"data", data, 0xFFFFFFFF)
