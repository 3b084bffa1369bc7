"""What every engine must do; a test file per engine inherits it and names the class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.engines.base import Engine, Job
from txt2vid.engines.i420 import to_i420
from txt2vid.faces.face import Face

SAMPLES = Path(__file__).parents[2] / "sample_data"


class EngineContract:
    engine: type[Engine]

    def make(self) -> Engine:
        """One that draws."""
        return self.engine()

    def job(self, prepared: Any, frame: int, motion: Motion) -> Job:
        """What a pipeline hands it for a frame."""
        return Job(prepared, frame, motion)

    def check_same(self, one: Pixels, other: Pixels) -> None:
        """Of a job that was drawn alone, and among others."""
        np.testing.assert_array_equal(one, other)

    def test_frames_are_of_the_faces_size_and_in_order(self, still: Face) -> None:
        engine = self.make()
        prepared = engine.prepare(still)
        motions = [Motion(coefficients(jawOpen=value)) for value in (0.0, 0.2, 0.4)]
        together = engine.render([self.job(prepared, 0, motion) for motion in motions])
        width, height = still.size
        assert all(frame.shape == (height, width, 3) and frame.dtype == np.uint8 for frame in together)
        for motion, frame in zip(motions, together, strict=True):
            self.check_same(engine.render([self.job(prepared, 0, motion)])[0], frame)

    def test_frames_are_new_memory(self, still: Face) -> None:
        engine = self.make()
        prepared = engine.prepare(still)
        (first,) = engine.render([self.job(prepared, 0, Motion())])
        kept = first.copy()
        first[:] = 0
        (second,) = engine.render([self.job(prepared, 0, Motion())])
        np.testing.assert_array_equal(second, kept)

    @pytest.mark.parametrize("where", ["still", "video"])
    def test_i420_is_the_same_picture(self, request: pytest.FixtureRequest, where: str) -> None:
        face: Face = request.getfixturevalue(where)
        engine = self.make()
        prepared = engine.prepare(face)
        motion = Motion(coefficients(jawOpen=0.3, eyeBlink=0.5), rotation=np.array((0.02, 0.05, 0.03), np.float32))
        jobs = [self.job(prepared, 0, motion), self.job(prepared, 0, Motion())]
        for pixels, planes in zip(engine.render(jobs), engine.render_i420(jobs), strict=True):
            np.testing.assert_array_equal(planes, to_i420(pixels))
        (again,) = engine.render_i420(jobs[:1])
        assert not np.shares_memory(again, engine.render_i420(jobs[:1])[0])

    def test_faces_of_several_sessions_do_not_mix(self, still: Face, video: Face) -> None:
        engine = self.make()
        first, second = engine.prepare(still), engine.prepare(video)
        motion = Motion(coefficients(jawOpen=0.3))
        jobs = [self.job(face, frame, motion) for face, frame in ((first, 0), (second, 3), (first, 0), (second, 4))]
        mixed = engine.render(jobs)
        for job, frame in zip(jobs, mixed, strict=True):
            self.check_same(engine.render([job])[0], frame)

    def test_the_picture_itself_is_never_written(self, still: Face) -> None:
        before = still.frames.pixels(0).copy()
        engine = self.make()
        prepared = engine.prepare(still)
        motion = Motion(coefficients(jawOpen=0.5, eyeBlink=1), rotation=np.array((0.1, 0.1, 0.1), np.float32))
        engine.render([self.job(prepared, 0, motion)])
        np.testing.assert_array_equal(still.frames.pixels(0), before)

    def test_the_mouth_opens(self, still: Face) -> None:
        engine = self.make()
        prepared = engine.prepare(still)
        shut, opened = engine.render(
            [self.job(prepared, 0, Motion(coefficients(jawOpen=value))) for value in (0.0, 0.4)]
        )
        mouth = still.frames.landmarks(0)[[13, 14, 61, 291], :2].mean(axis=0).astype(int)
        box = np.s_[mouth[1] - 20 : mouth[1] + 40, mouth[0] - 20 : mouth[0] + 20]
        assert np.abs(shut[box].astype(int) - opened[box]).mean() > 10
