"""Who speaks in a session: one sender at a time, and one that was cut off may take its place again."""

from __future__ import annotations

import hmac
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass

from txt2vid.core.wire import AudioFormat, Hello, ServerMessage
from txt2vid.server import limits


class Refused(Exception):  # noqa: N818 - what it says; wire.Error tells it
    """Something cannot be had. code: a key of wire.CLOSE_CODES; the message is a sentence for the one who asked."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sender(ABC):
    """One who speaks: a websocket, or a file of the server's. Neither method waits."""

    label: str
    """For logs: an address, or a file's name."""

    @abstractmethod
    def tell(self, message: ServerMessage) -> None:
        """Something that it should know."""

    @abstractmethod
    def dismiss(self, code: str, message: str) -> None:
        """It speaks here no longer, for a reason of wire.CLOSE_CODES. It does not need to leave its seat."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A seat was taken. resume: the secret for the next time. fresh: positions begin anew. replaced: who sat there.

    interrupts: whether the one who sat there was another, who may come back.
    """

    resume: str
    fresh: bool
    replaced: Sender | None = None
    interrupts: bool = False


class Seat:
    """The one place of a session's sender. now: seconds of any monotonic clock.

    audio: the format of whoever has the seat, None for texts alone, or nobody.
    """

    def __init__(self) -> None:
        self.sender: Sender | None = None
        self.audio: AudioFormat | None = None
        self._resume: str | None = None
        self._kept_until = 0.0

    def take(self, sender: Sender, hello: Hello, now: float) -> Taken:
        """Sits down. Raises Refused "busy" where somebody else does, or may come back."""
        resumes = self._resume is not None and hmac.compare_digest(
            self._resume.encode(), (hello.resume or "").encode("utf-8", "replace")
        )
        if not resumes and self.held(now) and not hello.interrupt:
            raise Refused("busy", "somebody else speaks in this session")
        resumes = resumes and self.held(now)
        fresh = not resumes or hello.audio != self.audio
        replaced = self.sender
        self.sender, self.audio = sender, hello.audio
        if not resumes or self._resume is None:
            self._resume = secrets.token_urlsafe(16)
        return Taken(self._resume, fresh, replaced, interrupts=not resumes)

    def leave(self, sender: Sender, *, broken: bool, now: float) -> bool:
        """Stands up; False where it was not seated any more. broken: its connection was cut, so the place is kept."""
        if self.sender is not sender:
            return False
        self.sender = None
        if broken:
            self._kept_until = now + limits.GRACE
        else:
            self.audio, self._resume = None, None
        return True

    def held(self, now: float) -> bool:
        """Whether nobody new may sit down."""
        return self.sender is not None or (self._resume is not None and now < self._kept_until)
