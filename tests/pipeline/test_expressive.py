"""What is asked of a face is seen on it: the face mesh is run on the frames that come out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from txt2vid.core.expressions import GESTURES, MOODS, Cue
from txt2vid.core.media import LISTENING_RATE, Pixels
from txt2vid.core.motion import Motion
from txt2vid.core.options import FaceOptions, RenderOptions, SpeakerOptions
from txt2vid.drivers.expressions import ExpressionDriver
from txt2vid.drivers.moods import GAZE, POSE, SHAPES
from txt2vid.drivers.moods import GESTURES as GESTURE_FACES
from txt2vid.drivers.moods import MOODS as MOOD_FACES
from txt2vid.engines.base import Job
from txt2vid.engines.mesh import MeshEngine
from txt2vid.errors import UsageError
from txt2vid.faces import landmarks as lm
from txt2vid.faces.face import Face, Landmarks
from txt2vid.faces.head import Head, head_of
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg.decode import VideoReader
from txt2vid.pipeline.live import LAPSE, Session, Step
from txt2vid.pipeline.messages import Say
from txt2vid.pipeline.render import render
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import TextVoice

FPS = Fraction(25)
SIZE = 400
FLITE = SpeakerOptions("flite")


class Mirror:
    """A face that shows motions, and what the face mesh sees of them, in the head's own coordinates."""

    def __init__(self, picture: Path, folder: Path) -> None:
        self.face: Face = prepare_face(FaceOptions(picture, size=SIZE))
        self.engine = MeshEngine()
        self.prepared = self.engine.prepare(self.face)
        self._file = folder / "frame.png"

    def draw(self, motion: Motion) -> Pixels:
        return self.engine.render([Job(self.prepared, 0, motion)])[0]

    def landmarks(self, frame: Pixels) -> Landmarks:
        Image.fromarray(frame[:, :, ::-1]).save(self._file)
        return prepare_face(FaceOptions(self._file)).frames.landmarks(0)

    def seen(self, motion: Motion) -> Head:
        head = head_of(self.landmarks(self.draw(motion)))
        assert head is not None
        return head

    def shows(self, name: str, strength: float = 1.0) -> Head:
        face = (MOOD_FACES[name].face if name in MOODS else GESTURE_FACES[name].path[1][1]) * np.float32(strength)
        return self.seen(Motion(face[SHAPES], face[POSE], gaze=face[GAZE]))


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Mirror:
    return Mirror(hero, tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def rest(mirror: Mirror) -> Head:
    return mirror.seen(Motion())


def corners(head: Head) -> float:
    """How far the corners of the mouth are above the middle of the upper lip, in face heights."""
    return float(head.points[0, 1] - head.points[list(lm.MOUTH_CORNERS), 1].mean())


def brows(head: Head, columns: slice = slice(None)) -> float:
    """How far the brows are above the eyes' corners. columns: of a brow, outer end first."""
    rows = [i for brow in (lm.BROW_LEFT, lm.BROW_RIGHT) for row in brow for i in row[columns]]
    return float(head.points[[33, 133, 362, 263], 1].mean() - head.points[rows, 1].mean())


def eyes(head: Head) -> float:
    """How far they are open."""
    return float(np.mean([head.points[145, 1] - head.points[159, 1], head.points[374, 1] - head.points[386, 1]]))


def gaze(head: Head) -> tuple[float, float]:
    """Where the irises are from the middle between the eyes' corners: to the picture's right, down."""
    middles = [head.points[list(pair)].mean(axis=0) for pair in ((33, 133), (362, 263))]
    moved = [head.points[iris] - middle for iris, middle in zip((468, 473), middles, strict=True)]
    return float(np.mean([each[0] for each in moved])), float(np.mean([each[1] for each in moved]))


def test_joy_is_a_wide_mouth_with_raised_corners(mirror: Mirror, rest: Head) -> None:
    joy, smile = mirror.shows("joy"), mirror.shows("smile")
    assert joy.width > 1.12 * rest.width
    assert corners(joy) > corners(rest) + 0.015
    assert joy.gap > 0.012  # teeth
    assert smile.width > 1.08 * rest.width
    assert corners(smile) > corners(rest) + 0.01
    assert smile.gap < 0.008
    half = mirror.shows("joy", 0.5)
    assert rest.width < half.width < joy.width


def test_sadness_is_a_mouth_with_low_corners_and_brows_up_inside(mirror: Mirror, rest: Head) -> None:
    sad, inner, outer = mirror.shows("sadness"), slice(3, 5), slice(0, 2)
    assert corners(sad) < corners(rest) - 0.01
    slope = brows(sad, inner) - brows(sad, outer)
    assert slope > brows(rest, inner) - brows(rest, outer) + 0.01


def test_anger_is_brows_down_inside_and_narrow_eyes(mirror: Mirror, rest: Head) -> None:
    anger = mirror.shows("anger")
    assert brows(anger, slice(3, 5)) < brows(rest, slice(3, 5)) - 0.02
    assert eyes(anger) < 0.85 * eyes(rest)
    assert anger.gap < 0.008


def test_surprise_and_fear_are_brows_up_and_wide_eyes(mirror: Mirror, rest: Head) -> None:
    surprise, fear = mirror.shows("surprise"), mirror.shows("fear")
    for head, columns in ((surprise, slice(None)), (fear, slice(3, 5))):
        assert brows(head, columns) > brows(rest, columns) + 0.01
        assert eyes(head) > 1.05 * eyes(rest)  # they are wide at rest already
    assert surprise.gap > 0.05
    assert fear.width > surprise.width  # drawn wide, not dropped


def test_disgust_raises_the_upper_lip_and_lowers_brows(mirror: Mirror, rest: Head) -> None:
    disgust = mirror.shows("disgust")
    assert brows(disgust) < brows(rest) - 0.01
    assert disgust.points[0, 1] < rest.points[0, 1] - 0.008


def test_contempt_and_confusion_are_lopsided(mirror: Mirror, rest: Head) -> None:
    right, left = lm.MOUTH_CORNERS
    contempt, confusion = mirror.shows("contempt"), mirror.shows("confusion")
    lift = [float(each.points[right, 1] - each.points[left, 1]) for each in (rest, contempt)]
    assert lift[1] > lift[0] + 0.015
    brow = [
        float(each.points[[i for row in lm.BROW_RIGHT for i in row], 1].mean())
        - float(each.points[[i for row in lm.BROW_LEFT for i in row], 1].mean())
        for each in (rest, confusion)
    ]
    assert brow[1] > brow[0] + 0.02


@pytest.mark.parametrize(("name", "axis", "sign"), [
    ("look left", 0, 1), ("look right", 0, -1), ("look up", 1, -1), ("look down", 1, 1),
])  # fmt: skip
def test_looks_move_the_eyes(mirror: Mirror, rest: Head, name: str, axis: int, sign: int) -> None:
    moved = gaze(mirror.shows(name))[axis] - gaze(rest)[axis]
    assert moved * sign > (0.012 if axis == 0 else 0.004)


def test_a_wink_shuts_one_eye(mirror: Mirror) -> None:
    wink = mirror.shows("wink")
    left, right = (float(wink.points[low, 1] - wink.points[up, 1]) for up, low in ((386, 374), (159, 145)))
    assert left < 0.45 * right


def test_every_mood_differs_from_every_other(mirror: Mirror) -> None:
    features = {name: np.array([each.width, 2 * corners(each), each.gap, 2 * brows(each), 2 * eyes(each), *gaze(each)])
                for name in MOODS for each in [mirror.shows(name)]}  # fmt: skip
    for one in features:
        for other in features:
            assert one == other or np.linalg.norm(features[one] - features[other]) > 0.012, (one, other)


def test_lips_shut_for_p_and_b_in_every_mood(mirror: Mirror) -> None:
    text = "Papa, a big baby, my map, maybe."
    for name in ("joy", "surprise", "disgust", "fear", "anger"):
        voice = TextVoice(text, FLITE)
        voice.expressions = ExpressionDriver(Cue(name))
        motions = [moment.motion for moment in moments(voice, [voice.driver], FPS)]
        shut = [m for m in motions if m["mouthClose"] > 0.02 and m["mouthClose"] >= 0.97 * m["jawOpen"]]
        assert shut
        gaps = [mirror.seen(motion).gap for motion in shut[:3]]
        opened = mirror.seen(max(motions, key=lambda m: m["jawOpen"] - m["mouthClose"]))
        assert max(gaps) < 0.012, name
        assert opened.gap > 0.03, name


def test_a_smile_stays_while_words_are_said(mirror: Mirror) -> None:
    widths = {}
    for name in ("neutral", "joy"):
        voice = TextVoice("[pause 1s] Ah, the father of my sister has a car.", FLITE)
        voice.expressions = ExpressionDriver(Cue(name))
        motions = [moment.motion for moment in moments(voice, [voice.driver], FPS)]
        heads = [mirror.seen(motion) for motion in motions[30::6]]
        widths[name] = np.array([head.width for head in heads])
        assert max(head.gap for head in heads) > 0.035
    assert np.median(widths["joy"] / widths["neutral"]) > 1.08
    assert np.min(widths["joy"] / widths["neutral"]) > 1.0


def test_a_render_smiles_at_the_word_where_it_says_so(mirror: Mirror, hero: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    text = "[pause 1s] One two three four five [happy] six seven eight nine ten. [pause 1s]"
    render(RenderOptions(FaceOptions(hero, size=SIZE), output, text=text, speaker=FLITE, idle=False))
    voice = TextVoice(text, FLITE)
    (cue,) = [sample / spoken.utterance.audio.rate for spoken in voice._spoken for sample, _ in spoken.cues]
    with VideoReader(output) as reader:
        frames = list(reader)
    widths = []
    for at in (cue - 0.6, cue - 0.3, cue + 1.0, cue + 1.4):
        head = head_of(mirror.landmarks(frames[round(at * 25)].pixels))
        assert head is not None
        widths.append(corners(head))
    assert min(widths[2:]) > max(widths[:2]) + 0.008


Steps = Callable[[float], list[Step]]


def steps(session: Session, seconds: float) -> list[Step]:
    return [session.step() for _ in range(round(seconds * 25))]


def smiles(made: list[Step]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([step.motion["mouthSmileLeft"] for step in made])


def sounding_from(made: list[Step]) -> float:
    """Seconds until something is heard."""
    sound = np.concatenate([step.sound for step in made])
    return float(np.argmax(np.abs(sound) > 0.02)) / LISTENING_RATE


def test_a_session_smiles_with_the_text_and_for_a_while_after_it(executor: ThreadPoolExecutor, mirror: Mirror) -> None:
    session = Session(FPS, executor)
    steps(session, 1)
    assert session.say(Say("s", "One two three. [happy] Four five six.", 1))
    made = steps(session, 4)
    begun = sounding_from(made)
    smile = smiles(made)
    assert smile[: round(25 * begun)].max() < 0.2
    assert smile[-1] > 0.6
    after = smiles(steps(session, LAPSE + 3))
    assert after[20] > 0.6
    assert after[-1] == 0.0
    rest = mirror.seen(Motion())
    happy = mirror.seen(Motion(made[-1].motion.blendshapes))
    assert happy.width > 1.08 * rest.width


def test_the_next_line_goes_on_with_the_mood(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.say(Say("s", "[happy] Hello.", 1))
    steps(session, LAPSE)
    session.say(Say("s", "How are you? I am quite well.", 2))
    assert smiles(steps(session, 4.5))[-1] > 0.6


def test_an_interruption_drops_tags_that_wait(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor)
    session.say(Say("s", "[happy] One two three four five six seven. [angry] [nod] Eight nine.", 1))
    made = steps(session, 2)
    assert smiles(made)[-1] > 0.6
    assert session.cut(1) == [1]
    after = steps(session, 6)
    assert smiles(after)[-1] == 0.0
    assert max(step.motion["browDownLeft"] for step in after) == 0.0
    assert session.quiet


def test_messages_set_the_mood_of_a_session(executor: ThreadPoolExecutor) -> None:
    session = Session(FPS, executor, expression=Cue("smile", 0.5))
    assert smiles(steps(session, 1))[-1] == pytest.approx(0.39, abs=0.02)
    session.express(Cue("joy"))
    assert smiles(steps(session, 1))[-1] > 0.8
    session.express(Cue("anger", 1.0, 1.0))
    made = steps(session, 4)
    assert max(step.motion["browDownLeft"] for step in made) > 0.8
    assert smiles(made)[-1] > 0.7
    session.express(Cue("nod"))
    pitch = [step.motion.rotation[0] for step in steps(session, 1.2)]
    assert np.ptp(pitch) > np.radians(5)
    session.express(None)
    assert smiles(steps(session, 4))[-1] == pytest.approx(0.35, abs=0.03)


@pytest.mark.parametrize("text", ["[hapy] Hello.", "<prosody rate='warp'>x</prosody>"])
def test_a_text_that_is_refused_is_told_in_one_line(executor: ThreadPoolExecutor, text: str) -> None:
    session = Session(FPS, executor)
    session.say(Say("s", text, 7, unknown_tags="refuse"))
    (told,) = [each for step in steps(session, 0.5) for each in step.unspoken]
    assert told.id == 7
    assert "makes no sense" in (told.error or "")
    assert "\n" not in (told.error or "")
    session.say(Say("s", text, 8))
    assert not [each for step in steps(session, 0.5) for each in step.unspoken]


def test_gestures_are_no_mood_of_a_render(hero: Path, tmp_path: Path) -> None:
    assert set(GESTURES) & {"nod", "wink"}
    with pytest.raises(UsageError, match="sound file"):
        render(RenderOptions(FaceOptions(hero), tmp_path / "a.mp4", expression=Cue("joy")))
