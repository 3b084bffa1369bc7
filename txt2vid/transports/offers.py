"""Offers, answers and candidates as text (SDP, RFC 8866; candidates, RFC 8839): what they say, and what is too much.

Nothing here waits or connects. Part of the plugin `webrtc`: aiortc reads SDP.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiortc import RTCIceCandidate, sdp

from txt2vid.core.packets import PICTURE_CODECS
from txt2vid.transports.signalling import OfferRefused

MAX_SDP = 64 * 1024  # characters: a browser's offer of sound and picture has 7000
MAX_MEDIA = 4  # m= lines: sound and picture, and what OBS or a browser adds
MAX_CANDIDATES = 32  # of one peer: each may cost 7 checks to an address of its choice
MAX_FRAGMENT = 16 * 1024  # characters of candidates
_WRAP = 1 << 32  # of RTP timestamps


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer. sends, receives: "audio" and "video" as its side sees it. sdp: as it came, but for odd candidates."""

    sdp: str
    sends: frozenset[str]
    receives: frozenset[str]


def parse(text: str) -> Offer:
    """The offer. Raises OfferRefused."""
    if len(text) > MAX_SDP:
        raise OfferRefused(f"an offer has at most {MAX_SDP} characters")
    if not text.startswith("v=0"):
        raise OfferRefused("this is no SDP: the body of the request must be an offer (application/sdp)")
    lines = [line for line in text.splitlines() if _is_usable(line)]
    if sum(line.startswith("a=candidate:") for line in lines) > MAX_CANDIDATES:
        raise OfferRefused(f"more than {MAX_CANDIDATES} candidates: leave some out")
    clean = "\r\n".join(lines) + "\r\n"
    try:
        description = sdp.SessionDescription.parse(clean)
    except Exception as err:
        raise OfferRefused(f"this is no SDP ({type(err).__name__}): see RFC 8866") from err
    media = description.media
    if not 0 < len(media) <= MAX_MEDIA:
        raise OfferRefused(f"an offer has 1 to {MAX_MEDIA} m= lines, not {len(media)}")
    for each in media:
        if not (each.ice and each.ice.usernameFragment and each.ice.password and each.dtls and each.dtls.fingerprints):
            raise OfferRefused("the offer lacks ice-ufrag, ice-pwd or fingerprint: WebRTC needs all of them")
    sends = {each.kind for each in media if each.direction in ("sendonly", "sendrecv")}
    receives = {each.kind for each in media if each.direction in ("recvonly", "sendrecv")}
    return Offer(clean, frozenset(sends), frozenset(receives))


def candidates(fragment: str) -> list[RTCIceCandidate]:
    """The candidates of a fragment (application/trickle-ice-sdpfrag, RFC 8840), of names alone left out.

    Raises OfferRefused.
    """
    if len(fragment) > MAX_FRAGMENT:
        raise OfferRefused(f"a fragment has at most {MAX_FRAGMENT} characters")
    found, mid = [], None
    for line in fragment.splitlines():
        if line.startswith("a=mid:"):
            mid = line[6:].strip()
        elif line.startswith("a=candidate:") and _is_usable(line):
            try:
                candidate = sdp.candidate_from_sdp(line[len("a=candidate:") :].strip())
            except Exception as err:
                raise OfferRefused(f"this is no candidate ({line[:80]}): see RFC 8839, 5.1") from err
            candidate.sdpMid, candidate.sdpMLineIndex = mid, 0 if mid is None else None
            found.append(candidate)
    return found


def picture_codec(answer: str) -> str | None:
    """Of PICTURE_CODECS, the one that an answer has first; None where no picture was agreed."""
    for media in sdp.SessionDescription.parse(answer).media:
        if media.kind == "video" and media.port and media.rtp.codecs:
            for codec in media.rtp.codecs:
                if codec.name.lower() in PICTURE_CODECS:
                    return codec.name.lower()
    return None


class Positions:
    """RTP timestamps as positions that go on: samples since the first packet."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._last = 0

    def of(self, timestamp: int) -> int:
        """The position; a packet that comes late has one before the last's, and none is below 0."""
        if self._first is None:
            self._first = self._last = timestamp
        ahead = (timestamp - self._last) % _WRAP
        unwrapped = self._last + (ahead if ahead < _WRAP // 2 else ahead - _WRAP)
        self._last = max(self._last, unwrapped)
        return max(0, unwrapped - self._first)


def _is_usable(line: str) -> bool:
    """Not candidates of names (mDNS): they are to be asked for on the peer's network, and its checks reach us as well.

    Nor TCP's: aioice has none. Nor their end, which would make aioice give up a peer of names alone, as Firefox is.
    """
    if not line.startswith("a=candidate:"):
        return line.strip() != "a=end-of-candidates"
    fields = line.split()
    return len(fields) > 5 and fields[2].lower() == "udp" and not fields[4].endswith(".local")
