"""`txt2vid play`: a server's stream in ffplay or mpv."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import click

from txt2vid.errors import FFmpegError, MediaError, ServerError, UsageError
from txt2vid.interrupts import apart

DEFAULT = "http://127.0.0.1:8080/stream.ts"
SECONDS = 10.0  # without an answer, or a byte: a live stream sends thirty times a second
READ_BYTES = 65_536
_HELP = f"""Watch a server that runs `txt2vid serve`. [default: {DEFAULT}]

\b
txt2vid play
txt2vid play http://example.org:8080/s/anna/stream.ts
TXT2VID_TOKEN=… txt2vid play https://example.org

Ctrl-C, or q in the window, ends it.
"""


@click.command(name="play", help=_HELP)
@click.argument("url", required=False, default=DEFAULT)
@click.option(
    "--token", metavar="T", envvar="TXT2VID_TOKEN", help="The server's token; others see it in the process list."
)
@click.option("--token-file", type=click.Path(path_type=Path), metavar="FILE", help="A file that holds the token.")
@click.option("--ca", metavar="FILE|SHA256", help="Of https://: trust this certificate, too: a file, or its SHA-256.")
@click.option("--fullscreen", is_flag=True, help="Fill the screen.")
@click.option("--player", type=click.Choice(["ffplay", "mpv"]), default="ffplay", show_default=True, help="Who plays.")
def command(url: str, token: str | None, token_file: Path | None, ca: str | None, fullscreen: bool, player: str) -> int:
    """Play until the window is closed, or the stream ends."""
    from txt2vid.ffmpeg.player import find_player
    from txt2vid.sender.trust import trusting

    url = stream_url(url)
    find_player(player)
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            raise MediaError(f"token file {token_file} cannot be read: check its name") from err
    if token is not None and not all("!" <= character <= "~" for character in token):
        raise UsageError("a token is of ASCII, without spaces: copy the server's once more")
    with connect(url, token, trusting(ca, url) if ca is not None else None) as stream:
        return _play(stream, url, player, fullscreen=fullscreen)


def stream_url(text: str) -> str:
    """The URL of a stream as people write it: "host:8080" and "http://host:8080/" mean its /stream.ts.

    Raises UsageError where it is none.
    """
    url = text if "://" in text else f"http://{text}"
    parts = None
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:
        fine = False
    if parts is None or not fine or any(character.isspace() or not character.isprintable() for character in url):
        raise UsageError(f"{text!r} is no address of a stream: write, for instance, {DEFAULT}")
    return parts._replace(path="/stream.ts").geturl() if parts.path in ("", "/") else url


def connect(url: str, token: str | None, trust: ssl.SSLContext | None = None) -> HTTPResponse:
    """The stream, opened. trust: of https://, None for whom the system trusts.

    Raises ServerError, which says what to type next.
    """
    request = Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})  # noqa: S310 - http(s) alone
    try:
        response: HTTPResponse = urlopen(request, timeout=SECONDS, context=trust)  # noqa: S310
    except HTTPError as err:
        err.close()
        raise ServerError(_refused(url, err.code, token)) from err
    except (URLError, OSError, HTTPException) as err:
        raise ServerError(_unreached(url, err)) from err
    kind = response.headers.get_content_type()
    if not kind.startswith(("video/", "application/octet-stream")):
        response.close()
        raise ServerError(f"{url.partition('?')[0]} is no video, but {kind}: txt2vid play {_place(url)}/stream.ts")
    return response


def _unreached(url: str, err: Exception) -> str:
    """What is between us and the server, and what to type."""
    from txt2vid.sender.trust import distrust

    why = getattr(err, "reason", err)
    if isinstance(why, Exception) and (doubt := distrust(why)):
        return f"{_place(url)}: {doubt[0]}: {doubt[1]}"
    if isinstance(why, ssl.SSLError):
        return f"{_place(url)} speaks no TLS: write http:// instead of https://"
    return f"{_place(url)} cannot be reached ({why}): start it there with txt2vid serve"


def _refused(url: str, code: int, token: str | None) -> str:
    """What an HTTP status of a refusal means, and what to type."""
    shown = url.partition("?")[0]
    if code in (401, 403):
        wrong = "takes no such token" if token else "wants a token"
        return f"{_place(url)} {wrong}: add --token-file FILE, or set TXT2VID_TOKEN to what it was started with"
    if code == 404:
        return f"{shown} does not exist: {_place(url)} lists its streams in a browser"
    if code == 503:
        return f"{shown} has no room for another viewer: try again later, or start it with a larger --max-viewers"
    if code == 400 and url.startswith("http:"):
        return f"{shown} is refused (HTTP 400), as plain http is where TLS is spoken: write https:// instead"
    return f"{shown} is refused (HTTP {code}): look at what its server logs"


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _play(stream: HTTPResponse, url: str, name: str, *, fullscreen: bool) -> int:
    """We read, and the player gets the bytes on its stdin: its command line, which others see, holds no token."""
    from txt2vid.ffmpeg.player import player_command

    title = f"txt2vid {url.partition('?')[0]}"
    player: list[subprocess.Popen[bytes]] = []
    source, sink = os.pipe()
    words = player_command(name, "pipe:0", title, fullscreen=fullscreen)

    def start() -> None:
        try:
            player.append(subprocess.Popen(words, stdin=source, stderr=subprocess.PIPE, start_new_session=True))
        finally:
            os.close(source)

    failures: list[OSError] = []
    pump = threading.Thread(target=_copy, args=(stream, sink, failures), name="play", daemon=True)
    try:
        apart(start)
        pump.start()
        _, errors = player[0].communicate()
    except OSError as err:
        raise FFmpegError(f"{name} cannot be started ({err.strerror}): install it again") from err
    finally:
        for process in player:
            process.kill()
            process.wait()
        if not pump.ident:
            os.close(sink)
    return _ended(player[0].returncode, errors, failures, url, name)


def _copy(stream: HTTPResponse, sink: int, failures: list[OSError]) -> None:
    """The stream into the player, until one of them ends."""
    try:
        while data := stream.read1(READ_BYTES):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(sink, rest) :]
    except BrokenPipeError:
        pass  # the player was closed
    except HTTPException:  # the end of the stream did not come
        failures.append(OSError("the server is gone"))
    except (OSError, ValueError, AttributeError) as err:  # the last: http.client's, of a stream closed meanwhile
        failures.append(err if isinstance(err, OSError) else OSError(str(err)))
    finally:
        with suppress(OSError):
            os.close(sink)


def _ended(code: int, errors: bytes, failures: list[OSError], url: str, name: str) -> int:
    from txt2vid.ffmpeg.program import last_words

    if failures:
        raise ServerError(f"the stream of {_place(url)} broke off ({failures[0]}): txt2vid play again")
    if code:
        hint = (
            "connect a screen, or open the server's page in a browser"
            if b"SDL" in errors or b"ideo" in errors
            else "try --player mpv"
        )
        raise FFmpegError(f"{name} failed ({last_words(errors.decode(errors='replace'))}): {hint}")
    return 0
