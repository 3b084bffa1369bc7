"""A face drawn by WebGL in a real browser, against the engine's own frame of the same motion."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.server.browsers import Browser
from tests.server.face_site import SHOW, drawn, face_site, psnr
from txt2vid.core.media import Pixels
from txt2vid.core.meshwire import MotionEncoder, motion_of, sound_record, steps_of
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.core.packets import SoundPacket
from txt2vid.engines.mesh import MeshEngine, PreparedFace
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face

LEAST = 38.0  # decibels within the face; JPEG alone leaves about 45


def turned(pitch: float, yaw: float, roll: float, **shapes: float) -> Motion:
    """A pose in degrees, and coefficients by name."""
    return Motion(coefficients(**shapes), rotation=np.radians((pitch, yaw, roll)).astype(np.float32))


MOTIONS = {
    "rest": Motion(),
    "teeth": Motion(coefficients(jawOpen=0.6, mouthUpperUp=0.3, mouthLowerDown=0.3)),
    "smile": Motion(coefficients(mouthSmile=0.8, cheekSquint=0.4, jawOpen=0.15)),
    "tongue": Motion(coefficients(jawOpen=0.4, tongueOut=0.8)),
    "shut eyes": Motion(coefficients(eyeBlink=1.0)),
    "gaze": Motion(coefficients(browInnerUp=0.7, eyeBlink=0.2), gaze=np.array((0.7, -0.3), np.float32)),
    "turned": Motion(
        coefficients(jawOpen=0.3, mouthFunnel=0.4),
        rotation=np.array((0.08, 0.25, 0.06), np.float32),
        translation=np.array((0.03, 0.01, 0.02), np.float32),
    ),
    # A slit knows nothing beyond its own grid, and a turn brings what lies there into view at the far side.
    "turned, a little smile": turned(8, 18, 10, mouthSmile=0.02),
    "turned, smile": turned(8, 18, 10, mouthSmile=0.5),
    "turned, pucker": turned(8, -18, -10, mouthPucker=0.8),
    "turned, jaw": turned(0, 20, 0, jawOpen=0.5),
    "turned the other way, jaw": turned(0, -20, 0, jawOpen=0.5),
    "turned far, laugh": turned(0, 25, 0, mouthSmile=0.8, jawOpen=0.3),
    "turned far, funnel": turned(0, -25, 0, mouthFunnel=0.6, jawOpen=0.3),
    "turned up, smile": turned(-8, -18, -10, mouthSmile=0.5),
    "turned up, half shut eyes": turned(-15, 25, 12, eyeBlink=0.6),
    "a little gaze": Motion(gaze=np.array((0.02, 0.01), np.float32)),
    "turned the other way, wide eyes": turned(0, -25, 0, eyeWide=0.8, browInnerUp=0.8),
}


@dataclass
class Drawing:
    """The engine and the browser, with one face."""

    page: Browser
    face: Face
    prepared: PreparedFace
    bundle: bytes

    def both(self, motion: Motion) -> tuple[Pixels, Pixels]:
        """The engine's frame, and the browser's."""
        return self.prepared.rig(0).draw(motion), drawn(self.page, motion)

    def within(self, pixels: Pixels) -> Pixels:
        """The face's rectangle."""
        (left, top), (right, bottom) = (
            np.rint(edge(self.face.frames.landmarks(0)[:, :2], axis=0)).astype(int) for edge in (np.min, np.max)
        )
        return pixels[max(top, 0) : bottom, max(left, 0) : right]


@pytest.fixture(scope="module")
def drawing(artist: Browser, hero: Path) -> Iterator[Drawing]:
    engine, face = MeshEngine(), prepare_face(FaceOptions(hero, size=320))
    prepared = engine.prepare(face)
    bundle = engine.bundle(prepared)
    assert bundle is not None
    with face_site(bundle) as url:
        artist.goto(url)
        artist.run(f"void (await {SHOW})")
        yield Drawing(artist, face, prepared, bundle)
        assert artist.trouble() == []
        artist.leave()


@pytest.mark.parametrize("name", MOTIONS)
def test_the_browser_draws_what_the_engine_draws(drawing: Drawing, name: str) -> None:
    engine, browser = drawing.both(MOTIONS[name])
    assert psnr(drawing.within(engine), drawing.within(browser)) >= LEAST
    assert psnr(engine, browser) >= LEAST


def test_it_moves_at_all(drawing: Drawing) -> None:
    rest, _ = drawing.both(Motion())
    for name in ("teeth", "smile", "shut eyes", "turned"):
        assert psnr(drawing.within(rest), drawing.within(drawing.both(MOTIONS[name])[1])) < LEAST - 6


@pytest.mark.parametrize("pose", [(0, 20, 0), (0, -20, 0), (8, 18, 10), (8, -18, -10), (-15, 25, 12)])
def test_a_turned_mouth_that_hardly_moves_changes_hardly_anything(
    drawing: Drawing, pose: tuple[float, float, float]
) -> None:
    """Where the mouth's own piece ends, it passes softly into the head."""
    still, moved = (drawn(drawing.page, turned(*pose, mouthSmile=smile)).astype(int) for smile in (0, 0.02))
    assert 0 < np.abs(moved - still).max() < 30


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("new ArrayBuffer(3)", "no face"),
        ("file.slice(0, 20000)", "cut short"),
        ("(new Uint8Array(file, 8 + new DataView(file).getUint32(4, true), 2000).fill(7), file)", "damaged"),
        ("(new DataView(file).setUint32(4, 5), file)", "cut short"),
    ],
)
def test_a_damaged_file_is_refused_in_words(drawing: Drawing, harm: str, words: str) -> None:
    said = drawing.page.run(f"""(async () => {{
      const {{readRig}} = await import("/rigfile.js");
      const file = await (await fetch("/rig")).arrayBuffer();
      return readRig({harm}).then(() => "fine", (error) => error.message);
    }})()""")
    assert words in said
    drawing.page.forget()  # Firefox tells its console of data that cannot be inflated, although the page has seen to it


READ = """(async () => {
  const {MeshReader} = await import("/meshwire.js");
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer;
  const reader = new MeshReader();
  return %s.map(bytes).map((message) => {
    try {
      const {motions, sounds} = reader.read(message);
      return {motions, sounds: sounds.map(({position, data}) => [position, ...data])};
    } catch (error) {
      return error.constructor.name;
    }
  });
})()"""


def read(page: Browser, messages: list[bytes]) -> list[Any]:
    """What the page's reader makes of them: motions and sounds, or an error's name."""
    return list(page.run(READ % json.dumps([base64.b64encode(each).decode() for each in messages])))


def test_the_page_reads_what_the_server_writes(drawing: Drawing) -> None:
    encoder, random = MotionEncoder(), np.random.default_rng(5)
    motions = [Motion(*(random.normal(0, 0.5, size).astype(np.float32) for size in (52, 3, 3, 2))) for _ in range(12)]
    messages = [
        encoder.encode(motion, 2**40 + 1920 * at, 0xFFFFFFFF, key=at == 6)[1]
        + sound_record([SoundPacket(2**40 + 960 * (2 * at + i), bytes([at, i])) for i in range(2)])
        for at, motion in enumerate(motions)
    ]
    for at, told in enumerate(read(drawing.page, messages)):
        (moved,) = told["motions"]
        assert (moved["position"], moved["rig"], moved["key"]) == (2**40 + 1920 * at, 0xFFFFFFFF, at in (0, 6))
        wanted = motion_of(steps_of(motions[at]))
        for name, values in moved["motion"].items():
            np.testing.assert_allclose(values, getattr(wanted, name), atol=1e-6)
        assert told["sounds"] == [[2**40 + 960 * (2 * at + i), at, i] for i in range(2)]


def test_the_page_survives_garbage(drawing: Drawing) -> None:
    random = np.random.default_rng(6)
    good = MotionEncoder().encode(MOTIONS["smile"], 0, 1)[1]
    messages = [random.bytes(int(size)) for size in random.integers(0, 60, 200)]
    messages += [good[:at] for at in range(len(good))]
    messages += [
        good[:at] + bytes([good[at] ^ 1 << int(random.integers(8))]) + good[at + 1 :] for at in range(len(good))
    ]
    for told in read(drawing.page, messages):
        assert isinstance(told, dict) or told == "MeshWireError"


PLAYOUT = """(async () => {
  const {Playout} = await import("/playout.js");
  const playout = new Playout(), leaps = [], heads = [];
  const late = %s;
  let arrived = 0;
  for (let at = 0; at < late.length; at++) {
    arrived = Math.max(arrived, at * 0.04 + late[at]);  // TCP keeps the order
    if (playout.push(arrived, at * 1920, %s)) leaps.push(at);
    heads.push(playout.ahead(arrived));
  }
  return {leaps, heads};
})()"""


@pytest.mark.parametrize("quiet", [True, False])
def test_what_is_shown_stays_close_to_what_comes(drawing: Drawing, quiet: bool) -> None:
    late = [0.0] * 40 + [0.4] + [0.0] * 400  # the network stands still once
    told = drawing.page.run(PLAYOUT % (json.dumps(late), json.dumps(quiet)))
    assert told["leaps"][0] == 0
    assert 40 in told["leaps"]
    assert max(told["heads"]) < 0.6
    settled = told["heads"][-50:]
    assert min(settled) > 0.05
    assert max(settled) < (0.25 if quiet else 0.6)


def test_a_steady_network_never_leaps(drawing: Drawing) -> None:
    late = [0.01 * (at * 7 % 3) for at in range(300)]
    told = drawing.page.run(PLAYOUT % (json.dumps(late), "true"))
    assert told["leaps"] == [0]
    assert min(told["heads"]) > 0.03
    assert max(told["heads"]) < 0.12
