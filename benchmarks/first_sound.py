"""How long it takes from a text to its first sound in a live session, with the voices that come along.

    python benchmarks/first_sound.py [--voice flite] [--voice espeak] [--times 20]

Real time: a session's frames are stepped when they are due, a text comes at any moment between two of them, and what is
looked for is the first sample that is no silence. "committed" is when it is on the session's tape; "in the stream" is
its place there, which is as much later as the tape is ahead of the picture. "cold" is the first text of the process.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import click
import numpy as np

from txt2vid.core.clock import first_sample
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.options import SpeakerOptions
from txt2vid.pipeline.live import EARLY, Session, Step
from txt2vid.pipeline.messages import Say
from txt2vid.tts.choose import Kept, warm_up

FPS = Fraction(25)
TEXTS = ("Hello.", "Good morning, my dear friends.")
QUIET = 0.003  # of full scale
LONGEST = 5.0  # seconds


def first_sound(session: Session, text: str, voice: str, phase: float) -> tuple[float, float]:
    """Seconds until the text's first sound is committed, and until it is heard; sent `phase` of a frame after one."""
    session.step()
    time.sleep(phase / float(FPS))
    sent = time.monotonic()
    session.say(Say("a", text, speaker=SpeakerOptions(voice)))
    due = sent + (1 - phase) / float(FPS)
    while time.monotonic() < sent + LONGEST:
        time.sleep(max(0.0, due - time.monotonic()))
        step = session.step()
        committed = time.monotonic()
        place = _place(session, step)
        if place is not None:
            return committed - sent, committed + place - sent
        due += 1 / float(FPS)
    return LONGEST, LONGEST


def _place(session: Session, step: Step) -> float | None:
    """Seconds from the frame's start to the first sound on the tape; None where there is none yet."""
    begin = first_sample(step.frame.index, FPS, LISTENING_RATE)
    tape = session._sound
    (loud,) = (np.abs(tape.between(begin + EARLY, tape.end)) > QUIET).nonzero()
    return None if not len(loud) else (EARLY + int(loud[0])) / LISTENING_RATE


@click.command()
@click.option("--voice", "voices", multiple=True, default=("flite", "espeak"))
@click.option("--times", default=20)
@click.option("--cold", is_flag=True, help="Without what a studio does when its first session opens.")
def main(voices: tuple[str, ...], times: int, cold: bool) -> None:
    """Measures and prints a table."""
    print(
        "voice   text                             committed: cold  median  p95  max   in the stream: median  p95 (ms)"
    )
    for voice in voices:
        for text in TEXTS:
            kept = Kept()
            with ThreadPoolExecutor(8) as executor:
                if not cold:
                    executor.submit(warm_up, kept).result()
                rows = []
                for number in range(times):
                    session = Session(FPS, executor, voices=kept)
                    for _ in range(5):
                        session.step()
                    rows.append(first_sound(session, text, voice, number * 0.37 % 1))
                    session.cut(1)
            committed, heard = (1000 * np.array(each) for each in zip(*rows, strict=True))
            p95 = statistics.quantiles(committed[1:], n=20)[-1], statistics.quantiles(heard[1:], n=20)[-1]
            print(
                f"{voice:<7} {text!r:<32} {committed[0]:15.0f} {np.median(committed[1:]):7.0f} {p95[0]:4.0f}"
                f" {committed[1:].max():4.0f} {np.median(heard[1:]):22.0f} {p95[1]:4.0f}"
            )


if __name__ == "__main__":
    main()
