"""Around the application: refuses what `auth` refuses, and adds the headers that every answer has."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from txt2vid.server.auth import Access, Asked

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
    """ASGI middleware. open_paths: what needs no token, the page's own files among them."""

    def __init__(self, app: ASGIApp, access: Access, open_paths: frozenset[str]) -> None:
        self._app, self._access, self._open_paths = app, access, open_paths

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

        refusal = self._access.refusal(self._asked(scope))
        if refusal is None:
            await self._app(scope, receive, adding)
            return
        answer = PlainTextResponse(f"{refusal.message}\n", refusal.status)
        if refusal.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="txt2vid"'
        await answer(scope, receive, adding)

    def _asked(self, scope: Scope) -> Asked:
        headers, path = Headers(scope=scope), scope["path"]
        tokens = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=None).get("token", [])
        return Asked(
            kind="websocket" if scope["type"] == "websocket" else "http",
            host=headers.get("host"),
            origin=headers.get("origin"),
            authorization=headers.get("authorization"),
            token=tokens[0] if tokens else None,
            open_to_all=path in self._open_paths or path.startswith("/static/"),
            secure=scope.get("scheme") in ("https", "wss"),
            viewing=path.startswith(("/s/", "/stream.", "/captions", "/api/", "/whep/")),
            changes=scope.get("method", "GET") not in ("GET", "HEAD"),
        )
