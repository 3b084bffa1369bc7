"""Ctrl-C at the worst moments: whatever had been begun is undone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Begins one thing over and over, and is interrupted at a random moment of each, most of them while ffmpeg starts.
PROGRAM = """
import json, os, random, signal, sys, threading, time
from fractions import Fraction
from pathlib import Path
import numpy as np, psutil
from txt2vid.ffmpeg import AudioReader, Encoder, program, probe

class Interrupt(BaseException):
    pass

def stop(number, frame):
    if sys.exc_info()[1] is None:  # not while that unwinds
        raise Interrupt

def wait():
    while True:  # signal.pause would miss a signal that came just before it
        time.sleep(0.001)

def encode():
    with Encoder(folder / "a.mp4", 64, 64, Fraction(25), 48000) as encoder:
        wait()

def decode():
    with AudioReader(sound) as reader:
        next(reader)
        wait()

def capture():
    program.capture(["sleep", "60"], 90)

folder, sound = Path(sys.argv[2]), Path(sys.argv[3])
begin = {"encode": encode, "decode": decode, "capture": capture}[sys.argv[1]]
probe(sound)  # asks ffmpeg what is asked once a process
signal.signal(signal.SIGALRM, stop)
sys.unraisablehook = lambda lost: None  # what is raised in callbacks of weak references
random.seed(1)
for _ in range(int(sys.argv[4])):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, float(sys.argv[5])), 0.2)  # repeated
        begin()
    except Interrupt:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
end = time.monotonic() + 10
while threading.active_count() > 1 and time.monotonic() < end:  # one that was just about to start
    time.sleep(0.01)
print(json.dumps({
    "children": [child.cmdline() for child in psutil.Process().children(recursive=True)],
    "files": sorted(os.listdir(folder)),
    "threads": [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()],
}))
"""


@pytest.mark.parametrize(
    ("what", "times", "within"), [("encode", 300, 0.006), ("decode", 40, 0.1), ("capture", 300, 0.003)]
)
def test_an_interrupt_at_any_moment_leaves_nothing(
    tmp_path: Path, speech: Path, what: str, times: int, within: float
) -> None:
    command = [sys.executable, "-c", PROGRAM, what, str(tmp_path), str(speech), str(times), str(within)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert json.loads(done.stdout) == {"children": [], "files": [], "threads": []}
