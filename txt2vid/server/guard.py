"""Around the application: refuses what `auth` refuses, and adds the headers that every answer has.

What a pass lets in ends with the pass: the application is told that whoever asked has hung up.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from txt2vid.server.auth import Access, Asked, bearer
from txt2vid.server.calls.passes import HELD, Pass, Passes

_LOOKING = ("GET", "HEAD")
_VIEWS = ("/s/", "/stream.", "/captions", "/api/")
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; media-src blob: 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # a URL may hold a token
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware. open_paths: what needs no token, the page's own files among them. passes: of calls."""

    def __init__(self, app: ASGIApp, access: Access, open_paths: frozenset[str], passes: Passes) -> None:
        self._app, self._access, self._open_paths, self._passes = app, access, open_paths, passes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what is let in."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def adding(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        private, held = self._passed(scope)
        refusal = self._access.refusal(_asked(scope, self._is_open(scope), held is not None if private else None))
        if refusal is None and held is not None:
            await _while_valid(self._app, held, scope, receive, adding)
            return
        if refusal is None:
            await self._app(scope, receive, adding)
            return
        answer = PlainTextResponse(f"{refusal.message}\n", refusal.status)
        if refusal.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="txt2vid"'
        await answer(scope, receive, adding)

    def _passed(self, scope: Scope) -> tuple[bool, Pass | None]:
        """Whether a request is about a private session, and the pass that lets it in."""
        about = self._passes.private(scope["path"])
        if about is None:
            return False, None
        session, deed = about
        tokens = (bearer(Headers(scope=scope).get("authorization")), token(scope))
        return True, self._passes.holder(session, deed, tokens)

    def _is_open(self, scope: Scope) -> bool:
        """Whether no token is needed: whoever has a call's link may join, and what is below it wants a pass;
        what is below /mesh asks for the token itself, since a shared link's key will do.
        """
        path = scope["path"]
        if path in self._open_paths or path.startswith(("/static/", "/call/", "/mesh/")) or path == "/mesh":
            return True
        if path.startswith("/s/") and path.endswith("/face"):  # a page, which asks for the token itself
            return bool(scope["type"] == "http")
        return path == "/call" and scope.get("method") in _LOOKING


def token(scope: Scope) -> str | None:
    """The token of a request's query."""
    found = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None).get("token", [])
    return found[0] if found else None


def _is_viewing(scope: Scope) -> bool:
    """Whether a request only looks: WHEP's do so by POST, and end by DELETE; all others by GET."""
    if scope["path"].startswith("/whep/"):
        return True
    return scope.get("method", "GET") in _LOOKING and scope["path"].startswith(_VIEWS)


def _asked(scope: Scope, open_to_all: bool, passed: bool | None) -> Asked:
    headers = Headers(scope=scope)
    return Asked(
        kind="websocket" if scope["type"] == "websocket" else "http",
        host=headers.get("host"),
        origin=headers.get("origin"),
        authorization=headers.get("authorization"),
        token=token(scope),
        open_to_all=open_to_all,
        viewing=_is_viewing(scope),
        secure=scope.get("scheme") in ("https", "wss"),
        changes=scope.get("method", "GET") not in _LOOKING,
        passed=passed,
    )


async def _while_valid(app: ASGIApp, held: Pass, scope: Scope, receive: Receive, send: Send) -> None:
    """Runs the application until it is done; once the pass dies, it hears that its peer is gone."""
    over: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    answer = _Answer(send)

    async def listen() -> Message:
        message: asyncio.Future[Any] = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([message, over], return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": f"{scope['type']}.disconnect"}
        finally:
            message.cancel()

    forget = held.at_end(lambda: None if over.done() else over.set_result(None))
    try:
        await app({**scope, HELD: held}, listen, answer)
    finally:
        forget()
    if held.over and scope["type"] == "http":
        await answer.finish()


class _Answer:
    """Passes an answer on, and can end it where the application left in its middle."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = self._ended = False

    async def __call__(self, message: Message) -> None:
        self._begun = True
        self._ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """The last word, unless it was said."""
        if self._begun and not self._ended:
            await self({"type": "http.response.body", "body": b""})
