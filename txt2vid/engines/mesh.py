"""The embedded engine: moves a prepared picture by ARKit coefficients, on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
from threadpoolctl import threadpool_limits

from txt2vid.core.media import Pixels
from txt2vid.engines.base import Engine, Job
from txt2vid.engines.rig.rig import Rig
from txt2vid.faces.face import Face


class PreparedFace:
    """A face with the rig of the picture that was drawn last: the only one of a still, one frame of a video."""

    def __init__(self, face: Face) -> None:
        self._frames = face.frames
        self._light = None if face.is_still else Rig.light(face.frames.pixels(0), face.frames.landmarks(0))
        self._matte = face.matte
        self._index = 0
        self._rig = self._made(0)

    def _made(self, index: int) -> Rig:
        return Rig(self._frames.pixels(index), self._frames.landmarks(index), self._matte, mouth_only=self._light)

    def rig(self, index: int) -> Rig:
        """The rig of picture `index`."""
        if index != self._index:
            self._index, self._rig = index, self._made(index)
        return self._rig


class MeshEngine(Engine):
    """Draws by warping: no network, no weights, some milliseconds a frame on one core."""

    def __init__(self) -> None:
        # The pictures and fields are too small for threads to pay, and the other cores encode or draw other faces.
        cv2.setNumThreads(1)
        threadpool_limits(1, user_api="blas")

    def prepare(self, face: Face) -> PreparedFace:
        """The face's sheets, slits and layers."""
        return PreparedFace(face)

    def render(self, jobs: Sequence[Job]) -> list[Pixels]:
        """Each job on its own: nothing is gained by drawing warps together."""
        return [job.prepared.rig(job.frame).draw(job.motion) for job in jobs]
