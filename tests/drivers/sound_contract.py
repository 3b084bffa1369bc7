"""What every driver of sound alone must do: on speech that flite and espeak-ng say, on noise, and on silence."""

from __future__ import annotations

import pickle
import subprocess
import wave
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from txt2vid.core.clock import FrameTime, frame_count
from txt2vid.core.media import SPEECH_RATE, Samples
from txt2vid.core.motion import INDEX
from txt2vid.core.phonemes import TimedPhoneme
from txt2vid.drivers.base import Driver
from txt2vid.drivers.visemes import visemes
from txt2vid.tts.base import Synthesizer
from txt2vid.tts.espeak import Espeak
from txt2vid.tts.flite import Flite

LABIALS = "Mama may buy me a big bumpy baboon."
TEXT = "The quick brown fox jumps over the lazy dog, and my father calls for a party by the water."


def opening(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    apart: NDArray[np.float32] = rows[:, INDEX["jawOpen"]] - rows[:, INDEX["mouthClose"]]
    return apart


def correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def say(folder: Path, text: str, voice: str) -> Samples:
    """Speech at SPEECH_RATE, without the silence at its ends."""
    spoken, heard = folder / "spoken.wav", folder / "heard.wav"
    if voice.startswith("flite-"):
        subprocess.run(["flite", "-voice", voice[6:], "-t", text, "-o", str(spoken)], check=True, capture_output=True)
    else:
        subprocess.run(["espeak-ng", "-v", voice, "-w", str(spoken), text], check=True, capture_output=True)
    convert = ["ffmpeg", "-y", "-v", "error", "-i", str(spoken), "-ac", "1", "-ar", str(SPEECH_RATE), str(heard)]
    subprocess.run(convert, check=True, capture_output=True)
    with wave.open(str(heard)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return sound[loud[0] : loud[-1] + 1]


def tell(voice: Synthesizer, *texts: str) -> tuple[Samples, list[TimedPhoneme]]:
    """What the voice says, at SPEECH_RATE, and when each phoneme of it is, after half a second of silence."""
    parts, phonemes = [np.zeros(SPEECH_RATE // 2, np.float32)], []
    for said in (utterance for text in texts for utterance in voice.speak(text)):
        at, rate = sum(map(len, parts)), said.audio.rate
        for phoneme in said.phonemes or ():
            start, stop = (at + round(edge * SPEECH_RATE / rate) for edge in (phoneme.start, phoneme.stop))
            phonemes.append(TimedPhoneme(phoneme.symbol, start, stop, phoneme.stress))
        parts.append(soxr.resample(said.audio.samples[:, 0], rate, SPEECH_RATE).astype(np.float32))
    return np.concatenate(parts), phonemes


def vowel_frames(sound: Samples, phonemes: list[TimedPhoneme]) -> NDArray[np.bool_]:
    """The hundredths of a second that are in the middle 70 % of a vowel, at most 15 dB below the loudest."""
    hops = len(sound) // 160
    power = np.mean(sound[: hops * 160].reshape(hops, 160).astype(np.float64) ** 2, axis=1)
    power = np.convolve(power, np.ones(3) / 3, "same")
    middle = np.zeros(hops, np.bool_)
    for phoneme in phonemes:
        if any(viseme.vowel for viseme in visemes(phoneme.symbol)):
            edge = 0.15 * (phoneme.stop - phoneme.start)
            middle[round((phoneme.start + edge) / 160) : round((phoneme.stop - edge) / 160)] = True
    return middle & (power > np.percentile(power, 95) / 10**1.5)


def held_note(seconds: float) -> Samples:
    """A sung "ah" with vibrato: harmonics of 220 Hz under the formants of a wide vowel."""
    t = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    pitch = 220 * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / SPEECH_RATE
    sound = np.zeros(len(t))
    for k in range(1, 30):
        resonance = sum(gain / (1 + ((k * pitch - formant) / width) ** 2) for formant, width, gain in FORMANTS)
        sound += resonance * np.sin(k * phase)
    return np.asarray(0.2 * sound / sound.std(), np.float32)


def music(seconds: float) -> Samples:
    """A chord that is struck twice a second, over a hissing beat."""
    t = np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE
    chord = sum(np.sin(2 * np.pi * k * pitch * t) / k for pitch in (220, 277, 330) for k in (1, 2, 3, 4))
    beat = np.random.default_rng(8).standard_normal(len(t)) * np.exp(-20 * ((4 * t) % 1))
    return np.asarray(0.05 * chord * (0.4 + np.exp(-6 * ((2 * t) % 1))) + 0.1 * beat, np.float32)


def odd(kind: str, folder: Path, speech: Samples) -> Samples:
    """Speech that is whispered, damaged, or not alone."""
    if kind == "whisper":
        return say(folder, TEXT, "en-us+whisper")
    if kind == "two voices":
        other = say(folder, LABIALS + TEXT, "flite-rms")[: len(speech)]
        return np.asarray(speech[: len(other)] + other, np.float32)
    if kind == "telephone":
        narrow = soxr.resample(speech, SPEECH_RATE, 8000)
        return np.asarray(soxr.resample(narrow, 8000, SPEECH_RATE), np.float32)
    damaged = {
        "clipped": np.clip(30 * speech, -1, 1),
        "offset": np.clip(speech + 0.4, -1, 1),
        "music under it": speech + 0.5 * music(len(speech) / SPEECH_RATE + 1)[: len(speech)],
    }
    return damaged[kind].astype(np.float32)


FORMANTS = ((800, 80, 1.0), (1200, 100, 0.6), (2600, 150, 0.2))  # Hz, Hz, gain: of "ah"
VOICES: list[tuple[type[Synthesizer], str]] = [
    (Flite, "slt"), (Flite, "rms"), (Flite, "awb"), (Flite, "kal16"), (Espeak, "en-us"), (Espeak, "en-us+f3"),
]  # fmt: skip


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return say(tmp_path_factory.mktemp("speech"), TEXT, "flite-slt")


class SoundDriverContract:
    """Tests of a driver; a class that inherits them names it."""

    driver: ClassVar[type[Driver]]
    closes: ClassVar[float] = 0.55  # share of p, b and m
    shut_vowels: ClassVar[float] = 0.1  # share of vowels, at most, in sentences full of p, b and m

    def move(self, sound: Samples, fps: Fraction | int = 100, tail: float = 0) -> NDArray[np.float32]:
        """(frames, 52) coefficients of the sound and `tail` seconds of silence after it."""
        fps, driver = Fraction(fps), self.driver()
        count = frame_count(len(sound) + int(tail * SPEECH_RATE), fps, SPEECH_RATE)
        padded = np.concatenate((sound, np.zeros(int((tail + 2) * SPEECH_RATE)))).astype(np.float32)
        rows, given = [], 0
        for index in range(count):
            frame = FrameTime(index, fps)
            end = frame.span(SPEECH_RATE)[1] + driver.lookahead
            rows.append(driver.drive(frame, padded[given:end]).blendshapes)
            given = end
        return np.array(rows)

    def test_silence_is_exactly_zero(self) -> None:
        assert not self.move(np.zeros(3 * SPEECH_RATE, np.float32)).any()

    @pytest.mark.parametrize("level", [0.3, 0.01, 0.0005])
    def test_steady_noise_leaves_the_mouth_shut(self, level: float) -> None:
        noise = level * np.random.default_rng(1).standard_normal(20 * SPEECH_RATE).astype(np.float32)
        assert not self.move(noise).any()

    def test_noise_that_begins_after_silence_leaves_the_mouth_shut(self) -> None:
        noise = 0.02 * np.random.default_rng(2).standard_normal(5 * SPEECH_RATE).astype(np.float32)
        assert not self.move(np.concatenate((np.zeros(SPEECH_RATE, np.float32), noise))).any()

    @pytest.mark.parametrize("pitch", [50, 60, 120, 440])
    def test_hum_leaves_the_mouth_shut_once_it_is_known(self, pitch: int) -> None:
        t = np.arange(8 * SPEECH_RATE) / SPEECH_RATE
        hum = sum(0.1 / k * np.sin(2 * np.pi * pitch * k * t) for k in range(1, 6))
        assert not self.move(np.asarray(hum, np.float32))[300:-15].any()  # up to the click of its sudden end

    def test_a_voice_that_begins_with_a_held_note_opens_the_mouth(self) -> None:
        """After silence the first sound is not taken for noise for long, where it is a voice."""
        jaw = opening(self.move(np.concatenate((np.zeros(SPEECH_RATE // 2, np.float32), held_note(2)))))
        assert not jaw[:40].any()
        assert jaw[80:230].min() > 0.1

    @pytest.mark.parametrize("kind", ["whisper", "clipped", "offset", "telephone", "two voices", "music under it"])
    def test_odd_speech_moves_a_plausible_mouth(self, tmp_path: Path, speech: Samples, kind: str) -> None:
        rows = self.move(odd(kind, tmp_path, speech), 60, tail=1)
        jaw, usual = opening(rows), opening(self.move(speech, 60))
        assert np.isfinite(rows).all()
        assert 0.5 * usual.mean() < jaw[:-60].mean() < 3 * usual.mean()
        assert 0.5 * usual.max() < jaw.max() < 0.55
        assert np.abs(np.diff(rows, axis=0)).max() < 0.25
        assert not rows[-30:].any()

    def test_music_moves_the_lips_less_than_speech(self, speech: Samples) -> None:
        moved = [np.abs(np.diff(opening(self.move(sound)))).mean() for sound in (music(6), speech)]
        assert moved[0] < 0.9 * moved[1]

    def test_laughter_opens_the_mouth_and_shuts_it(self) -> None:
        envelope = np.clip(np.sin(2 * np.pi * 4.5 * np.arange(2 * SPEECH_RATE) / SPEECH_RATE), 0, 1) ** 2
        jaw = opening(self.move((held_note(2) * envelope).astype(np.float32), tail=1))
        assert jaw.max() > 0.15
        assert np.count_nonzero(np.diff((jaw > jaw.max() / 2).astype(int)) == 1) >= 5  # of nine "ha"
        assert not jaw[-80:].any()

    def test_speech_in_noise_moves_the_mouth_only_while_someone_speaks(self, speech: Samples) -> None:
        quiet = 3 * SPEECH_RATE
        noise = 0.003 * np.random.default_rng(3).standard_normal(len(speech) + 2 * quiet).astype(np.float32)
        sound = noise.copy()
        sound[quiet:-quiet] += speech
        jaw = opening(self.move(sound))
        assert not jaw[:280].any()
        assert not jaw[-280:].any()
        assert correlation(jaw[300 : 300 + len(speech) // 160], opening(self.move(speech))[: len(speech) // 160]) > 0.85

    @pytest.mark.parametrize("voice", ["flite-slt", "flite-rms", "flite-kal", "en-us", "de", "cmn", "es+f3"])
    def test_amplitudes_are_those_of_people(self, tmp_path: Path, voice: str) -> None:
        rows = self.move(say(tmp_path, TEXT, voice))
        jaw = opening(rows)
        assert 0.03 < np.median(jaw) < 0.3
        assert 0.2 < np.percentile(jaw, 95) < 0.465
        assert rows.min() >= 0
        assert rows.max() <= 0.55
        assert np.all(rows[:, INDEX["mouthClose"]] <= rows[:, INDEX["jawOpen"]])

    @pytest.mark.parametrize(("voice", "name"), VOICES)
    def test_vowels_open_the_mouth(self, voice: type[Synthesizer], name: str) -> None:
        sound, phonemes = tell(voice(name), "Hello, my name is Vera and I live by the sea.", TEXT, LABIALS)
        chosen = vowel_frames(sound, phonemes)
        vowels = opening(self.move(sound))[: len(chosen)][chosen]
        assert np.mean(vowels < 0.02) <= self.shut_vowels
        assert np.median(vowels) > 0.1

    @pytest.mark.parametrize(("voice", "name"), VOICES)
    @pytest.mark.parametrize("noise", [0, 0.005])
    def test_labials_close_in_running_speech(self, voice: type[Synthesizer], name: str, noise: float) -> None:
        sound, phonemes = tell(voice(name), LABIALS, TEXT, LABIALS)  # espeak-ng says nothing twice in the same way
        hiss = noise * np.random.default_rng(7).standard_normal(len(sound))
        lips = opening(self.move((sound + hiss).astype(np.float32)))
        least = [lips[p.start // 160 - 1 : p.stop // 160 + 2].min() for p in phonemes if p.symbol in ("p", "b", "m")]
        assert np.mean(np.array(least) < 0.05) >= self.closes

    def test_a_shout_after_a_murmur_is_soon_what_is_loud(self, speech: Samples) -> None:
        """Half a second on, its vowels and its consonants differ as if nothing had been before."""
        alone, after = (
            self.move(speech),
            self.move(np.concatenate((0.003 * speech[:SPEECH_RATE], speech)).astype(np.float32)),
        )
        assert correlation(opening(after)[150 : 100 + len(alone)], opening(alone)[50:]) > 0.9

    @pytest.mark.parametrize("decibels", [-20, -40])
    def test_level_does_not_matter(self, speech: Samples, decibels: int) -> None:
        loud, quiet = self.move(speech), self.move(speech * np.float32(10 ** (decibels / 20)))
        assert np.abs(loud - quiet).max() < 0.03

    def test_a_telephone_line_does_not_matter_much(self, speech: Samples) -> None:
        spectrum = np.fft.rfft(speech)
        frequency = np.fft.rfftfreq(len(speech), 1 / SPEECH_RATE)
        spectrum[(frequency < 300) | (frequency > 3400)] = 0
        narrow = np.fft.irfft(spectrum, len(speech)).astype(np.float32)
        assert correlation(opening(self.move(narrow)), opening(self.move(speech))) > 0.8

    @pytest.mark.parametrize("cut", [0.4, 0.9, 1.3, 2.0, 2.8])
    def test_mouth_is_shut_150_ms_after_speech_stops_and_stays_so(self, speech: Samples, cut: float) -> None:
        stop = int(cut * SPEECH_RATE)
        rows = self.move(speech[:stop], tail=2)
        assert rows[stop // 160 - 20 : stop // 160].any()
        after = rows[stop // 160 :, INDEX["jawOpen"]]
        assert not rows[stop // 160 + 15 :].any()
        assert np.all(np.diff(after[3:]) <= 1e-6)  # no twitch on the way

    @pytest.mark.parametrize("fps", [Fraction(30), Fraction(60), Fraction(30000, 1001), Fraction(12), Fraction(240)])
    def test_every_frame_rate_shows_the_same_motion(self, speech: Samples, fps: Fraction) -> None:
        fine, rows = self.move(speech, 200), self.move(speech, fps)
        when = (np.arange(len(rows)) + 0.5) / float(fps) * 200 - 0.5
        jaw = INDEX["jawOpen"]
        inside = when < len(fine) - 1
        expected = np.interp(when[inside], np.arange(len(fine)), fine[:, jaw])
        assert np.abs(rows[inside, jaw] - expected).max() < 0.01

    def test_motion_is_smooth(self, speech: Samples) -> None:
        rows = self.move(speech, 60)
        assert np.abs(np.diff(rows[:, INDEX["jawOpen"]])).max() < 0.12
        assert np.abs(np.diff(rows, axis=0)).max() < 0.25

    def test_what_is_said_later_than_the_lookahead_does_not_matter(self, speech: Samples) -> None:
        cut = SPEECH_RATE
        changed = speech.copy()
        changed[cut:] = np.random.default_rng(4).uniform(-1, 1, len(speech) - cut)
        same = (cut - self.driver.lookahead) * 25 // SPEECH_RATE
        assert np.array_equal(self.move(speech, 25)[:same], self.move(changed, 25)[:same])
        assert not np.array_equal(self.move(speech, 25), self.move(changed, 25))

    def test_labials_close_the_lips(self, tmp_path: Path) -> None:
        """In papa and mama the lips meet between the vowels; in a held vowel they do not."""
        for word in ("mama mama mama", "papa papa papa", "a baby, a boy, a bubble"):
            jaw = opening(self.move(say(tmp_path, word, "en-us")))
            inside = jaw[10:-20]
            closed = inside < 0.1 * inside.max()
            assert np.count_nonzero(np.diff(closed.astype(int)) == 1) >= 3, word

    @pytest.mark.parametrize(("open_vowel", "closed_vowel"), [("aaaa", "uuuu"), ("aaaa", "iiii")])
    def test_jaw_and_lips_follow_the_vowel(self, tmp_path: Path, open_vowel: str, closed_vowel: str) -> None:
        text = f"{open_vowel}, {closed_vowel}, {open_vowel}, {closed_vowel}"
        jaws, spread = [], []
        for vowel in (open_vowel, closed_vowel):
            sound = np.concatenate((say(tmp_path, text, "es"), say(tmp_path, vowel, "es")))
            rows = self.move(sound)[-len(say(tmp_path, vowel, "es")) // 160 + 5 :]
            jaws.append(np.percentile(rows[:, INDEX["jawOpen"]], 80))
            spread.append(np.percentile(rows[:, INDEX["mouthStretchLeft"]] - rows[:, INDEX["mouthFunnel"]], 50))
        assert jaws[0] > 1.3 * jaws[1]
        assert (spread[1] < spread[0]) == (closed_vowel == "uuuu")

    def test_hiss_closes_the_teeth_and_parts_the_lips(self, tmp_path: Path) -> None:
        vowel = say(tmp_path, "aaaa", "es")
        rng = np.random.default_rng(5)
        spectrum = np.fft.rfft(rng.standard_normal(SPEECH_RATE // 4))
        spectrum[np.fft.rfftfreq(SPEECH_RATE // 4, 1 / SPEECH_RATE) < 4000] = 0
        hiss = 0.1 * np.fft.irfft(spectrum).astype(np.float32)
        rows = self.move(np.concatenate((vowel, hiss, vowel)))
        middle = rows[(len(vowel) + len(hiss) // 2) // 160]
        assert middle[INDEX["jawOpen"]] < 0.15
        assert middle[INDEX["mouthLowerDownLeft"]] > 0.1

    @pytest.mark.parametrize("broken", [np.nan, np.inf, 1e6])
    def test_broken_samples_leave_numbers(self, speech: Samples, broken: float) -> None:
        sound = speech.copy()
        sound[5000:5100] = broken
        rows = self.move(sound)
        assert np.isfinite(rows).all()
        assert rows[-100:].max() > 0.05

    def test_click_hardly_moves_the_mouth(self) -> None:
        sound = 0.001 * np.random.default_rng(6).standard_normal(4 * SPEECH_RATE).astype(np.float32)
        sound[2 * SPEECH_RATE : 2 * SPEECH_RATE + 8] = 0.5
        rows = self.move(sound)
        assert not rows[:185].any()
        assert not rows[225:].any()

    def test_state_is_bounded(self, speech: Samples) -> None:
        driver, sizes, given = self.driver(), [], 0
        sound = np.resize(speech, 62 * SPEECH_RATE)
        for index in range(1500):
            frame = FrameTime(index, Fraction(25))
            end = frame.span(SPEECH_RATE)[1] + driver.lookahead
            driver.drive(frame, sound[given:end])
            given = end
            if index % 250 == 249:
                sizes.append(len(pickle.dumps(driver)))
        assert max(sizes) < 1.2 * sizes[0]
