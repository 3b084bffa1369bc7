"""`txt2vid drive`, live: what a camera sees of a face, and a voice if wanted, go to a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from txt2vid.cli.sending import token_of, view
from txt2vid.core.options import MOST_POSE
from txt2vid.core.wire import MAX_NAME, is_name
from txt2vid.errors import UsageError

if TYPE_CHECKING:
    from txt2vid.sender.moving import WatchedSource
    from txt2vid.sender.sources import SoundSource, Source
    from txt2vid.sender.status import Status

_OFFLINE = ("face", "image", "output", "fps", "size", "face_index", "face_box", "landmarks")


def drive_live(given: dict[str, Any], *, as_json: bool) -> int:
    """Sends what a camera, or a file in its place, shows of a face, and a voice.

    given: the command's options. Returns the exit code.
    """
    _check(given)
    from txt2vid.sender.address import DEFAULT, speak_url
    from txt2vid.sender.client import Client, SendOptions
    from txt2vid.sender.loop import run
    from txt2vid.sender.trust import trusting

    url = speak_url(given["live"] or given["url"] or DEFAULT)
    trust = trusting(given["ca"], url) if given["ca"] is not None else None
    settings = SendOptions(url=url, session=given["session"], token=token_of(given), trust=trust)
    camera = _camera(given)
    try:
        source = _with_voice(camera, given)
    except BaseException:
        camera.close()
        raise

    async def send() -> Status:
        client = Client(settings, source)
        return await client.run(view(client, source))

    status = run(send())
    if as_json:
        click.echo(json.dumps({**status.report(), "seen": camera.seen}, ensure_ascii=False))
    return 0


def _check(given: dict[str, Any]) -> None:
    """Raises UsageError where options make no sense together."""
    for name in _OFFLINE:
        if given[name] is not None:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag} says nothing about a live session, whose face the server has: leave it out")
    if (given["webcam"] is None) == (given["video"] is None):
        raise UsageError("one face drives: give --webcam DEVICE, or --video FILE and --live URL")
    if given["url"] is not None and given["live"] is not None:
        raise UsageError("two servers are named: leave --live or the address out")
    if given["mic"] and given["audio"] is not None:
        raise UsageError("--mic and --audio are more than one voice: leave one of them out")
    if given["device"] is not None and not given["mic"]:
        raise UsageError("--device names a microphone: add --mic")
    if not 0 <= given["pose"] <= MOST_POSE:
        raise UsageError(f"pose {given['pose']:g} is out of range: choose 0 (the head stays) to {MOST_POSE:g}")
    if given["session"] is not None and not is_name(given["session"]):
        raise UsageError(f"--session {given['session']!r} is no name: use 1 to {MAX_NAME} of A-Z a-z 0-9 . _ -")


def _camera(given: dict[str, Any]) -> WatchedSource:
    from txt2vid.sender.moving import CameraSource, VideoSource

    neutral = None
    if given["neutral"] is not None:
        from txt2vid.pipeline.person import landmarks_of

        neutral = landmarks_of(given["neutral"])
    if given["webcam"] is not None:
        return CameraSource(given["webcam"], given["pose"], neutral)
    return VideoSource(given["video"], given["pose"], neutral)


def _with_voice(camera: WatchedSource, given: dict[str, Any]) -> Source:
    from txt2vid.sender.sources import FilmedSource

    voice = _voice(given, camera)
    return camera if voice is None else FilmedSource(voice, camera)


def _voice(given: dict[str, Any], camera: WatchedSource) -> SoundSource | None:
    """A microphone's, a file's, or that of the video itself where it has one."""
    if given["mic"]:
        from txt2vid.sender.microphone import MicrophoneSource

        return MicrophoneSource(given["device"])
    from txt2vid.sender.moving import VideoSource
    from txt2vid.sender.sources import FileSource

    if given["audio"] is not None:
        return FileSource(given["audio"])
    if not isinstance(camera, VideoSource) or not given["sound"] or camera.info.audio is None:
        return None
    return FileSource(given["video"], camera.info)
