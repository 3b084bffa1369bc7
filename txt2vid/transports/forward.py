"""One session's packets to its peers: each has a short queue, and where it is slow loses pictures up to a key."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from txt2vid.core.packets import MESH, PICTURE_CODECS, PicturePacket, SoundPacket
from txt2vid.transports.rate import Rate

PICTURES, SOUNDS = 12, 25  # that wait for one peer, half a second of each: UDP takes all at once, more means it hangs
KEY_SECONDS = 0.5  # between keys that peers ask for: each is as large as ten other pictures
LOWEST_BITRATE = 150_000  # bit/s that a peer's bad link may bring all others down to

HIGHEST_BITRATE = 2_000_000  # until the picture's size is known


class Timed(NamedTuple):
    """A packet, and when it is due, on time.monotonic()."""

    due: float
    packet: PicturePacket | SoundPacket


class PeerQueue:
    """What waits for one peer. codec: of its pictures, or MESH, None for sound alone. Close it in the end."""

    def __init__(self, codec: str | None, forwarder: Forwarder) -> None:
        self.codec = codec
        self.dropped = 0
        self._forwarder = forwarder
        self._pictures: deque[Timed] = deque()
        self._sounds: deque[Timed] = deque()
        self._changed = asyncio.Event()
        self._waits_for_key = True
        self._begun: float | None = None
        self.closed = False

    async def picture(self) -> Timed | None:
        """The next picture; None once closed. The first is a key."""
        return await self._next(self._pictures)

    async def sound(self) -> Timed | None:
        """The next packet of sound; None once closed."""
        return await self._next(self._sounds)

    async def both(self) -> tuple[list[Timed], list[Timed]] | None:
        """All pictures and all sound that wait, as soon as anything does; None once closed."""
        while not (self._pictures or self._sounds or self.closed):
            self._changed.clear()
            await self._changed.wait()
        if self.closed:
            return None
        taken = list(self._pictures), list(self._sounds)
        self._pictures.clear()
        self._sounds.clear()
        return taken

    def late(self, at: float, now: float) -> float:
        """How late something is that is sent now, by the one clock of pictures and sound. at: its time, in seconds.

        That clock begins with whatever is sent first.
        """
        if self._begun is None:
            self._begun = now - at
        return now - at - self._begun

    def ask_key(self) -> None:
        """The peer has lost a picture."""
        if self.codec is not None:
            self._forwarder.ask_key(self.codec)

    def lost(self, fraction: float) -> None:
        """The peer reports that it has lost this share of packets."""
        self._forwarder.rated(self, lambda rate, now: rate.lost(self, fraction, now))

    def estimated(self, bitrate: float) -> None:
        """The peer thinks that its link takes so many bit/s."""
        self._forwarder.rated(self, lambda rate, now: rate.estimated(self, bitrate, now))

    def close(self) -> None:
        """Leaves; whoever waits gets None. Twice is safe."""
        if not self.closed:
            self.closed = True
            self._changed.set()
            self._forwarder.leave(self)

    def push(self, pictures: Iterable[Timed], sounds: Iterable[Timed]) -> None:
        """For the forwarder: what there is now."""
        for timed in pictures:
            self._push_picture(timed)
        for timed in sounds:
            if len(self._sounds) >= SOUNDS:
                self._sounds.popleft()
                self.dropped += 1
            self._sounds.append(timed)
        self._changed.set()

    def _push_picture(self, timed: Timed) -> None:
        packet = timed.packet
        if not isinstance(packet, PicturePacket) or packet.codec != self.codec:
            return
        if len(self._pictures) >= PICTURES:
            self.dropped += len(self._pictures)
            self._pictures.clear()
            self._waits_for_key = True
        if self._waits_for_key and not packet.key:
            self.dropped += 1
            self.ask_key()
            return
        self._waits_for_key = False
        self._pictures.append(timed)

    async def _next(self, queue: deque[Timed]) -> Timed | None:
        while not queue and not self.closed:
            self._changed.clear()
            await self._changed.wait()
        return None if self.closed else queue.popleft()


class Forwarder:
    """All peers of one session. Lives in one event loop.

    want(codecs, bitrate): what the studio should send from now on, no codecs where nobody is left; called whenever that
    changes, so that the caller may wait before it stops. key(codec): the next picture should be a key. highest: bit/s.
    """

    def __init__(
        self,
        want: Callable[[tuple[str, ...], int], None],
        key: Callable[[str], None],
        highest: int = HIGHEST_BITRATE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peers: list[PeerQueue] = []
        self.bytes_out = 0
        self._want, self._key, self._clock = want, key, clock
        self._rate = Rate(LOWEST_BITRATE, highest)
        self._asked: dict[str, float] = {}
        self._gone_dropped = 0

    @property
    def bitrate(self) -> int:
        """The most bit/s of pictures now."""
        return self._rate.current

    def limit(self, highest: int) -> None:
        """The most bit/s that pictures of this size are worth."""
        self._rate.limit(highest)

    @property
    def codecs(self) -> tuple[str, ...]:
        """What peers take pictures in; the first codec where all want sound alone, since packets come with pictures."""
        taken = {peer.codec or PICTURE_CODECS[0] for peer in self.peers}
        return tuple(codec for codec in (*PICTURE_CODECS, MESH) if codec in taken)

    @property
    def dropped(self) -> int:
        """Packets that peers were too slow for."""
        return self._gone_dropped + sum(peer.dropped for peer in self.peers)

    def join(self, codec: str | None) -> PeerQueue:
        """A new peer, whose first picture is a key."""
        before = self.codecs
        peer = PeerQueue(codec, self)
        self.peers.append(peer)
        self._changed(before)
        peer.ask_key()
        return peer

    def leave(self, peer: PeerQueue) -> None:
        """For PeerQueue: it is gone."""
        before = self.codecs
        self.peers.remove(peer)
        self._gone_dropped += peer.dropped
        self._rate.gone(peer)
        self._changed(before)

    def close(self) -> None:
        """All are told that nothing comes any more."""
        for peer in list(self.peers):
            peer.close()

    def push(self, pictures: tuple[PicturePacket, ...], sounds: Iterable[Timed]) -> None:
        """What a studio has sent; pictures are due now."""
        now = self._clock()
        timed = [Timed(now, picture) for picture in pictures]
        sounds = list(sounds)
        for peer in self.peers:
            peer.push(timed, sounds)

    def ask_key(self, codec: str) -> None:
        """A key soon, for all who share the codec; asked for no more often than KEY_SECONDS."""
        now = self._clock()
        if now - self._asked.get(codec, float("-inf")) >= KEY_SECONDS:
            self._asked[codec] = now
            self._key(codec)

    def rated(self, peer: PeerQueue, tell: Callable[[Rate, float], None]) -> None:
        """For PeerQueue: something is known of its link."""
        if peer.closed:
            return
        now = self._clock()
        tell(self._rate, now)
        bitrate = self._rate.decide(now)
        if bitrate is not None:
            self._want(self.codecs, bitrate)

    def _changed(self, before: tuple[str, ...]) -> None:
        if self.codecs != before or not self.peers:
            self._want(self.codecs, self._rate.current)
