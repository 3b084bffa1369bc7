"""One camera's pictures: the newest is looked at, what is seen is what the library sees, nothing piles up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

pytest.importorskip("aiortc")
from tests.server.cameras import encoded
from tests.server.heads import moving_head, nobody
from txt2vid.core import landmarkwire
from txt2vid.core.landmarkwire import Landmarks, Settings
from txt2vid.core.media import Pixels
from txt2vid.faces.many import FaceTracker
from txt2vid.pipeline.observed import BAD, WAITING, Observed
from txt2vid.pipeline.observing import Looked, Lost, Picture, Unfit


@pytest.fixture(scope="module")
def head(hero: Path) -> list[Pixels]:
    return moving_head(hero, 12)


def picture(data: bytes, codec: str = "h264", *, key: bool = False, captured: float = 0.0) -> Picture:
    return Picture(1, codec, key, data, captured, time.monotonic())


def looked(camera: Observed, fps: int = 15) -> Landmarks:
    event = camera.work(fps)
    assert isinstance(event, Looked)
    return landmarkwire.decode(event.message)


def still(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".jpg", pixels)[1])


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_what_is_seen_is_what_the_library_sees(head: Sequence[Pixels], codec: str) -> None:
    camera, library = Observed(1, FaceTracker()), FaceTracker()
    for number, (frame, data) in enumerate(zip(head, encoded(head, codec), strict=True)):
        assert camera.take(picture(data, codec, key=number == 0, captured=number * 66.5)) is None
        seen = looked(camera)
        known = library.track(frame)
        assert [face.number for face in seen.faces] == [face.id for face in known] == [0]
        points = seen.faces[0].points * (640, 480, 640)
        off = np.linalg.norm(points[:, :2] - known[0].landmarks[:, :2], axis=1)
        assert off.mean() < 1.2, "pixels, for what the codec took away"
        assert (seen.captured, seen.frame, seen.fps) == (number * 66.5, number + 1, 15)
        assert (seen.width, seen.height) == (640, 480)


def test_only_the_newest_is_looked_at(head: Sequence[Pixels]) -> None:
    camera = Observed(1, FaceTracker())
    packets = encoded(head)
    for number, data in enumerate(packets):
        camera.take(picture(data, key=number == 0, captured=number))
    seen = looked(camera)
    assert (seen.captured, seen.dropped) == (len(head) - 1, len(head) - 1)
    assert not camera.waits
    assert camera.work(15) is None
    known = FaceTracker().track(head[-1])[0]
    assert np.abs(seen.faces[0].points[:, 0] * 640 - known.landmarks[:, 0]).mean() < 1.5


def test_what_piles_up_is_left_out_up_to_the_next_key(head: Sequence[Pixels]) -> None:
    camera = Observed(1, FaceTracker())
    packets = encoded(head)
    events = [camera.take(picture(packets[0], key=number == 0)) for number in range(WAITING + 3)]
    assert [each for each in events if each is not None] == [Lost(1)]
    assert not camera.waits
    assert camera.take(picture(packets[1])) is None
    assert not camera.waits, "it needs those that were left out"
    camera.take(picture(packets[0], key=True))
    assert looked(camera).dropped == WAITING + 4


def test_stills_replace_each_other(head: Sequence[Pixels]) -> None:
    camera = Observed(1, FaceTracker())
    for number in range(3):
        camera.take(picture(still(head[number]), "jpeg", key=True, captured=number))
    seen = looked(camera)
    assert (seen.captured, seen.dropped, len(seen.faces)) == (2, 2, 1)


def test_settings_hold_from_the_next_picture_on(head: Sequence[Pixels]) -> None:
    camera, two = Observed(1, FaceTracker()), still(np.hstack([head[0][:, 160:480], head[1][:, 160:480]]))

    def look() -> Landmarks:
        camera.take(picture(two, "jpeg", key=True))
        return looked(camera)

    assert [len(look().faces) for _ in range(8)] == [1] * 8
    camera.tune(Settings(9, 2))
    seen = [look() for _ in range(8)]
    assert {each.serial for each in seen} == {9}
    assert [face.number for face in seen[-1].faces] == [0, 1]
    camera.tune(Settings(10, 1))
    assert [face.number for face in look().faces] == [0]


def test_a_face_that_leaves_and_comes_back_has_its_number(head: Sequence[Pixels]) -> None:
    camera = Observed(1, FaceTracker())
    numbers = []
    for frame in (head[0], head[0], nobody(), nobody(), head[0], head[0]):
        camera.take(picture(still(frame), "jpeg", key=True))
        numbers.append([face.number for face in looked(camera).faces])
    assert numbers == [[0], [0], [], [], [0], [0]]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_pictures_go_back_with_the_mesh_in_them(head: Sequence[Pixels], codec: str) -> None:
    camera = Observed(1, FaceTracker(), annotated=True)
    decoder = cast(VideoCodecContext, av.CodecContext.create(codec, "r"))
    data = encoded(head)[0]
    camera.take(picture(data, key=True))
    event = camera.work(15)
    assert isinstance(event, Looked)
    assert event.picture is None, "nobody wants it yet"
    camera.want((codec,), 900_000)
    camera.take(picture(data, key=True))
    event = camera.work(15)
    assert isinstance(event, Looked)
    assert event.picture is not None
    assert event.picture.key
    frame = decoder.decode(av.Packet(event.picture.data))[0]
    drawn = frame.to_ndarray(format="bgr24").astype(int)
    face = np.abs(drawn - head[0])[150:330, 250:390].mean()
    corner = np.abs(drawn - head[0])[:60, :60].mean()
    assert face > corner + 5


def test_pictures_that_go_back_are_mirrored_where_that_is_wanted(head: Sequence[Pixels]) -> None:
    camera, backs = Observed(1, FaceTracker(), annotated=True), []
    for mirror in (False, True):
        camera.tune(Settings(mirror=mirror))
        camera.take(picture(still(head[7]), "jpeg", key=True))
        event = camera.work(15)
        assert isinstance(event, Looked)
        assert event.picture is not None
        backs.append(cv2.imdecode(np.frombuffer(event.picture.data, np.uint8), cv2.IMREAD_COLOR).astype(int))
    assert np.abs(backs[1][:, ::-1] - backs[0])[120:].mean() < 3, "all but the numbers, which can be read in both"
    assert np.abs(backs[1] - backs[0]).mean() > 8


def test_what_cannot_be_decoded() -> None:
    camera = Observed(1, FaceTracker())
    events = []
    for _ in range(BAD):
        camera.take(picture(b"\0\0\0\1\x67\x42\0\x1f\0\0\0\1\x65" + bytes(50), key=True))
        events.append(camera.work(15))
    assert events[:-1] == [Lost(1)] * (BAD - 1)
    assert isinstance(events[-1], Unfit)
    camera.take(picture(b"junk", "jpeg", key=True))
    assert isinstance(camera.work(15), Unfit)


def test_what_is_too_large() -> None:
    camera = Observed(1, FaceTracker())
    camera.take(picture(still(np.zeros((1500, 1500, 3), np.uint8)), "jpeg", key=True))
    event = camera.work(15)
    assert isinstance(event, Unfit)
    assert "1500x1500 are too large" in event.why
