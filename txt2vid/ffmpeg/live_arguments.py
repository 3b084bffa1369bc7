"""What ffmpeg is asked to do for a live session: codecs, muxers, and how they are made to wait for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ffmpeg

from txt2vid.core.media import LISTENING_RATE
from txt2vid.ffmpeg import program

TIMESTAMP_OFFSET = Fraction(1)  # seconds that both streams are ahead of the session: AAC begins before its first sample
GOP_SECONDS = Fraction(2, 5)  # between keyframes: a late viewer sees a picture within half a second
PRESET, CRF = "ultrafast", 25  # of x264: 0.8 ms a frame, 46 dB; superfast takes half as long again
PARAMS = "subme=1:no-deblock=0:deblock=0,0"
"""And with these, which the preset leaves out: 2 bits of 5 saved for a sixth of its time, half a dB to a dB better.
Heads move by fractions of a pixel."""
MAX_BITS_A_PIXEL = 0.3  # bit for each pixel of each frame: 2 Mbit/s at 512x512 and 25 frames a second
MIN_BITRATE = 200_000  # bit/s that the smallest picture may take: SPS, PPS and slice headers weigh something too
BUFFER_SECONDS = 0.2  # of the decoder's buffer (VBV): no keyframe takes longer than that on a line of the peak rate
VIDEO_CLOCK = 90_000  # ticks a second of both streams' picture times
AUDIO_BITRATE = 96_000  # bit/s, mono
AUDIO_LAG = Fraction(6, 100)  # seconds between a sample and its AAC packet: three packets of 1024, less what is read


@dataclass(frozen=True, slots=True)
class Plan:
    """One encoder, as `LiveEncoder` has its arguments."""

    width: int
    height: int
    fps: Fraction
    start: Fraction
    ahead: int
    preset: str
    crf: int
    comment: str | None

    @property
    def early(self) -> int:
        """Samples by which ffmpeg is told that sound comes earlier than it does, so that it reads it before."""
        return max(0, self.ahead - int(AUDIO_LAG * LISTENING_RATE))


def command(plan: Plan, pictures: int, sound: int, stream: int, fragments: int) -> list[str]:
    """All arguments; the numbers are those of the pipes, as ffmpeg inherits them."""
    rate = f"{plan.fps.numerator}/{plan.fps.denominator}"
    # Unbuffered, and read by ffmpeg's one thread: its reading threads cost 5 ms of polling (5.1), and turns.
    eager: dict[str, Any] = {"fflags": "nobuffer", "nofind_stream_info": None, "thread_queue_size": 0}
    video = ffmpeg.input(
        f"pipe:{pictures}",
        format="rawvideo",
        pix_fmt="yuv420p",
        video_size=(plan.width, plan.height),
        framerate=rate,
        **eager,
    )
    early = f"{plan.early / LISTENING_RATE:.6f}"
    audio = ffmpeg.input(
        f"pipe:{sound}",
        format="f32le",
        ar=LISTENING_RATE,
        channel_layout="mono",
        itsoffset=f"-{early}",
        **eager,
    ).audio
    output = ffmpeg.output(
        video,
        audio,
        audio,
        _outputs(plan, stream, fragments),
        format="tee",
        fps_mode="vfr",
        r=rate,
        max_interleave_delta=1,
        avoid_negative_ts="disabled",
        flags="+global_header",
        **_codecs(plan),
        **_tags(plan),
    )
    command = [program.find("ffmpeg"), "-hide_banner", "-nostdin", "-v", "error", "-xerror"]
    compiled: list[str] = output.compile(cmd=command)
    return compiled


def _codecs(plan: Plan) -> dict[str, Any]:
    """Output options. The second audio stream is the raw sound once more: see `_outputs`."""
    bitrate = max(MIN_BITRATE, round(MAX_BITS_A_PIXEL * plan.width * plan.height * plan.fps))
    return {
        "c:v": "libx264",
        "preset": plan.preset,
        "x264-params": PARAMS,
        "tune": "zerolatency",
        "threads:v": 1,
        "crf": plan.crf,
        "maxrate": bitrate,
        "bufsize": round(BUFFER_SECONDS * bitrate),
        "g": max(1, round(GOP_SECONDS * plan.fps)),
        "bf": 0,
        "sc_threshold": 0,
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "colorspace": "smpte170m",
        "color_range": "tv",
        "c:a:0": "aac",
        "b:a:0": AUDIO_BITRATE,
        "aac_coder": "fast",  # half the time of "twoloop", 0.25 ms a frame; equal ears at this rate
        "c:a:1": "copy",
    }


def _tags(plan: Plan) -> dict[str, str]:
    """The comment, under the name that each container has for it."""
    if plan.comment is None:
        return {}
    return {f"metadata:g:{i}": f"{name}={plan.comment}" for i, name in enumerate(("comment", "service_name"))}


def _outputs(plan: Plan, stream: int, fragments: int) -> str:
    """Two muxers behind one encoder, made to let go of what they have.

    A muxer holds a packet back until each stream has one, and AAC comes later than its picture; `tee` does so
    twice. Hence: sound is read `Plan.early` and labelled late again by `setts` here. max_interleave_delta=1 (µs) lets
    go of everything that is not the last of its stream in the queue; and the raw sound as a third stream, which no
    output selects, always is that last one. What MP4 still holds is the last frame until a packet follows.
    """
    offset = f"{float(TIMESTAMP_OFFSET + plan.start):.6f}"
    late = f"bsfs/a=setts=ts=TS+{plan.early}:"
    common = f"{late}flush_packets=1:max_interleave_delta=1:avoid_negative_ts=disabled:output_ts_offset={offset}"
    keys = r"bsfs/v='h264_mp4toannexb,dump_extra=freq=k'"
    # With the length in its head a picture is whole when its last byte is there, not when the next one begins.
    mpegts = f"f=mpegts:{keys}:max_delay=0:pes_payload_size=0:omit_video_pes_length=0"
    flags = "empty_moov+default_base_moof+frag_discont"
    mp4 = f"f=mp4:movflags={flags}:frag_duration=1:use_editlist=0:video_track_timescale={VIDEO_CLOCK}"
    selected = r"select=\'0,1\'"
    return f"[{selected}:{mpegts}:{common}]pipe:{stream}|[{selected}:{mp4}:{common}]pipe:{fragments}"
