"""A face drawn by WebGL in a real browser, against the engine's own frame of the same motion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.server.browsers import Chromium, chromium
from tests.server.face_site import SHOW, SOFTWARE, drawn, face_site, psnr
from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions
from txt2vid.engines.mesh import MeshEngine, PreparedFace
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face

LEAST = 36.0  # decibels within the face; JPEG alone leaves about 45
TURNED = Motion(
    coefficients(jawOpen=0.3, mouthFunnel=0.4),
    rotation=np.array((0.08, 0.25, 0.06), np.float32),
    translation=np.array((0.03, 0.01, 0.02), np.float32),
)
MOTIONS = {
    "rest": Motion(),
    "teeth": Motion(coefficients(jawOpen=0.6, mouthUpperUp=0.3, mouthLowerDown=0.3)),
    "smile": Motion(coefficients(mouthSmile=0.8, cheekSquint=0.4, jawOpen=0.15)),
    "tongue": Motion(coefficients(jawOpen=0.4, tongueOut=0.8)),
    "shut eyes": Motion(coefficients(eyeBlink=1.0)),
    "gaze": Motion(coefficients(browInnerUp=0.7, eyeBlink=0.2), gaze=np.array((0.7, -0.3), np.float32)),
    "turned": TURNED,
}


@dataclass
class Drawing:
    """The engine and the browser, with one face."""

    page: Chromium
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
def drawing(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Drawing]:
    engine, face = MeshEngine(), prepare_face(FaceOptions(hero, size=320))
    prepared = engine.prepare(face)
    bundle = engine.bundle(prepared)
    assert bundle is not None
    with face_site(bundle) as url, chromium(tmp_path_factory.mktemp("gl"), more=SOFTWARE) as page:
        page.goto(url)
        page.run(f"void (await {SHOW})")
        yield Drawing(page, face, prepared, bundle)
        assert page.trouble() == []


@pytest.mark.parametrize("name", MOTIONS)
def test_the_browser_draws_what_the_engine_draws(drawing: Drawing, name: str) -> None:
    engine, browser = drawing.both(MOTIONS[name])
    assert psnr(drawing.within(engine), drawing.within(browser)) >= LEAST
    assert psnr(engine, browser) >= LEAST


def test_it_moves_at_all(drawing: Drawing) -> None:
    rest, _ = drawing.both(Motion())
    for name in ("teeth", "smile", "shut eyes", "turned"):
        assert psnr(drawing.within(rest), drawing.within(drawing.both(MOTIONS[name])[1])) < LEAST - 4


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("new ArrayBuffer(3)", "no face"),
        ("file.slice(0, 20000)", "cut short"),
        ("(new Uint8Array(file, 9000, 2000).fill(7), file)", "damaged"),
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
