"""What `txt2vid serve` was asked for, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from txt2vid.core.expressions import Cue
from txt2vid.core.options import EngineOptions, FaceOptions, SpeakerOptions
from txt2vid.errors import UsageError
from txt2vid.server import limits
from txt2vid.server.auth import Access
from txt2vid.server.calls.rooms import Manner
from txt2vid.server.ice import IceServers

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not bound
"""Hosts that stand for all addresses, and where such a server is reached from its own machine."""

LIVE_SIZE = 512  # pixels of the longer side: what 16 sessions on two cores can be drawn and encoded at


@dataclass(frozen=True, slots=True)
class Tls:
    """The port speaks TLS. certificate, key: files in PEM form; None for a certificate that is made at the start.

    save: where that one is written to, without its key, for those who shall trust it.
    """

    certificate: Path | None = None
    key: Path | None = None
    save: Path | None = None

    @classmethod
    def of(cls, certificate: Path | None, key: Path | None, save: Path | None, *, self_signed: bool) -> Tls | None:
        """What was asked for; None for plain HTTP. Raises UsageError where it makes no sense together."""
        if (certificate is None) != (key is None):
            given, missing = ("--tls-cert", "--tls-key") if key is None else ("--tls-key", "--tls-cert")
            raise UsageError(f"{given} is of no use alone: add {missing} FILE, or try --tls-self-signed")
        if certificate is not None and self_signed:
            raise UsageError("--tls-self-signed makes a certificate, and --tls-cert is one: leave one of them out")
        if save is not None and not self_signed:
            raise UsageError("--tls-save writes the certificate that is made: add --tls-self-signed")
        return cls(certificate, key, save) if certificate is not None or self_signed else None


@dataclass(frozen=True, slots=True)
class Settings:
    """One server.

    faces: by name, the first is shown at /stream.ts. port: 0 takes a free one. workers: processes that draw, None for
    one a core. audio, text_file: played in the first session (at most one of them). publish: URLs that the first
    session's stream goes to. speaker: of texts that do not say. unknown_tags, expression: of texts and senders that set
    none. ice_servers: that WebRTC's peers are told of. mark: draws a mark while the sound is loud. tls: None for plain
    HTTP. calls: how many rooms, and for how long.
    """

    faces: Mapping[str, FaceOptions]
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    access: Access = field(default_factory=Access)
    tls: Tls | None = None
    engine: EngineOptions = field(default_factory=EngineOptions)
    workers: int | None = None
    fps: Fraction | None = None
    seed: int = 0
    mark: bool = False
    max_sessions: int = limits.MAX_SESSIONS
    max_viewers: int = limits.MAX_VIEWERS
    max_cameras: int = limits.MAX_CAMERAS
    audio: Path | None = None
    text_file: Path | None = None
    loop: bool = False
    speaker: SpeakerOptions = field(default_factory=SpeakerOptions)
    unknown_tags: str = "speak"
    expression: Cue | None = None
    publish: tuple[str, ...] = ()
    calls: Manner = field(default_factory=Manner)
    ice_servers: IceServers = field(default_factory=IceServers)

    @property
    def udp_addresses(self) -> tuple[str, ...]:
        """Where WebRTC's peers are listened for: as HTTP is; none stands for all addresses of the machine."""
        host = "127.0.0.1" if self.host == "localhost" else self.host
        return () if host in WILDCARDS else (host,)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server that is ready can be reached, and the first session's name.

    fingerprint: SHA-256 of its certificate, None for plain HTTP. names: who that one is for.
    """

    host: str
    port: int
    session: str
    fingerprint: str | None = None
    names: tuple[str, ...] = ()

    @property
    def authority(self) -> str:
        """host:port, with brackets around IPv6's addresses."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def http(self) -> str:
        """http://host:port, or https://."""
        return f"{'http' if self.fingerprint is None else 'https'}://{self.authority}"

    @property
    def speak(self) -> str:
        """Where senders connect."""
        return f"{'ws' if self.fingerprint is None else 'wss'}://{self.authority}/speak"
