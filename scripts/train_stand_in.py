"""Trains the published network on pictures that the mesh engine draws, so that the Wav2Lip engine can be tried, looked
at and measured without the published weights. It overfits the sample faces on purpose; it is no replacement for them.

    nice python scripts/train_stand_in.py --minutes 60 -o stand_in.pth

Pairs a frame with the mel window that begins one frame earlier, as the published weights were trained. Writes the
published layout: a pickle with `state_dict`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import torch

from txt2vid.core.media import AudioChunk
from txt2vid.core.motion import Motion
from txt2vid.core.options import FaceOptions
from txt2vid.engines.base import Job
from txt2vid.engines.lips.box import PADS, face_edges, padded
from txt2vid.engines.lips.mouths import six_channels
from txt2vid.engines.lips.plate import cut_out
from txt2vid.engines.mesh import MeshEngine
from txt2vid.faces.prepare import prepare_face
from txt2vid.pipeline.timeline import moments
from txt2vid.pipeline.voice import Listener, TextVoice
from wav2lip import mel
from wav2lip.network import SIDE, Wav2Lip

ROOT = Path(__file__).parents[1]
FACES = ("hero.png", "astronaut.png")
FPS = Fraction(25)
VOICES = (("flite", "slt"), ("flite", "rms"), ("espeak", None))
TEXT = (
    "The quick brown fox jumps over the lazy dog. Whoever speaks here does so for a while, with pauses, as people do. "
    "Peter Piper picked a peck of pickled peppers. How much wood would a woodchuck chuck, if a woodchuck could? "
    "She sells sea shells by the sea shore. My mother makes more muffins on Monday mornings. Who knew you would move "
    "to the moon so soon? Five brave foxes have found very fine vines. Oh no, go home, Joe, don't throw those stones."
)
SEED = 1

Clip = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Crops (n, SIDE, SIDE, 3) uint8, their mel windows (n, 1, 80, 16), and the crop at rest, which the engine shows it."""


def clip(face: Path, engine: MeshEngine, tts: str, voice: str | None) -> Clip:
    """One face that says the text."""
    still = prepare_face(FaceOptions(face, size=384))
    prepared, points = engine.prepare(still), still.frames.landmarks(0)
    height, width = still.frames.pixels(0).shape[:2]
    box = padded(face_edges(points), PADS, width, height)
    speaker = TextVoice(TEXT, tts, voice)
    listener, sound, crops = Listener(speaker.rate, mel.RATE), [], []
    for moment in moments(speaker, [speaker.driver], FPS):
        crops.append(cut_out(engine.render([Job(prepared, 0, moment.motion)])[0], box))
        sound.append(moment.sound)
    rest = cut_out(engine.render([Job(prepared, 0, Motion())])[0], box)
    heard = listener.hear(AudioChunk(np.concatenate(sound), speaker.rate, 0))
    heard = np.concatenate([heard, listener.end(), np.zeros(mel.RATE, np.float32)])
    spectrum = mel.spectrogram(heard)
    windows = [mel.window(spectrum, mel.first_frame(i, FPS)) for i in range(len(crops))]
    return np.stack(crops), np.stack(windows), rest


def batches(clips: list[Clip], size: int, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, ...]]:
    """Mel windows, six-channel faces and the pictures wanted, for ever."""
    while True:
        mels, faces, wanted = [], [], []
        for _ in range(size):
            crops, windows, rest = clips[rng.integers(len(clips))]
            i = rng.integers(len(crops))
            mels.append(windows[i])
            faces.append(six_channels(rest))
            wanted.append(crops[i].astype(np.float32).transpose(2, 0, 1) / 255)
        yield tuple(torch.from_numpy(np.stack(each)) for each in (mels, faces, wanted))


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--batch", default=8, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("stand_in.pth"), show_default=True)
@click.option("--threads", default=1, show_default=True)
def main(minutes: float, batch: int, output: Path, threads: int) -> None:
    """Trains and writes."""
    torch.set_num_threads(threads)
    torch.manual_seed(SEED)
    rng, engine = np.random.default_rng(SEED), MeshEngine()
    clips = [clip(ROOT / "sample_data" / face, engine, *voice) for face in FACES for voice in VOICES]
    print(f"{sum(len(crops) for crops, _, _ in clips)} frames")
    network = Wav2Lip().train()
    optimizer = torch.optim.Adam(network.parameters(), 5e-4)
    weight = torch.ones(1, 1, SIDE, SIDE)
    weight[:, :, SIDE // 2 :] = 2  # the upper half is given
    weight[:, :, 2 * SIDE // 3 : 7 * SIDE // 8, SIDE // 4 : 3 * SIDE // 4] = 12  # the mouth
    end, started = time.monotonic() + 60 * minutes, time.monotonic()
    for step, (mels, faces, wanted) in enumerate(batches(clips, batch, rng), start=1):
        share = (time.monotonic() - started) / (60 * minutes)
        for group in optimizer.param_groups:
            group["lr"] = 5e-4 * max(0.02, (1 - share))
        loss = ((network(mels, faces) - wanted).abs() * weight).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            print(f"{time.monotonic() - started:.0f} s, step {step}: loss {loss.item():.4f}", flush=True)
        if step % 200 == 0 or time.monotonic() > end:
            torch.save({"state_dict": network.state_dict(), "global_step": step}, output.with_suffix(".part"))
            output.with_suffix(".part").replace(output)
        if time.monotonic() > end:
            break


if __name__ == "__main__":
    main()
