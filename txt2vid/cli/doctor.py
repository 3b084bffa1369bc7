"""`txt2vid doctor`: tries everything that txt2vid can use, and says what to type where something is missing."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click

from txt2vid import registry
from txt2vid.errors import DependencyError, ServerError, Txt2VidError
from txt2vid.weights import place
from txt2vid.weights.verify import glance

DEFAULT_EAR = "pocketsphinx"
PYTHONS = ((3, 10), (3, 12))
ENCODERS = ("libx264", "aac")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    needed: `txt2vid render` cannot do without. detail: what was found, or what to type.
    """

    what: str
    works: bool
    needed: bool
    detail: str


@click.command(name="doctor")
@click.option("--call", "url", metavar="URL", help="Try each hop to a server instead: TCP, TLS, …, UDP, TURN, codec.")
@click.option("--token", envvar="TXT2VID_TOKEN", metavar="TOKEN", help="With --call: the server's.")
@click.option("--ca", metavar="FILE|SHA256", help="With --call: trust this certificate as well.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(url: str | None, token: str | None, ca: str | None, as_json: bool) -> int:
    """Say what works on this machine, what is missing, and what to type.

    Exit code 0 where all that `txt2vid render` needs works, 8 where something of it is missing. With --call: 0 where
    calls can be made, 10 where a hop that they need fails.
    """
    if url is not None:
        return _call(url, token, ca, as_json=as_json)
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    healthy = all(finding.works for finding in findings if finding.needed)
    if as_json:
        click.echo(json.dumps({"works": healthy, "checks": [asdict(finding) for finding in findings]}))
    return 0 if healthy else DependencyError.exit_code


def _call(url: str, token: str | None, ca: str | None, *, as_json: bool) -> int:
    from txt2vid.bench.hops import Relay, hops

    found = []
    for hop in hops(Relay.of(url, token, ca)):
        found.append(hop)
        if not as_json:
            mark = "works  " if hop.works else "FAILS  " if hop.needed else "fails  "
            click.echo(f"{mark}  {hop.what:<16}  {hop.detail}")
    healthy = all(hop.works for hop in found if hop.needed)
    if as_json:
        click.echo(json.dumps({"works": healthy, "hops": [asdict(hop) for hop in found]}))
    return 0 if healthy else ServerError.exit_code


def examine() -> Iterator[Finding]:
    """Tries one thing after the other; each finding comes as soon as it is there."""
    yield _try("python", _python)
    yield _try("ffmpeg", _ffmpeg)
    yield _try("face model", _face_model)
    for name in registry.names("engine"):
        yield _try(f"engine {name}", partial(_engine, name), needed=name == "mesh")
    voices = [_try(f"voice {name}", partial(_voice, name), needed=False) for name in registry.names("tts")]
    yield from voices
    if not any(voice.works for voice in voices):
        yield Finding("a voice", False, True, "none works, so --text cannot: sudo apt install flite espeak-ng")
    for name in registry.names("stt"):
        yield _try(f"ear {name}", partial(_ear, name), needed=False)
    yield _try("opus", _opus, needed=False)
    yield _try("server", _server, needed=False)
    yield _try("webrtc", _webrtc, needed=False)
    yield _try("player", _player, needed=False)
    yield _try("torch", _torch, needed=False)
    yield _try("microphone", _microphone, needed=False)
    yield _weights()


def _line(finding: Finding) -> str:
    mark = "works  " if finding.works else "MISSING" if finding.needed else "missing"
    return f"{mark}  {finding.what:<16}  {finding.detail}"


def _try(what: str, check: Callable[[], str], *, needed: bool = True) -> Finding:
    try:
        return Finding(what, True, needed, check())
    except Txt2VidError as err:
        return Finding(what, False, needed, " ".join(str(err).split()))
    except (OSError, ImportError, RuntimeError, ValueError) as err:  # broken rather than missing: say how
        return Finding(what, False, needed, f"broken ({type(err).__name__}: {' '.join(str(err).split())})")


def _python() -> str:
    lowest, highest = PYTHONS
    if not lowest <= sys.version_info[:2] <= highest:
        raise DependencyError(
            f"{sys.version.split()[0]}: mediapipe needs 3.10 to 3.12: install one, then make .venv anew"
        )
    return sys.version.split()[0]


def _ffmpeg() -> str:
    from txt2vid.ffmpeg import program

    version, encoders = program.version(), program.encoders()
    program.find("ffprobe")
    lacking = [name for name in ENCODERS if name not in encoders]
    if lacking:
        raise DependencyError(f"{version} has no encoder {' nor '.join(lacking)}: install your system's full ffmpeg")
    return f"{version} with {', '.join(ENCODERS)}"


def _face_model() -> str:
    import numpy as np

    from txt2vid.faces import tracker

    tracker.mesh()(np.zeros((tracker.MESH_SIDE, tracker.MESH_SIDE, 3), np.uint8))
    return "mediapipe's face mesh, loaded and run"


def _engine(name: str) -> str:
    engine = registry.load("engine", name)
    if engine.network is None:
        engine()
        return "ready"
    from txt2vid.core.options import EngineOptions
    from txt2vid.pipeline.choice import judged, lacking, load_network

    options = EngineOptions(name)
    missing = lacking(options)
    if missing:
        raise DependencyError(f"{missing}; the mesh engine needs none")
    keeps_up, words = judged(load_network(name, options))
    return words if keeps_up else f"{words}: --engine auto takes mesh"


def _voice(name: str) -> str:
    voice = registry.load("tts", name)
    if voice.paid:
        return f"{voice.ready()}; not tried, since it may cost"
    seconds = sum(len(said.audio) / said.audio.rate for said in voice(None).speak("Hello."))
    return f"said hello in {seconds:.1f} s of speech"


def _ear(name: str) -> str:
    ear = registry.load("stt", name)
    if name != DEFAULT_EAR:
        return "installed; its model or key is yours to give: txt2vid send --help"
    ear()
    return "hears English, for txt2vid send --stt"


def _opus() -> str:
    import numpy as np

    from txt2vid.ffmpeg.opus import OpusDecoder, OpusEncoder

    packets = OpusEncoder().push(np.zeros(48_000, np.float32))
    seconds = sum(len(OpusDecoder().decode(packet.data)) for packet in packets) / 48_000
    return f"{seconds:.1f} s of sound there and back, for live senders"


def _server() -> str:
    missing = [
        name
        for name in ("starlette", "uvicorn", "prometheus_client", "cryptography")
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise DependencyError(f"{', '.join(missing)} not installed: pip install 'txt2vid[serve]'")
    from txt2vid.ffmpeg import program

    lacking = [name for name in ("mpegts", "mp4", "tee") if f" {name} " not in program.listing("-muxers")]
    if lacking:
        raise DependencyError(f"ffmpeg has no muxer {' nor '.join(lacking)}: install your system's full ffmpeg")
    return "ready for txt2vid serve"


def _webrtc() -> str:
    registry.load("transport", "webrtc")()
    return "ready for /whip and /whep of txt2vid serve"


def _player() -> str:
    path = shutil.which("ffplay")
    if path is None:
        raise DependencyError("ffplay is not installed: sudo apt install ffmpeg; a browser shows the page as well")
    return path


def _torch() -> str:
    if importlib.util.find_spec("torch") is None:
        raise DependencyError("not installed; the mesh engine needs none")
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return f"{torch.__version__} on {device}"


def _microphone() -> str:
    from txt2vid.sender.microphone import choose, devices, portaudio

    with portaudio() as system:
        return choose(devices(system), None).name


def _weights() -> Finding:
    """By names and sizes: hashing hundreds of megabytes is for `txt2vid models verify`."""
    places = {folder: {path: glance(path) for path in place.weights_in(folder)} for folder in place.folders()}
    works = any(not wrong for found in places.values() for wrong in found.values())
    shown = [f"{', '.join(map(_weight, found.items()))} in {folder}" for folder, found in places.items() if found]
    none = "none here: txt2vid models fetch wav2lip gets some; the mesh engine needs none"
    return Finding("weights", works, False, "; ".join(shown) or none)


def _weight(found: tuple[Path, str]) -> str:
    path, wrong = found
    return f"{path.name} ({wrong}: try txt2vid models verify)" if wrong else path.name
