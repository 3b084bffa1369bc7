"""Faces drawn by the viewer's browser: what one costs the server, drawn there or here, and how alike the two are.

    python benchmarks/meshwire.py [--face sample_data/hero.png] [--size 512] [--sound speech.wav] [--look sheet.png]

Costs are of one session's time line, as a studio runs it, in seconds of CPU (other work on the machine does not
count); the hub's share is in `benchmarks/calls.py --draw`. --look draws some motions by the engine and by a headless
Chromium, tells how far they differ, and puts them side by side: the engine's, the browser's, four times the difference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.server.browsers import chromium  # noqa: E402
from tests.server.face_site import SHOW, SOFTWARE, drawn, face_site, psnr  # noqa: E402
from tests.server.test_face_gl import MOTIONS  # noqa: E402
from txt2vid.core.options import FaceOptions  # noqa: E402
from txt2vid.core.packets import MESH  # noqa: E402
from txt2vid.core.wire import AudioFormat, Packet  # noqa: E402
from txt2vid.engines.base import Job  # noqa: E402
from txt2vid.engines.mesh import MeshEngine, PreparedFace  # noqa: E402
from txt2vid.faces.face import Face  # noqa: E402
from txt2vid.faces.prepare import prepare_face  # noqa: E402
from txt2vid.ffmpeg.decode import AudioReader  # noqa: E402
from txt2vid.ffmpeg.opus import OpusEncoder, OpusPacket  # noqa: E402
from txt2vid.pipeline.forwarded import Forwarded  # noqa: E402
from txt2vid.pipeline.live import Session  # noqa: E402
from txt2vid.sender.resample import Resampler  # noqa: E402

FPS, SECONDS = Fraction(25), 16
BITRATE = 2_000_000


def packets_of(path: Path) -> list[OpusPacket]:
    """SECONDS of a sound file as a microphone sends it, again and again."""
    with AudioReader(path) as reader:
        resampler = Resampler(reader.rate)
        sound = np.concatenate([resampler.push(chunk.samples.mean(axis=1)) for chunk in reader])
    return OpusEncoder().push(np.resize(sound, SECONDS * 48_000).astype(np.float32))


def cost(engine: MeshEngine, prepared: PreparedFace, packets: list[OpusPacket], codec: str) -> None:
    """Prints what each part of a frame takes, and what goes out."""
    with ThreadPoolExecutor(1) as executor:
        session, into = Session(FPS, executor), Forwarded("one", FPS, Fraction(0))
        session.source(AudioFormat(), fresh=True)
        into.want((codec,), BITRATE)
        spent, sent = np.zeros(4), np.zeros(2)
        frames = len(packets) // 2
        for at in range(frames):
            marks = [time.process_time()]
            for packet in packets[2 * at : 2 * at + 2]:
                session.hear(Packet(0, packet.position, packet.data))
            marks.append(time.process_time())
            moment = session.step()
            marks.append(time.process_time())
            shown = engine.draw_i420(Job(prepared, 0, moment.motion), None) if into.draws else None
            marks.append(time.process_time())
            out = into.write(moment, shown, 1)
            marks.append(time.process_time())
            spent += np.diff(marks)
            sent += [sum(len(each.data) for each in out.pictures), sum(len(each.data) for each in out.sound)]
    parts = ", ".join(
        f"{name} {1000 * each / frames:.1f}"
        for name, each in zip(("hearing", "moving", "drawing", "encoding"), spent, strict=True)
    )
    pictures, sound = 8 * sent / (frames / FPS) / 1000
    print(f"{codec}: {spent.sum() / float(frames / FPS):.3f} cores a face ({parts} ms a frame); ", end="")
    print(f"{float(pictures):.1f} kbit/s of {'motion' if codec == MESH else 'pictures'}, {float(sound):.1f} of sound")


def look(prepared: PreparedFace, face: Face, bundle: bytes, sheet: Path) -> None:
    """Compares the browser's pictures with the engine's."""
    (left, top), (right, bottom) = (
        np.rint(edge(face.frames.landmarks(0)[:, :2], axis=0)).astype(int) for edge in (np.min, np.max)
    )
    within = np.s_[max(top, 0) : bottom, max(left, 0) : right]
    rows = []
    with tempfile.TemporaryDirectory() as name, face_site(bundle) as url, chromium(Path(name), more=SOFTWARE) as page:
        page.goto(url)
        page.run(f"void (await {SHOW})")
        for what, motion in MOTIONS.items():
            here, there = prepared.rig(0).draw(motion), drawn(page, motion)
            print(f"{what}: {psnr(here[within], there[within]):.1f} dB within the face, {psnr(here, there):.1f} in all")
            apart = np.clip(4 * np.abs(here.astype(int) - there), 0, 255).astype(np.uint8)
            rows.append(np.hstack([here, there, apart]))
    Image.fromarray(np.vstack(rows)[..., ::-1]).save(sheet)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--face", type=Path, default=ROOT / "sample_data" / "hero.png")
    parser.add_argument("--sound", type=Path, default=ROOT / "sample_data" / "speech.wav")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--look", type=Path)
    given = parser.parse_args()
    engine, face = MeshEngine(), prepare_face(FaceOptions(given.face, size=given.size))
    prepared = engine.prepare(face)
    begun = time.process_time()
    bundle = engine.bundle(prepared)
    if bundle is None:
        raise SystemExit(f"{given.face} is a video: only stills can be drawn elsewhere")
    print(f"the face: {len(bundle) / 1000:.0f} kB, made in {1000 * (time.process_time() - begun):.0f} ms")
    packets = packets_of(given.sound)
    for codec in ("h264", MESH, "h264", MESH):
        cost(engine, prepared, packets, codec)
    if given.look is not None:
        look(prepared, face, bundle, given.look)


if __name__ == "__main__":
    main()
