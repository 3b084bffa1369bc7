"""A program of its own, for a network namespace: speaks and watches by WHIP and WHEP, with the server's ICE servers.

Arguments: the server's URL, its token, seconds. Prints one JSON object: pictures, loud (sounds), pair (of candidates).
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from tests.server.peers import SDP, Tone, drained

LINK = re.compile(r'<([^>]+)>; rel="ice-server"(?:; username="([^"]+)"; credential="([^"]+)")?')


def asked(method: str, url: str, token: str, body: str = "") -> tuple[str, list[str]]:
    """The answer's body and its Link headers."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": SDP}
    host, slash, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request(method, slash + path, body.encode(), headers)
        answer = connection.getresponse()
        return answer.read().decode(), answer.headers.get_all("Link") or []
    finally:
        connection.close()


def servers(links: list[str]) -> list[RTCIceServer]:
    found = [LINK.match(link) for link in links]
    return [RTCIceServer(each[1], each[2], each[3]) for each in found if each]


async def main(url: str, token: str, seconds: float) -> dict[str, Any]:
    _, links = asked("OPTIONS", f"{url}/whip/hero", token)
    config = RTCConfiguration(iceServers=servers(links))
    down, up = RTCPeerConnection(config), RTCPeerConnection(config)
    up.addTransceiver(Tone(), "sendonly")
    got: dict[str, list[Any]] = {"audio": [], "video": []}
    tasks = []
    down.on("track", lambda track: tasks.append(asyncio.ensure_future(drained(track, got[track.kind]))))
    for kind in got:
        down.addTransceiver(kind, "recvonly")
    for peer, path in ((down, "whep"), (up, "whip")):
        await peer.setLocalDescription(await peer.createOffer())
        answer, _ = await asyncio.to_thread(asked, "POST", f"{url}/{path}/hero", token, peer.localDescription.sdp)
        await peer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
    await asyncio.sleep(seconds)
    agent = down.getTransceivers()[0].receiver.transport.transport._connection
    pair = [pair.local_candidate.type for pair in agent._nominated.values()]
    await asyncio.gather(down.close(), up.close())
    await asyncio.gather(*tasks)
    loud = sum(float(np.abs(frame.to_ndarray().astype(float)).mean()) > 1000 for frame in got["audio"])
    return {"pictures": len(got["video"]), "sounds": len(got["audio"]), "loud": loud, "pair": pair}


if __name__ == "__main__":
    json.dump(asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]))), sys.stdout)
