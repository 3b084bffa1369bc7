"""Who shows a camera now: a place for each, a tracker of its own, and nothing left once it has gone."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable

from txt2vid.core.checks import WireError
from txt2vid.core.landmarkwire import decode_settings
from txt2vid.pipeline.observers import Observers
from txt2vid.pipeline.observing import Event, Looked, Lost, Picture, Tune, Unfit
from txt2vid.server import limits
from txt2vid.server.auth import Access
from txt2vid.server.rates import Bucket
from txt2vid.server.seat import Refused


class Camera:
    """One of them. Subclasses know how it is reached."""

    def __init__(self, cameras: Cameras) -> None:
        self.annotated = False
        self.number = self._dropped = 0
        self.last = time.monotonic()  # when its last picture came
        self._cameras = cameras
        now = time.monotonic()
        self._pictures = Bucket(limits.PICTURES_A_SECOND, limits.PICTURES_BURST, now)
        self._bytes = Bucket(limits.PICTURE_BYTES_A_SECOND, limits.PICTURE_BYTES_BURST, now)
        self._words = Bucket(limits.MESH_MESSAGES_A_SECOND, limits.MESH_MESSAGES_BURST, now)

    def looked(self, seen: Looked) -> None:
        """What was seen in one of its pictures."""
        raise NotImplementedError

    def lost(self) -> None:
        """A picture could not be decoded."""

    def bye(self, why: str) -> None:
        """It cannot go on: a sentence for whoever shows it."""
        raise NotImplementedError

    def cut(self, why: str) -> None:
        """It is to end, and may come back."""
        raise NotImplementedError

    def show(self, codec: str, data: bytes, captured: float, *, key: bool) -> bool:
        """A picture for the tracker. False where there are too many, or too many bytes: it is left out."""
        self.last = now = time.monotonic()
        if not (self._pictures.take(1, now) and self._bytes.take(len(data), now)):
            return False
        return self._cameras.observers.send(Picture(self.number, codec, key, data, captured, now), droppable=True)

    def tune(self, text: str | bytes) -> None:
        """What it says of its sliders. Raises WireError."""
        if not self._words.take(1, time.monotonic()):
            raise WireError("too many messages: send settings when they change", "rate")
        self._cameras.observers.send(Tune(self.number, decode_settings(text)))

    def on_event(self, event: Event) -> None:
        """From its tracker."""
        if isinstance(event, Looked):
            self._cameras.count(event, event.dropped - self._dropped)
            self._dropped = event.dropped
            self.looked(event)
        elif isinstance(event, Lost):
            self.lost()
        elif isinstance(event, Unfit):
            self._cameras.leave(self)
            self.bye(event.why)

    def leave(self) -> None:
        """Frees all that it had. Twice is safe."""
        self._cameras.leave(self)


class Cameras:
    """All of a server. most: at once."""

    def __init__(self, workers: int, most: int, access: Access) -> None:
        self.observers = Observers(workers)
        self.here: set[Camera] = set()
        self.counts: Counter[str] = Counter()
        self._most, self._access = most, access
        self._coming = 0
        self._stopping = False
        self._watch: asyncio.TimerHandle | None = None

    def check_room(self) -> None:
        """Raises Refused where there is no room for another."""
        if self._stopping:
            raise Refused("stopping", "the server is going down")
        if len(self.here) + self._coming >= self._most:
            self.counts["refused"] += 1
            raise Refused("full", f"{self._most} cameras are the most here: try again later")

    async def enter(self, camera: Camera, *, annotated: bool) -> None:
        """Gives it a tracker. Raises Refused."""
        self.check_room()
        self._coming += 1
        try:
            camera.number = await self.observers.watch(camera.on_event, annotated=annotated)
        except OSError as err:
            raise Refused("engine", f"what tracks faces cannot be started ({err.strerror})") from err
        finally:
            self._coming -= 1
        camera.annotated = annotated
        self.here.add(camera)
        self._look_around()

    def leave(self, camera: Camera) -> None:
        """Its tracker and its place are free."""
        self.here.discard(camera)
        self.observers.leave(camera.number)

    def count(self, seen: Looked, dropped: int) -> None:
        """For metrics. dropped: pictures left out since the one before."""
        self.counts["pictures"] += 1
        self.counts["dropped"] += dropped
        self.counts["faces"] += seen.faces

    async def stop(self, why: str = "The server is going down.") -> None:
        """Ends all."""
        self._stopping = True
        if self._watch is not None:
            self._watch.cancel()
        for camera in list(self.here):
            self.leave(camera)
            camera.bye(why)
        await self.observers.stop()

    def _look_around(self) -> None:
        """Cuts those of whom nothing has come for long, and looks again later while there are any."""
        if self._watch is not None:
            self._watch.cancel()
        late = time.monotonic() - limits.CAMERA_SECONDS
        for camera in [each for each in self.here if each.last < late]:
            camera.cut(f"no picture for {limits.CAMERA_SECONDS:g} s")
        self._watch = soon(self._look_around, limits.CAMERA_SECONDS / 4) if self.here else None

    @property
    def key(self) -> str | None:
        """What a shared link holds where the server has a token: it opens the mesh page and nothing else."""
        if self._access.token is None:
            return None
        return hmac.new(self._access.token.encode(), b"txt2vid mesh page", hashlib.sha256).hexdigest()[:32]

    def knows(self, *tokens: str | None) -> bool:
        """Whether one of them is the server's token, or the key of a shared link."""
        key = self.key
        mine = key is not None and any(
            hmac.compare_digest(key.encode(), (token or "").encode("utf-8", "replace")) for token in tokens
        )
        return self._access.knows(*tokens) or mine


def soon(work: Callable[[], None], seconds: float) -> asyncio.TimerHandle:
    """Calls it after so many seconds."""
    return asyncio.get_running_loop().call_later(seconds, work)
