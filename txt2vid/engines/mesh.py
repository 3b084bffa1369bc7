"""The embedded engine: moves a prepared picture by ARKit coefficients, on a CPU."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
from threadpoolctl import threadpool_limits

from txt2vid.core.media import Pixels
from txt2vid.core.options import EngineOptions
from txt2vid.engines.base import Engine, Job
from txt2vid.engines.rig.rig import Rig
from txt2vid.faces.face import Face

KEPT_PIXELS = 40_000_000  # of video frames whose rigs are kept: 150 of 512x512


class PreparedFace:
    """A face with the rigs of its pictures: the only one of a still, those of a video's frames as they are asked for.

    A video that is played back and forth comes by the same frames again, so rigs are kept up to KEPT_PIXELS of their
    pictures (about 300 MB); past that the one used longest ago is dropped, and made anew when it is needed.
    """

    def __init__(self, face: Face) -> None:
        self.is_still = face.is_still
        self._frames = face.frames
        self._matte = face.matte
        self._light = None if face.is_still else Rig.light(face.frames.pixels(0), face.frames.landmarks(0))
        width, height = face.size
        self._limit = max(2, KEPT_PIXELS // (width * height))
        self._rigs: OrderedDict[int, Rig] = OrderedDict()
        self.rig(0)

    def rig(self, index: int) -> Rig:
        """The rig of picture `index`."""
        if index in self._rigs:
            self._rigs.move_to_end(index)
            return self._rigs[index]
        if len(self._rigs) >= self._limit:
            self._rigs.popitem(last=False)
        pixels, landmarks = self._frames.pixels(index), self._frames.landmarks(index)
        return self._rigs.setdefault(index, Rig(pixels, landmarks, self._matte, mouth_only=self._light))


class MeshEngine(Engine):
    """Draws by warping: no network, no weights, some milliseconds a frame on one core."""

    def __init__(self, options: EngineOptions | None = None) -> None:
        super().__init__(options)
        # The pictures and fields are too small for threads to pay, and the other cores encode or draw other faces.
        cv2.setNumThreads(1)
        threadpool_limits(1, user_api="blas")

    def prepare(self, face: Face) -> PreparedFace:
        """The face's sheets, slits and layers."""
        return PreparedFace(face)

    def render(self, jobs: Sequence[Job]) -> list[Pixels]:
        """Each job on its own: nothing is gained by drawing warps together."""
        return [job.prepared.rig(job.frame).draw(job.motion) for job in jobs]

    def render_i420(self, jobs: Sequence[Job]) -> list[Pixels]:
        """As `render`; only what moves is converted."""
        return [job.prepared.rig(job.frame).draw_i420(job.motion) for job in jobs]

    def bundle(self, prepared: PreparedFace) -> bytes | None:
        """The rig of a still picture."""
        return prepared.rig(0).bundle() if prepared.is_still else None
