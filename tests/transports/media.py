"""Real streams, made by ffmpeg, and what decodes them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

SECONDS, FPS, GOP = 4, 25, 10
FRAGMENTED = "empty_moov+default_base_moof+frag_every_frame"


@dataclass(frozen=True)
class Streams:
    """The same encode in both containers."""

    ts: bytes
    mp4: bytes

    def __repr__(self) -> str:
        return "streams"


def encode(*output: str, pace: str = "", seconds: int = SECONDS) -> list[str]:
    """A command that encodes a moving picture, FPS frames a second and a keyframe each GOP, with sound."""
    live = ["-re"] if pace else []
    picture = [*live, "-f", "lavfi", "-i", f"testsrc2=s=128x128:r={FPS}:d={seconds}"]
    sound = [*live, "-f", "lavfi", "-i", f"sine=440:sample_rate=48000:d={seconds}"]
    x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(GOP), "-pix_fmt", "yuv420p"]
    maps = ["-map", "0:v?", "-map", "1:a", "-flags", "+global_header"]
    return ["ffmpeg", "-v", "error", "-nostdin", *picture, *sound, *x264, "-c:a", "aac", *maps, *output]


def made(*output: str) -> bytes:
    """What ffmpeg writes."""
    return subprocess.run(encode(*output, "pipe:1"), check=True, capture_output=True, timeout=60).stdout


def frames(data: bytes) -> int:
    """How many pictures a stream has; anything that the decoder complains about fails."""
    check = ["ffmpeg", "-v", "error", "-xerror", "-i", "pipe:0", "-map", "0:v", "-f", "framemd5", "pipe:1"]
    done = subprocess.run(check, input=data, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return sum(not line.startswith(b"#") for line in done.stdout.splitlines())
