"""SDP and candidates, good and bad."""

from __future__ import annotations

import pytest

from txt2vid.transports.signalling import OfferRefused, credentials

pytest.importorskip("aiortc")
from txt2vid.transports import offers

OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {hex}
a=setup:actpass
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {hex}
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
""".format(hex=":".join(["AB"] * 32))
CANDIDATE = "a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host generation 0 ufrag abcd"


def test_an_offer_tells_what_goes_which_way() -> None:
    offer = offers.parse(OFFER.replace("\n", "\r\n"))
    assert (set(offer.sends), set(offer.receives)) == ({"audio"}, {"video"})


def test_a_peer_of_names_alone_is_not_given_up() -> None:
    named = "a=candidate:0 1 UDP 2122187007 da4131e9-7d4c-4f96-9e2c-c52bf9791a91.local 36097 typ host\n"
    offer = offers.parse(OFFER.replace("a=mid:0\n", f"a=mid:0\n{named}a=end-of-candidates\n"))
    assert "candidate" not in offer.sdp


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v=0", "x=0"),
        ("a=ice-ufrag:abcd\n", ""),
        ("a=ice-pwd:abcdefghijklmnopqrstuv\n", ""),
        ("a=fingerprint", "a=finger"),
        ("m=audio 9", "m=audio nine"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111"),
        ("a=rtpmap:111 opus/48000/2", "a=rtpmap:x opus/48000/2"),
        ("a=mid:1", "a=mid:1\na=ssrc:x y:z"),
        ("a=candidate", "a=candidate"),
    ],
)
def test_what_is_wrong_with_an_offer_is_said_in_a_line(old: str, new: str) -> None:
    text = OFFER.replace(old, new)
    if text == OFFER:
        text += "m=\n"
    with pytest.raises(OfferRefused) as caught:
        offers.parse(text)
    assert str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "hello", "v=0", "v=0\r\n", "\x00" * 100, "v=0\n" + "m=audio 9 X 0\n" * 50])
def test_what_is_no_offer(text: str) -> None:
    with pytest.raises(OfferRefused):
        offers.parse(text)


def test_too_much_is_refused() -> None:
    with pytest.raises(OfferRefused, match="characters"):
        offers.parse(OFFER + "a=x:" + "y" * offers.MAX_SDP)
    with pytest.raises(OfferRefused, match="candidates"):
        offers.parse(OFFER + f"{CANDIDATE}\n" * (offers.MAX_CANDIDATES + 1))
    head, media = OFFER.split("m=video")
    with pytest.raises(OfferRefused, match="m= lines"):
        offers.parse(head + ("m=video" + media) * 4)
    with pytest.raises(OfferRefused, match="characters"):
        offers.candidates("a=mid:0\n" + f"{CANDIDATE}\n" * 1000)


def test_candidates_of_a_fragment() -> None:
    text = f"a=ice-ufrag:abcd\na=ice-pwd:xyz\nm=audio 9 RTP/AVP 0\na=mid:0\n{CANDIDATE}\n"
    odd = (
        "a=candidate:2 1 udp 1 8c1d5c48-0e1a-4d1c.local 5000 typ host\n"
        "a=candidate:3 1 tcp 1 192.0.2.7 9 typ host tcptype active\n"
    )
    (found,) = offers.candidates(text + odd + "a=end-of-candidates\n")
    assert (found.ip, found.port, found.sdpMid) == ("192.0.2.7", 54321, "0")
    assert credentials(text) == ("abcd", "xyz")
    assert credentials("") == ("", "")
    assert offers.candidates("") == []


@pytest.mark.parametrize(
    "line", ["a=candidate:1 1 udp x 192.0.2.7 54321 typ host", "a=candidate:1 1 udp 1 192.0.2.7 y typ"]
)
def test_candidates_that_are_none(line: str) -> None:
    with pytest.raises(OfferRefused):
        offers.candidates(f"a=mid:0\n{line}\n")


def test_positions_go_on_where_timestamps_wrap() -> None:
    positions = offers.Positions()
    begin = (1 << 32) - 1920
    assert [positions.of((begin + at) % (1 << 32)) for at in (0, 960, 1920, 2880, 1920, 3840)] == [
        0,
        960,
        1920,
        2880,
        1920,
        3840,
    ]
    assert positions.of(begin - 960) == 0
