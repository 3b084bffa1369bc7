"""`txt2vid bench bitrate`: what a talking face costs on the wire: as text, as voice, and as video.

It repeats, on clips of one's own, the comparison of Tandon et al. 2021 ("Txt2Vid: Ultra-low bitrate compression of
talking-head videos via text"): H.264 and AV1 at two sizes with a low-rate voice, against text alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import ffmpeg

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.wire import Packet, encode_packet
from txt2vid.errors import FFmpegError, VideoError
from txt2vid.ffmpeg import AudioReader, confine, probe, program
from txt2vid.ffmpeg.opus import OpusEncoder
from txt2vid.sender.resample import Resampler
from txt2vid.textwire.codec import Encoder
from txt2vid.tts.sentences import sentences

SIZES = ((640, 360), (320, 180))  # pixels
H264_CRFS, AV1_CRFS = (26, 29, 32), (60, 63)
VOICES = (6_000, 8_000, 12_000, 16_000, 24_000)  # bits a second of Opus, as `txt2vid send` sends it
TRACKS = (5_000, 10_000)  # bits a second of the sound beside a video
TRACK_RATE = 16_000  # Hz of it; AAC has nothing so low at more
STUDY_VIDEO, STUDY_TEXT = (8_700.0, 119_000.0), (79.0, 92.0)  # bits a second, as published
FRAME_BYTES = 6  # of a websocket's frame, masked (RFC 6455): messages under 126 bytes; longer ones take 2 more
SEGMENT_BYTES = 52  # of IPv4 and TCP with time stamps: around what is sent, and again for what acknowledges it
SECONDS = 600  # that one encoder may take
PRESETS = {"libsvtav1": {"preset": 6}, "libaom-av1": {"cpu-used": 6, "b:v": 0, "row-mt": 1}}

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rate:
    """One way to send a clip. kind: "text", "voice", "video". payload, wire: bits a second; wire None is a file's."""

    kind: str
    name: str
    payload: float
    wire: float | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """seconds: of it. characters, words: of its text. rates: all ways, the least first."""

    name: str
    seconds: float
    characters: int
    words: int
    rates: tuple[Rate, ...]

    @property
    def text(self) -> Rate:
        """The way as text."""
        return next(rate for rate in self.rates if rate.kind == "text")


@dataclass(frozen=True, slots=True)
class Result:
    """All clips."""

    clips: tuple[Clip, ...]

    def json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def measure(clips: Sequence[tuple[Path, str]], tell: Tell = lambda _: None) -> Result:
    """Each clip, a video of somebody speaking, with its text. Raises VideoError at what is none, FFmpegError."""
    return Result(tuple(_clip(path, text, tell) for path, text in clips))


def _clip(path: Path, text: str, tell: Tell) -> Clip:
    info = probe(path)
    if info.video is None or info.audio is None:
        raise VideoError(f"{path} has no picture or no sound: give a video of somebody who speaks")
    tell(f"{path.name}: voice")
    voices, seconds = _voices(path)
    rates = [_text(text, seconds), *voices]
    with tempfile.TemporaryDirectory(prefix="txt2vid-bitrate-") as folder:
        rates += _videos(path, Path(folder), seconds, tell)
    return Clip(path.name, round(seconds, 3), len(text), len(text.split()), tuple(sorted(rates, key=_payload)))


def _payload(rate: Rate) -> float:
    return rate.payload


def _text(text: str, seconds: float) -> Rate:
    """As `txt2vid send` sends it, sentence by sentence, over a connection that is there."""
    encoder = Encoder()
    messages = [len(encoder.encode(sentence.text)) for sentence in sentences(text)]
    return Rate("text", "text", _bits(sum(messages), seconds), _bits(sum(map(_on_wire, messages)), seconds))


def _voices(path: Path) -> tuple[list[Rate], float]:
    """The voice at each bitrate, and its seconds; the sound is read once."""
    encoders = [OpusEncoder(bitrate) for bitrate in VOICES]
    sizes, wires, samples = [0] * len(VOICES), [0] * len(VOICES), 0
    for part in _sound_of(path):
        samples += len(part)
        for i, encoder in enumerate(encoders):
            for packet in encoder.push(part):
                sizes[i] += len(packet.data)
                wires[i] += _on_wire(len(encode_packet(Packet(0, packet.position, packet.data))))
    seconds = samples / LISTENING_RATE
    return [
        Rate("voice", f"Opus {bitrate / 1000:g} kbit/s", _bits(size, seconds), _bits(wire, seconds))
        for bitrate, size, wire in zip(VOICES, sizes, wires, strict=True)
    ], seconds


def _sound_of(path: Path) -> Iterator[Samples]:
    """Mono, at the wire's rate."""
    with AudioReader(path) as reader:
        resampler = Resampler(reader.rate)
        for chunk in reader:
            yield resampler.push(chunk.samples.mean(axis=1))
        yield resampler.flush()


def _on_wire(message: int) -> int:
    """Bytes of a websocket message over IPv4, with the acknowledgement that it brings."""
    return message + FRAME_BYTES + (2 if message > 125 else 0) + 2 * SEGMENT_BYTES


def _bits(count: int, seconds: float) -> float:
    return round(8 * count / seconds, 1)


def _videos(path: Path, folder: Path, seconds: float, tell: Tell) -> Iterator[Rate]:
    tracks = {}
    for encoder, sound in (("aac", "AAC"), ("libopus", "Opus")):
        for bitrate in TRACKS:
            tell(f"{path.name}: {sound} at {bitrate / 1000:g} kbit/s")
            tracks[f"{sound} {bitrate / 1000:g}"] = _track(path, folder, encoder, bitrate, seconds)
    codecs: list[tuple[str, str | None, Sequence[int]]] = [("H.264", "libx264", H264_CRFS), ("AV1", av1(), AV1_CRFS)]
    for name, codec, crfs in codecs:
        if codec is None:
            tell("this ffmpeg has no encoder of AV1")
            continue
        for size in SIZES:
            for crf in crfs:
                tell(f"{path.name}: {name} {size[0]}x{size[1]} CRF {crf}")
                video = _bits(_size(picture(path, folder / "video.mkv", codec, size, crf)), seconds)
                for track, rate in tracks.items():
                    yield Rate("video", f"{name} {size[0]}x{size[1]} CRF {crf}, {track}", round(video + rate, 1))


def av1() -> str | None:
    """The AV1 encoder that this ffmpeg has, None where it has none."""
    return next((name for name in PRESETS if name in program.encoders()), None)


def picture(path: Path, target: Path, codec: str, size: tuple[int, int], crf: int) -> Path:
    """Writes the picture of a clip alone, within a size in pixels, its sides in proportion. Raises FFmpegError."""
    width, height = size
    stream = confine.source(path).video.filter("scale", width, height, force_original_aspect_ratio="decrease")
    stream = stream.filter("pad", width, height, -1, -1).filter("setsar", 1)
    options: dict[str, Any] = {"crf": crf, "pix_fmt": "yuv420p", "g": 250, **PRESETS.get(codec, {"preset": "medium"})}
    return _write(ffmpeg.output(stream, confine.url(target), vcodec=codec, **options), target)


def _track(path: Path, folder: Path, codec: str, bitrate: int, seconds: float) -> float:
    target = folder / "sound.mkv"
    sound = confine.source(path).audio
    made = ffmpeg.output(sound, confine.url(target), acodec=codec, audio_bitrate=bitrate, ac=1, ar=TRACK_RATE)
    return _bits(_size(_write(made, target)), seconds)


def _write(made: Any, target: Path) -> Path:
    arguments = ffmpeg.get_args(made.global_args("-nostdin", "-v", "error"), overwrite_output=True)
    code, _, err = program.capture([program.find("ffmpeg"), *arguments], SECONDS)
    if code != 0:
        raise FFmpegError(f"ffmpeg could not write {target.name} ({program.last_words(err)}): run txt2vid doctor")
    return target


def _size(path: Path) -> int:
    """Bytes of all packets, without what a container adds."""
    with av.open(str(path)) as container:
        return sum(packet.size for packet in container.demux())
