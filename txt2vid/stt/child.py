"""An ear in a process of its own: `python -m txt2vid.stt.child NAME MODEL LANGUAGE`, the last two may be empty.

Recognizers compute for up to a second with Python's lock held, write to the terminal, and die with a model that is
damaged: none of it shall happen to the process that holds the microphone.

stdin: 16-bit samples, 16 kHz, mono, in this machine's byte order, to the end. stdout: lines of JSON: {"ready": true}
first, then {"text", "final", "at"} as txt2vid.stt.listen tells it; {"error", "exit_code"} at last where it fails.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from txt2vid import registry
from txt2vid.errors import SpeechError, Txt2VidError
from txt2vid.stt.listen import Listener

BLOCK = 3_200  # bytes: 100 ms
_ONE = 32768.0


def main(name: str, model: str, language: str) -> int:
    """Listens until stdin ends; returns the exit code."""
    tell = _teller()
    try:
        ear = registry.load("stt", name)(Path(model) if model else None, language or None)
        listener = Listener(ear)
        tell({"ready": True})
        held = b""
        while data := os.read(0, BLOCK):
            held += data
            whole = len(held) // 2 * 2
            samples = np.frombuffer(held[:whole], np.int16).astype(np.float32) / _ONE
            held = held[whole:]
            for heard in listener.push(samples):
                tell({"text": heard.text, "final": heard.final, "at": round(heard.at, 3)})
        for heard in listener.finish():
            tell({"text": heard.text, "final": heard.final, "at": round(heard.at, 3)})
        ear.close()
    except Txt2VidError as err:
        tell({"error": str(err), "exit_code": err.exit_code})
        return err.exit_code
    except MemoryError:
        tell({"error": f"{name} needs more memory: choose a smaller --stt-model", "exit_code": SpeechError.exit_code})
        return SpeechError.exit_code
    except BrokenPipeError:  # nobody listens to us any more
        return 0
    return 0


def _teller() -> Callable[[dict[str, Any]], None]:
    """Writes lines to what is stdout now; from then on whatever else is written there goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def tell(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    return tell


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
