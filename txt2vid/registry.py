"""The one table of plugins: kind -> name -> "module:Class", imported on use.

Other packages add theirs by entry points in the group "txt2vid.<kind>s" ("txt2vid.engines", "txt2vid.drivers",
"txt2vid.ttss", …); a built-in name cannot be taken by one of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from txt2vid.errors import DependencyError, UsageError

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "driver": {
        "speech": "txt2vid.drivers.speech:SpeechDriver",
        "bands": "txt2vid.drivers.bands:BandDriver",
        "phonemes": "txt2vid.drivers.phonemes:PhonemeDriver",
        "idle": "txt2vid.drivers.idle:IdleDriver",
    },
    "engine": {
        "mesh": "txt2vid.engines.mesh:MeshEngine",
        "wav2lip": "txt2vid.engines.wav2lip:Wav2LipEngine",
    },
    "tts": {
        "flite": "txt2vid.tts.flite:Flite",
        "espeak": "txt2vid.tts.espeak:Espeak",
        "piper": "txt2vid.tts.piper:Piper",
        "google": "txt2vid.tts.google:Google",
        "resemble": "txt2vid.tts.resemble:Resemble",
        "command": "txt2vid.tts.command:Command",
    },
    "stt": {
        "pocketsphinx": "txt2vid.stt.sphinx:Pocketsphinx",
        "vosk": "txt2vid.stt.vosk:Vosk",
        "faster-whisper": "txt2vid.stt.whisper:Whisper",
        "google": "txt2vid.stt.google:GoogleSpeech",
    },
    "transport": {
        "webrtc": "txt2vid.transports.webrtc:Peers",
    },
}
"""Kind -> name -> where it is. The first voice is the one that "auto" asks for first."""

_EXTRAS: Mapping[str, str] = {
    "aiortc": "webrtc",
    "cv2": "serve",
    "faster_whisper": "whisper",
    "google": "cloud",
    "httpx": "cloud",
    "matplotlib": "serve",
    "mediapipe": "serve",
    "PIL": "serve",
    "pysubs2": "serve",
    "pocketsphinx": "stt",
    "safetensors": "wav2lip",
    "pyaudio": "mic",
    "scipy": "serve",
    "segno": "serve",
    "soxr": "serve",
    "torch": "wav2lip",
    "vosk": "vosk",
}
"""Which extra of this project brings a package."""


def names(kind: str) -> list[str]:
    """All known names of a kind: built in first, in the table's order, then other packages' ones, sorted."""
    return list(_table(kind))


def load(kind: str, name: str) -> Any:
    """The class behind a name, imported now.

    Raises UsageError where the name is not known, DependencyError where it needs a package that is not installed.
    """
    table = _table(kind)
    if name not in table:
        known = ", ".join(table) or "none in this installation"
        raise UsageError(f"{kind} {name!r} is not known: choose one of {known}")
    module, _, attribute = table[name].partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as err:
        missing = (err.name or "").partition(".")[0]
        if missing == "txt2vid":  # not the user's fault
            raise
        raise DependencyError(f"{kind} {name!r} needs {missing}: {_install(missing)}") from err
    except ImportError as err:  # a package is there, but a system library that it links to is not
        raise DependencyError(f"{kind} {name!r} cannot be loaded ({err}): run txt2vid doctor") from err


def _install(package: str) -> str:
    extra = _EXTRAS.get(package)
    return f"pip install 'txt2vid[{extra}]'" if extra else f"pip install {package}"


def _table(kind: str) -> dict[str, str]:
    others = {point.name: point.value for point in entry_points(group=f"txt2vid.{kind}s")}
    return {**BUILT_IN[kind], **{name: others[name] for name in sorted(others) if name not in BUILT_IN[kind]}}
