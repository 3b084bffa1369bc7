"""How many bits a second peers that share one encode get: what the worst link takes, within bounds. Pure: no clock."""

from __future__ import annotations

from dataclasses import dataclass

LOSS_BAD, LOSS_GOOD = (
    0.10,
    0.02,
)  # of packets: above the first less is sent, below the second more (RFC 8698 has others;
# these are those of Google's congestion control, draft-ietf-rmcat-gcc-02, 6)
GROWTH = 1.08  # a second, while little is lost
HEADROOM = 0.85  # of what a receiver estimates its link to take: sound and retransmissions want some
STEP = 0.15  # a change of less is not worth an encoder's new beginning, and its key
SETTLE_SECONDS = 2.0  # between changes
FORGET_SECONDS = 10.0  # after which what a peer has estimated does not count any more


@dataclass(slots=True)
class _Link:
    """One peer's. limit: bit/s that loss allows. estimate: what the peer says of itself, and when."""

    limit: float
    changed: float
    estimate: float | None = None
    estimated: float = 0.0


class Rate:
    """The rate of one encode. lowest, highest: bit/s; nobody's link makes it leave them. now: seconds, rising."""

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, max(lowest, highest)
        self.current = self.highest
        self._links: dict[object, _Link] = {}
        self._settled = float("-inf")

    def limit(self, highest: int) -> None:
        """Another `highest`; links begin anew."""
        self.highest = max(self.lowest, highest)
        self.current = self.highest
        self._links.clear()

    def lost(self, peer: object, fraction: float, now: float) -> None:
        """A receiver report (RFC 3550, 6.4.1): this share of the packets since the one before was lost."""
        link = self._link(peer, now)
        seconds = min(5.0, max(0.0, now - link.changed))
        link.changed = now
        if fraction > LOSS_BAD:
            link.limit = max(self.lowest, min(link.limit, self.current) * (1 - fraction / 2))
        elif fraction < LOSS_GOOD:
            link.limit = min(self.highest, link.limit * GROWTH**seconds)

    def estimated(self, peer: object, bitrate: float, now: float) -> None:
        """A receiver's estimate of its link, in bit/s (REMB, draft-alvestrand-rmcat-remb)."""
        link = self._link(peer, now)
        link.estimate, link.estimated = bitrate, now

    def gone(self, peer: object) -> None:
        """That one does not count any more."""
        self._links.pop(peer, None)

    def decide(self, now: float) -> int | None:
        """The rate to encode at from now on, None where it stays as it is."""
        wanted = round(min([self.highest, *(self._takes(link, now) for link in self._links.values())]))
        wanted = max(self.lowest, wanted)
        near = abs(wanted - self.current) < STEP * self.current and wanted not in (self.lowest, self.highest)
        if wanted == self.current or near or now - self._settled < SETTLE_SECONDS:
            return None
        self.current, self._settled = wanted, now
        return wanted

    def _takes(self, link: _Link, now: float) -> float:
        if link.estimate is None or now - link.estimated > FORGET_SECONDS:
            return link.limit
        return min(link.limit, HEADROOM * link.estimate)

    def _link(self, peer: object, now: float) -> _Link:
        return self._links.setdefault(peer, _Link(self.highest, now))
