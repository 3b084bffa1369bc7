"""The Wav2Lip engine: the network draws mouths, the mesh engine's rig moves the head and the eyes around them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from txt2vid.core.media import Pixels
from txt2vid.core.motion import BLENDSHAPES, Motion
from txt2vid.core.options import PASTES, EngineOptions
from txt2vid.engines.base import Engine, Hearing, Job, Network, Question
from txt2vid.engines.i420 import to_i420
from txt2vid.engines.lips.box import Box, box_at
from txt2vid.engines.lips.hearing import Heard, MelHearing
from txt2vid.engines.lips.plate import Plate, cut_out, paste_hard
from txt2vid.engines.mesh import KEPT_PIXELS, MeshEngine
from txt2vid.engines.mesh import PreparedFace as MeshFace
from txt2vid.engines.rig.patch import Patch
from txt2vid.engines.rig.rig import Rig
from txt2vid.errors import UsageError
from txt2vid.faces.face import Face

MOST = 64  # frames of a video in one batch: as many are held in memory until they are encoded
_MOUTH = np.array([name.startswith(("jaw", "mouth", "tongue", "cheekPuff")) for name in BLENDSHAPES])
"""Coefficients that move what the network draws."""


class PreparedFace:
    """A face with what is laid back on each of its pictures, made as they are asked for.

    Memory is bounded as that of the mesh engine's rigs, whose pictures at rest these are: lips that the picture shows
    apart are shut in them.
    """

    def __init__(self, face: Face, options: EngineOptions) -> None:
        self.face, self.mesh = face, MeshFace(face)
        self._pads = options.pads
        self.id = _digest(face)
        width, height = face.size
        self._limit = max(2, KEPT_PIXELS // (width * height))
        self._plates: OrderedDict[int, Plate | None] = OrderedDict()
        self.rig = self._still_rig() if face.is_still else None
        self.plate(0)  # now, not in the first frame

    def box(self, index: int) -> Box:
        """Where the network's crop lies in picture `index`."""
        return box_at(self.face.frames, index, self._pads, self.face.detected)

    def plate(self, index: int) -> Plate | None:
        """What is cut out of picture `index`, and where; None where its face lies outside the picture."""
        if index in self._plates:
            self._plates.move_to_end(index)
            return self._plates[index]
        if len(self._plates) >= self._limit:
            self._plates.popitem(last=False)
        box = self.box(index)
        plate = Plate(self.mesh.rig(index).draw(Motion()), self._rest(index), box) if box.is_seen else None
        return self._plates.setdefault(index, plate)

    def _rest(self, index: int) -> Any:
        return self.mesh.rig(index).rest_landmarks

    def _still_rig(self) -> Rig:
        """Of the picture at rest: where its lips are shut already, that is the mesh engine's own."""
        own = self.mesh.rig(0)
        if np.array_equal(own.rest_landmarks, self.face.frames.landmarks(0)):
            return own
        return Rig(own.draw(Motion()), own.rest_landmarks, self.face.matte)


class Wav2LipEngine(Engine):
    """Draws with Wav2Lip's network. network: one that is loaded already; None loads it when it is first needed."""

    network = "txt2vid.engines.lips.mouths:Mouths"

    def __init__(self, options: EngineOptions | None = None, network: Network | None = None) -> None:
        super().__init__(options)
        if self.options.paste not in PASTES:
            raise UsageError(f"paste {self.options.paste!r} is not known: choose one of {', '.join(PASTES)}")
        self._hard = self.options.paste == "hard"
        self._mesh = MeshEngine()  # sets OpenCV's threads
        self._mouths = network

    @property
    def mouths(self) -> Network:
        """The network, loaded now if it was not."""
        if self._mouths is None:
            from txt2vid.engines.lips.mouths import Mouths  # torch

            self._mouths = Mouths(self.options)
        return self._mouths

    @property
    def batch(self) -> int:
        """As many as the network gains by, up to a second or two of frames."""
        return min(self.mouths.most, MOST)

    def prepare(self, face: Face) -> PreparedFace:
        """The face's rig, box and plates."""
        return PreparedFace(face, self.options)

    def hearing(self, fps: Fraction) -> Hearing:
        """Mel windows."""
        return MelHearing(fps, as_published=self.options.alignment == "published")

    def bundle(self, prepared: PreparedFace) -> bytes | None:
        """The mesh engine's: no network reaches a browser, motion moves the mouth there."""
        return self._mesh.bundle(prepared.mesh)

    def question(self, job: Job) -> Question | None:
        """The mouth of a frame in which somebody speaks and a face is seen."""
        heard: Heard | None = job.heard
        if heard is None or (heard.voice == 0 and not self._hard):
            return None
        face: PreparedFace = job.prepared
        if self._hard:
            box = face.box(job.frame)
            if not box.is_seen:
                return None
            return Question(
                (face.id, job.frame), heard.window, lambda: cut_out(face.face.frames.pixels(job.frame), box)
            )
        plate = face.plate(job.frame)
        return None if plate is None else Question((face.id, job.frame), heard.window, lambda: plate.crop)

    def render(self, jobs: Sequence[Job]) -> list[Pixels]:
        """The network's mouths of all jobs in one batch, then each laid back."""
        return [self._drawn(job, answer) for job, answer in zip(jobs, self._answers(jobs), strict=True)]

    def render_i420(self, jobs: Sequence[Job]) -> list[Pixels]:
        """As `render`; of a still picture only what moves is converted."""
        answers = self._answers(jobs)
        return [self._drawn_i420(job, answer) for job, answer in zip(jobs, answers, strict=True)]

    def draw_i420(self, job: Job, answer: Pixels | None) -> Pixels:
        """With an answer from elsewhere; without one, where there was a question, the motion moves the mouth."""
        if answer is None and self.question(job) is not None:
            return self._mesh.draw_i420(_by_motion(job), None)
        return self._drawn_i420(job, answer)

    def _answers(self, jobs: Sequence[Job]) -> list[Pixels | None]:
        questions = [self.question(job) for job in jobs]
        asked = [
            (each.key, None if self.mouths.knows(each.key) else each.crop(), each.heard) for each in questions if each
        ]
        answers = iter(self.mouths.answer(asked) if asked else [])
        return [next(answers) if each is not None else None for each in questions]

    def _drawn(self, job: Job, answer: Pixels | None) -> Pixels:
        if job.heard is None:
            return self._mesh.render([_by_motion(job)])[0]
        face: PreparedFace = job.prepared
        if self._hard:
            frame = face.face.frames.pixels(job.frame).copy()
            if answer is not None:
                paste_hard(frame, face.box(job.frame), answer)
            return frame
        if face.rig is not None:
            return face.rig.draw(_without_mouth(job.motion), self._patch(job, answer))
        frame = self._base(job).copy()
        patch = self._patch(job, answer)
        if patch is not None:
            height, width = patch.pixels.shape[:2]
            frame[patch.y : patch.y + height, patch.x : patch.x + width] = patch.pixels
        return frame

    def _drawn_i420(self, job: Job, answer: Pixels | None) -> Pixels:
        if job.heard is None:
            return self._mesh.draw_i420(_by_motion(job), None)
        face: PreparedFace = job.prepared
        if face.rig is not None and not self._hard:
            return face.rig.draw_i420(_without_mouth(job.motion), self._patch(job, answer))
        return to_i420(self._drawn(job, answer))

    def _base(self, job: Job) -> Pixels:
        plate = job.prepared.plate(job.frame)
        frame: Pixels = plate.picture if plate is not None else job.prepared.face.frames.pixels(job.frame)
        return frame

    def _patch(self, job: Job, answer: Pixels | None) -> Patch | None:
        plate = job.prepared.plate(job.frame) if answer is not None else None
        return None if plate is None else plate.patch(answer, job.heard.voice)


def _by_motion(job: Job) -> Job:
    """The same frame for the mesh engine."""
    return Job(job.prepared.mesh, job.frame, job.motion)


def _without_mouth(motion: Motion) -> Motion:
    """The same head and eyes; the network draws the mouth."""
    return Motion(np.where(_MOUTH, np.float32(0), motion.blendshapes), motion.rotation, motion.translation, motion.gaze)


def _digest(face: Face) -> str:
    """Equal for equal faces: what a network learnt of one serves all sessions that show it."""
    whole = hashlib.sha256(face.name.encode())
    for index in {0, len(face.frames) - 1}:
        whole.update(face.frames.pixels(index).tobytes())
        whole.update(face.frames.landmarks(index).tobytes())
    whole.update(str((len(face.frames), face.size)).encode())
    return whole.hexdigest()[:24]
