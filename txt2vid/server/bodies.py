"""Small texts that come with a request, and answers instead of what it wanted."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse

from txt2vid.server import limits

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
JSON = "application/json"


class Answer(Exception):  # noqa: N818 - not an error of ours
    """What a request is answered with instead of what it wanted."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = PlainTextResponse(f"{message}\n", status)


async def text_of(request: Request, kind: str, most: int = limits.SDP_BYTES) -> str:
    """The body. most: bytes. Raises Answer where it is another kind, too long, or does not come whole."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise Answer(415, f"the body must be {kind}")
    data = b""
    try:
        async for part in request.stream():
            data += part
            if len(data) > most:
                raise Answer(413, f"the body has more than {most} bytes")
    except ClientDisconnect as err:
        raise Answer(400, "the body did not come whole") from err
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        raise Answer(400, "the body is no UTF-8") from err
