"""What the commands that send have in common: the token, and what a terminal shows meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from txt2vid.errors import MediaError, UsageError

if TYPE_CHECKING:
    from txt2vid.sender.client import Client
    from txt2vid.sender.sources import Source


def view(client: Client, source: Source) -> Callable[[], Coroutine[None, None, None]] | None:
    """The meter where there is a terminal, and it is about sound; what an ear understands where there is one."""
    from txt2vid.sender.meter import Meter
    from txt2vid.sender.spoken import SpokenText
    from txt2vid.sender.transcript import Transcript

    if not sys.stderr.isatty():
        return None
    keys = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
    if isinstance(source, SpokenText):
        return Transcript(client, source, sys.stderr, keys).show
    return Meter(client, sys.stderr, keys).show if client.sounds else None


def token_of(given: dict[str, Any]) -> str | None:
    """The server's token, from an option, a file or the environment (an option's file goes before the environment)."""
    from txt2vid.core import wire

    path: Path | None = given["token_file"]
    token: str | None = given["token"]
    if path is not None:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as err:
            raise MediaError(f"{path} cannot be read ({err}): give --token-file a file with the token") from err
    if token is not None and not 0 < len(token) <= wire.MAX_TOKEN:
        raise UsageError(f"a token has 1 to {wire.MAX_TOKEN} characters: copy the server's once more")
    return token
