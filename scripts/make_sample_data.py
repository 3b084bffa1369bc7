"""Makes what is in sample_data/: the drawn hero, speech in several forms, and the driving video.

Needs flite and ffmpeg in PATH, and `pip install 'txt2vid[serve]'`. The astronaut's picture and the texts are not made
here: sample_data/README.md says where they are from. With the same versions of the programs, the same bytes come out.

    python scripts/make_sample_data.py hero speech driving     (or only some of them)
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import click

DATA = Path(__file__).resolve().parent.parent / "sample_data"
VOICE = "slt"  # flite's clearest built-in voice: CMU ARCTIC, a woman's
SENTENCE = "Hello, my name is Vera. Give me a few words, and watch my lips move with them."
_REPRODUCIBLE = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact")
_FORMS: dict[str, tuple[str, ...]] = {
    "speech.wav": ("-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le"),
    "speech-stereo.wav": ("-ar", "44100", "-af", "pan=stereo|c0=c0|c1=0.7*c0", "-c:a", "pcm_s16le"),
    "speech.m4a": ("-ar", "48000", "-ac", "1", "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart"),
    "speech.mp3": ("-ar", "44100", "-ac", "1", "-c:a", "libmp3lame", "-b:a", "80k"),
}


def make_hero() -> None:
    """sample_data/hero.png, drawn from nothing; takes under a minute."""
    import hero  # OpenCV and scipy: not for those who only want the speech

    hero.write(DATA / "hero.png")


def make_speech() -> None:
    """The same sentence in each of the forms that people have."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder, "spoken.wav")
        subprocess.run(["flite", "-voice", VOICE, "-t", SENTENCE, str(spoken)], check=True)
        for name, options in _FORMS.items():
            command = ["ffmpeg", "-v", "error", "-y", "-i", str(spoken), *options, *_REPRODUCIBLE, str(DATA / name)]
            subprocess.run(command, check=True)


def make_driving() -> None:
    """sample_data/driving.mp4: a written performance on the astronaut's picture, drawn by this project's own engine."""
    import driving_motion

    driving_motion.render(DATA / "astronaut.png", DATA / "driving.mp4")


MAKERS = {"hero": make_hero, "speech": make_speech, "driving": make_driving}


@click.command(help=__doc__)
@click.argument("what", nargs=-1, required=True, type=click.Choice(list(MAKERS)))
def main(what: tuple[str, ...]) -> None:
    """Makes each thing that is asked for."""
    for name in what:
        MAKERS[name]()


if __name__ == "__main__":
    main()
