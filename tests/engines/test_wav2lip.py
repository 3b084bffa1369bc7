"""The Wav2Lip engine, its network with seeded random weights: what it draws is no mouth, but it is always the same."""

from __future__ import annotations

import functools
import weakref
import zlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.engines.contract import EngineContract
from tests.wav2lip.networks import lively
from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import EngineOptions, FaceOptions
from txt2vid.engines.base import Engine, Job
from txt2vid.engines.lips.hearing import Heard
from txt2vid.engines.lips.mouths import Mouths, six_channels
from txt2vid.engines.mesh import MeshEngine
from txt2vid.engines.wav2lip import Wav2LipEngine
from txt2vid.errors import EngineError, UsageError
from txt2vid.faces.face import Face
from txt2vid.faces.prepare import prepare_face
from wav2lip.network import SIDE

TURN = Motion(coefficients(eyeBlink=1), rotation=np.array((0.0, 0.12, 0.05), np.float32))


@functools.lru_cache(maxsize=2)
def mouths(paste: str = "soft") -> Mouths:
    return Mouths(EngineOptions("wav2lip", paste=paste, device="cpu", dtype="float32"), lively())


def wav2lip(paste: str = "soft") -> Wav2LipEngine:
    return Wav2LipEngine(EngineOptions("wav2lip", paste=paste), mouths(paste))


def heard(seed: int = 0, voice: float = 1.0) -> Heard:
    window = np.random.default_rng(seed).uniform(-4, 4, (1, 80, 16)).astype(np.float32)
    return Heard(window, voice)


class TestContract(EngineContract):
    engine = Wav2LipEngine

    def make(self) -> Engine:
        return wav2lip()

    def job(self, prepared: Any, frame: int, motion: Motion) -> Job:
        return Job(prepared, frame, motion, heard(zlib.crc32(motion.blendshapes.tobytes())))

    def check_same(self, one: Pixels, other: Pixels) -> None:
        """Sums in batches of other sizes end in other last bits."""
        assert np.abs(one.astype(int) - other).max() <= 1

    def test_the_mouth_opens(self, still: Face) -> None:
        """Random weights open no mouth: see below for what follows the sound."""


class TestWithoutSound(EngineContract):
    """A session that has no network is drawn by the mesh engine."""

    engine = Wav2LipEngine


@pytest.fixture(scope="module")
def prepared(still: Face) -> Any:
    return wav2lip().prepare(still)


@pytest.fixture(scope="module")
def open_mouthed(tmp_path_factory: pytest.TempPathFactory, still: Face) -> Face:
    """A picture whose lips are apart."""
    from PIL import Image

    engine = MeshEngine()
    frame = engine.render([Job(engine.prepare(still), 0, Motion(coefficients(jawOpen=0.4)))])[0]
    path = tmp_path_factory.mktemp("open") / "open.png"
    Image.fromarray(frame[:, :, ::-1]).save(path)
    return prepare_face(FaceOptions(path))


def drawn(prepared: Any, said: Heard | None, motion: Motion | None = None, paste: str = "soft") -> Pixels:
    return wav2lip(paste).render([Job(prepared, 0, motion or Motion(), said)])[0]


def test_the_mouth_follows_the_sound_and_nothing_else_does(prepared: Any) -> None:
    one, other = drawn(prepared, heard(1)), drawn(prepared, heard(2))
    box = prepared.box(0)
    difference = np.abs(one.astype(int) - other).max(axis=2)
    below = difference[box.top + box.height // 2 : box.bottom, box.left : box.right]
    assert below.max() > 8
    difference[box.top + box.height // 2 : box.bottom, box.left : box.right] = 0
    assert difference.max() == 0


def test_in_silence_the_lips_are_shut_as_in_the_picture(prepared: Any, still: Face) -> None:
    silent = drawn(prepared, heard(1, voice=0.0))
    difference = np.abs(silent.astype(int) - still.frames.pixels(0))
    assert difference.mean() < 0.5
    assert np.percentile(difference, 99.9) <= 12


def test_lips_that_a_picture_shows_apart_are_shut_in_silence(open_mouthed: Face) -> None:
    points = open_mouthed.frames.landmarks(0)
    apart = np.linalg.norm(points[13] - points[14]) / np.linalg.norm(points[61] - points[291])
    assert apart > 0.1
    prepared = wav2lip().prepare(open_mouthed)
    at_rest = MeshEngine().render([Job(prepared.mesh, 0, Motion())])[0]
    silent = drawn(prepared, heard(1, voice=0.0))
    assert np.abs(silent.astype(int) - at_rest).mean() < 0.7
    x, y = (points[13, :2] + points[14, :2]).astype(int) // 2
    mouth = np.s_[y - 4 : y + 4, x - 8 : x + 8]
    assert np.abs(silent[mouth].astype(int) - open_mouthed.frames.pixels(0)[mouth]).mean() > 20


def test_a_voice_fades_in(prepared: Any) -> None:
    box = prepared.box(0)
    mouth = np.s_[box.top + int(0.7 * box.height) : box.bottom - 8, box.left + 20 : box.right - 20]
    frames = [drawn(prepared, heard(1, voice))[mouth].astype(float) for voice in (0.0, 0.25, 0.5, 1.0)]
    distances = [np.abs(frame - frames[-1]).mean() for frame in frames]
    assert distances[0] > distances[1] > distances[2] > distances[3] == 0


def test_head_and_eyes_move_around_the_networks_mouth(prepared: Any, still: Face) -> None:
    mouth_moves = Motion(coefficients(jawOpen=0.6, mouthFunnel=0.5))
    np.testing.assert_array_equal(drawn(prepared, heard(1), mouth_moves), drawn(prepared, heard(1)))
    turned = drawn(prepared, heard(1), TURN).astype(int)
    plain = MeshEngine().render([Job(prepared.mesh, 0, TURN)])[0]
    box = prepared.box(0)
    above = np.s_[: box.top + box.height // 3]
    assert np.abs(turned[above] - plain[above]).max() <= 2
    eye = still.frames.landmarks(0)[[159, 145], :2].mean(axis=0).astype(int)
    lid = np.s_[eye[1] - 3 : eye[1] + 4, eye[0] - 6 : eye[0] + 6]
    assert np.abs(turned[lid] - drawn(prepared, heard(1))[lid]).mean() > 20


def test_a_patch_does_not_stay_on_the_face(prepared: Any) -> None:
    before = drawn(prepared, heard(1, voice=0.0), TURN)
    drawn(prepared, heard(1), TURN)
    np.testing.assert_array_equal(drawn(prepared, heard(1, voice=0.0), TURN), before)


def test_no_edge_shows(prepared: Any) -> None:
    """Along the box's edges a step from pixel to pixel is as it is without a mouth from the network."""
    frame, box = drawn(prepared, heard(1)).astype(int), prepared.box(0)
    picture = drawn(prepared, heard(1, voice=0.0)).astype(int)
    for line, inwards in ((np.s_[box.top + box.height // 2 : box.bottom, box.left], (0, 1)),
                          (np.s_[box.top + box.height // 2 : box.bottom, box.right - 1], (0, -1)),
                          (np.s_[box.bottom - 1, box.left : box.right], (-1, 0))):  # fmt: skip
        shifted = np.roll(frame, (-inwards[0], -inwards[1]), (0, 1))[line] - frame[line]
        own = np.roll(picture, (-inwards[0], -inwards[1]), (0, 1))[line] - picture[line]
        assert np.abs(shifted - own).max() <= 2


def test_hard_is_the_networks_whole_picture(still: Face) -> None:
    engine = wav2lip("hard")
    prepared = engine.prepare(still)
    box, picture = prepared.box(0), still.frames.pixels(0)
    frame = drawn(prepared, heard(1), TURN, "hard")
    outside = np.ones(picture.shape[:2], bool)
    outside[box.top : box.bottom, box.left : box.right] = False
    np.testing.assert_array_equal(frame[outside], picture[outside])
    import cv2
    import torch

    crop = cv2.resize(picture[box.top : box.bottom, box.left : box.right], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    with torch.inference_mode():
        made = lively()(
            torch.from_numpy(heard(1).window)[None], torch.from_numpy(six_channels(np.asarray(crop, np.uint8)))[None]
        )[0]
    wanted = cv2.resize(np.rint(made.permute(1, 2, 0).numpy() * 255).astype(np.uint8), (box.width, box.height))
    assert np.abs(frame[box.top : box.bottom, box.left : box.right].astype(int) - wanted).max() <= 2


def test_a_face_outside_the_picture_passes_through(still: Face) -> None:
    engine = Wav2LipEngine(EngineOptions("wav2lip", pads=(0, 0, -4000, 0)), mouths())
    prepared = engine.prepare(still)
    frame = engine.render([Job(prepared, 0, Motion(), heard(1))])[0]
    assert np.abs(frame.astype(int) - still.frames.pixels(0)).mean() < 0.5


def test_a_video_is_pasted_frame_by_frame(video: Face) -> None:
    engine = wav2lip()
    prepared = engine.prepare(video)
    jobs = [Job(prepared, index, Motion(), heard(index)) for index in range(6)]
    for index, (frame, job) in enumerate(zip(engine.render(jobs), jobs, strict=True)):
        box = prepared.box(index)
        rest = MeshEngine().render([Job(prepared.mesh, index, Motion())])[0]
        difference = np.abs(frame.astype(int) - rest).max(axis=2)
        assert difference[box.top + box.height // 2 : box.bottom, box.left : box.right].max() > 8
        difference[box.top + box.height // 2 : box.bottom, box.left : box.right] = 0
        assert difference.max() == 0, job.frame


def test_an_answer_from_elsewhere_is_drawn_as_ones_own(prepared: Any) -> None:
    engine = wav2lip()
    job = Job(prepared, 0, TURN, heard(3))
    question = engine.question(job)
    assert question is not None
    (answer,) = engine.mouths.answer([(question.key, question.crop(), question.heard)])
    np.testing.assert_array_equal(engine.draw_i420(job, answer), engine.render_i420([job])[0])


def test_without_an_answer_motion_moves_the_mouth(prepared: Any) -> None:
    engine, motion = wav2lip(), Motion(coefficients(jawOpen=0.5))
    got = engine.draw_i420(Job(prepared, 0, motion, heard(3)), None)
    np.testing.assert_array_equal(got, MeshEngine().render_i420([Job(prepared.mesh, 0, motion)])[0])


def test_silence_asks_nothing(prepared: Any) -> None:
    assert wav2lip().question(Job(prepared, 0, Motion(), heard(1, voice=0.0))) is None
    assert wav2lip().question(Job(prepared, 0, Motion())) is None


def test_equal_faces_share_what_was_learnt(still: Face) -> None:
    engine = wav2lip()
    one, two = engine.prepare(still), engine.prepare(still)
    keys = [engine.question(Job(each, 0, Motion(), heard(1))) for each in (one, two)]
    assert keys[0] is not None
    assert keys[1] is not None
    assert keys[0].key == keys[1].key


class TestMouths:
    def test_an_unknown_face_is_said(self) -> None:
        with pytest.raises(EngineError, match="was not learnt"):
            mouths().answer([(("nobody", 0), None, heard().window)])

    def test_what_was_learnt_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = Mouths(EngineOptions("wav2lip", device="cpu", dtype="float32"), lively())
        monkeypatch.setattr(own, "_limit", 8 << 20)  # two or three faces
        crops = np.random.default_rng(0).integers(0, 255, (6, SIDE, SIDE, 3)).astype(np.uint8)
        for index, crop in enumerate(crops):
            own.answer([((str(index), 0), crop, heard().window)])
        assert own.knows(("5", 0))
        assert not own.knows(("0", 0))
        assert sum(own.knows((str(index), 0)) for index in range(6)) <= 3

    def test_more_than_the_largest_batch(self) -> None:
        own, crop = mouths(), np.full((SIDE, SIDE, 3), 90, np.uint8)
        many = own.answer([(("many", 0), crop, heard(i).window) for i in range(own.most + 3)])
        assert len(many) == own.most + 3
        (last,) = own.answer([(("many", 0), None, heard(own.most + 2).window)])
        assert np.abs(many[-1].astype(int) - last).max() <= 1

    @pytest.mark.parametrize("says", ["CUDA out of memory", "DefaultCPUAllocator: can't allocate memory: you tried"])
    def test_out_of_memory_the_batch_halves_and_goes_on(self, monkeypatch: pytest.MonkeyPatch, says: str) -> None:
        import torch

        own, asked = Mouths(EngineOptions("wav2lip", device="cpu", dtype="float32"), lively()), []
        decode = own._decode
        failed: list[weakref.ref[Any]] = []

        def scarce(mels: Any, known: Any) -> Any:
            asked.append(len(mels))
            assert not any(ref() is not None for ref in failed)  # what did not fit is gone before less is tried
            if len(mels) > 3:
                failed.append(weakref.ref(mels))
                raise torch.OutOfMemoryError(says) if says.startswith("CUDA") else RuntimeError(says)
            return decode(mels, known)

        monkeypatch.setattr(own, "_decode", scarce)
        crop = np.full((SIDE, SIDE, 3), 90, np.uint8)
        made = own.answer([(("face", 0), crop, heard(i).window) for i in range(8)])
        assert len(made) == 8
        assert asked[:2] == [8, 4]
        assert own.most == 2
        (again,) = own.answer([(("face", 0), None, heard(7).window)])
        assert np.abs(made[7].astype(int) - again).max() <= 1

    def test_no_memory_for_a_single_frame_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        own = Mouths(EngineOptions("wav2lip", device="cpu", dtype="float32"), lively())

        def none(_mels: Any, _known: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

        monkeypatch.setattr(own, "_decode", none)
        with pytest.raises(EngineError, match="no memory left for a single frame"):
            own.answer([(("face", 0), np.zeros((SIDE, SIDE, 3), np.uint8), heard(1).window)])

    def test_a_lost_device_is_one_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = Mouths(EngineOptions("wav2lip", device="cpu", dtype="float32"), lively())

        def lost(_mels: Any, _known: Any) -> Any:
            raise RuntimeError("CUDA error: the launch timed out\nand was terminated")

        monkeypatch.setattr(own, "_decode", lost)
        with pytest.raises(EngineError, match=r"the network failed on CPU.*: CUDA error: the launch timed out$"):
            own.answer([(("face", 0), np.zeros((SIDE, SIDE, 3), np.uint8), heard(1).window)])

    def test_nothing_is_answered_with_nothing(self) -> None:
        assert mouths().answer([]) == []

    def test_its_speed_is_measured(self) -> None:
        assert 0.1 < mouths().speed() < 100_000


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (EngineOptions(paste="soup"), "paste 'soup' is not known: choose one of soft, hard"),
        (EngineOptions(device="tpu"), "device 'tpu' is not known"),
        (EngineOptions(dtype="int4"), "dtype 'int4' is not known"),
        (EngineOptions(device="cpu", dtype="float16"), "float16 is for GPUs"),
    ],
)
def test_options_that_make_no_sense(options: EngineOptions, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        _ = Wav2LipEngine(options).mouths


def test_no_cuda_where_it_is_asked_for() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(EngineError, match="there is no CUDA device here: choose --device cpu"):
        _ = Wav2LipEngine(EngineOptions(device="cuda")).mouths


def test_the_listed_fps_give_a_lookahead_that_is_just_enough() -> None:
    from txt2vid.core.clock import FrameTime
    from txt2vid.engines.lips.hearing import MelHearing

    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 16_000 * 9).astype(np.float32)
    for fps in (Fraction(25), Fraction(30_000, 1001), Fraction(12), Fraction(60)):
        for as_published in (False, True):
            ear, given = MelHearing(fps, as_published=as_published), 0
            for index in range(80):
                frame = FrameTime(index, fps)
                until = frame.span(16_000)[1] + ear.lookahead
                window = ear.hear(frame, noise[given:until]).window
                given = until
                assert window.shape == (1, 80, 16)
                if index > 2:
                    assert (window > -4).any(axis=1).all(), (fps, index)  # no frame of it was made up
