"""`txt2vid serve`: faces that speak live, for anyone who watches."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from txt2vid.cli.engine import engine_options, parsed_engine
from txt2vid.cli.speaker import check_speaker, speaker_options, voice_options
from txt2vid.core.clock import parse_fps
from txt2vid.core.expressions import parse_mood
from txt2vid.core.options import parse_size, parse_unknown_tags
from txt2vid.errors import DependencyError, MediaError, UsageError
from txt2vid.server.auth import Access
from txt2vid.server.ice import IceServers
from txt2vid.server.limits import MAX_CAMERAS, MAX_SESSIONS, MAX_VIEWERS
from txt2vid.server.settings import DEFAULT_HOST, DEFAULT_PORT, LIVE_SIZE, Address, Settings, Tls

FILE = click.Path(path_type=Path)
TOKENLESS, WATCH_TOKENLESS = "TOKEN", "WATCH_TOKEN"  # what is printed in their places: screens are shared
_HELP = """Serve faces that speak live: a page, streams for any player, and a place for senders, on one port.

\b
txt2vid serve --face hero.png
txt2vid serve --face anna=anna.jpg --face bob=bob.mp4 --port 8000
txt2vid serve --face hero.png --audio hello.m4a --loop
txt2vid serve --face hero.png --host 0.0.0.0 --token "$(openssl rand -hex 16)" --tls-self-signed

Then, from anywhere: txt2vid send --mic, and txt2vid play. Ctrl-C ends it.
"""


@click.command(name="serve", help=_HELP)
@click.option("--face", "faces", multiple=True, metavar="[NAME=]FACE", help="A picture, a video, or a folder of them.")
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="Where to listen; other than loopback: --token.")
@click.option("--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0: any.")
@click.option("--token", envvar="TXT2VID_TOKEN", metavar="TOKEN", help="What senders and viewers must know.")
@click.option("--token-file", type=FILE, metavar="FILE", help="The same, from a file.")
@click.option(
    "--watch-token", envvar="TXT2VID_WATCH_TOKEN", metavar="TOKEN", help="Another, for who shall watch and not speak."
)
@click.option("--watch-token-file", type=FILE, metavar="FILE", help="The same, from a file.")
@click.option("--public-viewing", is_flag=True, help="Watching needs no token.")
@click.option("--tls-cert", type=FILE, metavar="FILE", help="Speak TLS (https, wss): the certificate, in PEM form.")
@click.option("--tls-key", type=FILE, metavar="FILE", help="Its key.")
@click.option(
    "--tls-self-signed", is_flag=True, help="Speak TLS with a certificate made now: for a try in one network."
)
@click.option("--tls-save", type=FILE, metavar="FILE", help="Write that one there, for send --ca and play --ca.")
@engine_options
@click.option("--fps", metavar="N", help="Frames a second. [default: the video's, or 25]")
@click.option("--size", metavar="N", help=f"Pixels of the longer side. [default: {LIVE_SIZE}]")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes that draw. [default: the cores]")
@click.option("--max-sessions", type=click.IntRange(min=1), default=MAX_SESSIONS, show_default=True, help="At once.")
@click.option("--max-viewers", type=click.IntRange(min=1), default=MAX_VIEWERS, show_default=True, help="At once.")
@click.option("--max-cameras", type=click.IntRange(min=1), default=MAX_CAMERAS, show_default=True, help="Of /mesh.")
@click.option("--audio", type=FILE, metavar="FILE", help="Play this in the first face, once somebody watches.")
@click.option("--text-file", type=FILE, metavar="FILE", help="Or speak this.")
@click.option("--loop", is_flag=True, help="Again and again.")
@voice_options
@click.option("--expression", metavar="NAME[:STRENGTH]", help="The faces' mood, where a sender sets none.")
@click.option("--unknown-tags", default="speak", metavar="HOW", help="speak, refuse or drop what is no tag.")
@click.option("--publish", multiple=True, metavar="URL", help="Also send the first face's stream there: rtmp, srt, …")
@click.option("--ice-server", "ice", multiple=True, metavar="URL", help="For WebRTC: stun:HOST:3478 or turn:HOST:3478.")
@click.option("--turn-secret-file", type=FILE, metavar="FILE", help="The TURN servers' static-auth-secret.")
@click.option("--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of all that is random. [default: 0]")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Of the lines on stderr.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Pages of this site may speak, too.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Answer to this name, too.")
@click.option("--mark", is_flag=True, hidden=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout when ready.")
@click.pass_context
def command(context: click.Context, /, as_json: bool, log_format: str, **options: Any) -> int:
    """Serve until Ctrl-C or SIGTERM. Returns 0 then."""
    settings = _settings(options)
    try:
        from txt2vid.server import logs
        from txt2vid.server.run import serve
    except ModuleNotFoundError as err:
        raise DependencyError(f"serve needs {err.name}: pip install 'txt2vid[serve]'") from err
    root = context.find_root()
    logs.configure("json" if log_format == "json" else "text", debug=bool(root.params.get("debug")))
    serve(settings, lambda address: _announce(address, settings, as_json=as_json))
    return 0


def _settings(given: dict[str, Any]) -> Settings:
    """What the options ask for. Raises UsageError where they make no sense."""
    if given["audio"] and given["text_file"]:
        raise UsageError("--audio and --text-file are two things to say: leave one out")
    if given["loop"] and not (given["audio"] or given["text_file"]):
        raise UsageError("--loop repeats a file: add --audio FILE or --text-file FILE")
    fps = parse_fps(given["fps"]) if given["fps"] is not None else None
    size = parse_size(given["size"]) if given["size"] is not None else LIVE_SIZE
    engine = parsed_engine(given)
    speaker = speaker_options(given)
    check_speaker(speaker)
    parse_unknown_tags(given["unknown_tags"])
    mood = parse_mood(given["expression"]) if given["expression"] is not None else None
    access = _access(given)
    ice = IceServers.of(given["ice"], _secret(given["turn_secret_file"], "TURN secret file"))
    tls = Tls.of(given["tls_cert"], given["tls_key"], given["tls_save"], self_signed=given["tls_self_signed"])
    from txt2vid.server.faces import parse_faces  # numpy and more: not for a mistyped option

    same = {field.name: given[field.name] for field in fields(Settings) if field.name in given}
    faces = parse_faces(given["faces"], size, given["detector"] or "mesh")
    made = {"faces": faces, "access": access, "fps": fps, "engine": engine, "speaker": speaker, "expression": mood}
    made |= {"ice_servers": ice, "tls": tls}
    return Settings(**{**same, **made})


def _secret(path: Path | None, what: str) -> str | None:
    """What a file holds, without the line's end. Raises MediaError."""
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise MediaError(f"{what} {path} cannot be read: openssl rand -hex 16 > {path} makes one") from err


def _token(given: dict[str, Any], name: str) -> str | None:
    """What is in its file, else what the option or the environment says. An empty file is no missing token."""
    found = _secret(given[f"{name}_file"], name.replace("_", " ") + " file")
    return given[name] if found is None else found


def _access(given: dict[str, Any]) -> Access:
    return Access.of(
        given["host"],
        _token(given, "token"),
        watch_token=_token(given, "watch_token"),
        public_viewing=given["public_viewing"],
        hosts=given["allow_host"],
        origins=given["allow_origin"],
    )


def _announce(address: Address, settings: Settings, *, as_json: bool) -> None:
    """Says on stdout what to type now; with --json one object. The token is not repeated: screens are shared."""
    access, http = settings.access, address.http
    streams = {kind: f"{http}/stream.{kind}" for kind in ("ts", "mp4", "mkv", "avi")}
    if as_json:
        told = {"url": f"{http}/", "speak": address.speak, "streams": streams, "session": address.session}
        proof = {} if address.fingerprint is None else {"fingerprint": address.fingerprint}
        click.echo(json.dumps({**told, **proof, "pid": os.getpid()}))
        return
    default = address.port == DEFAULT_PORT and address.host == DEFAULT_HOST and address.fingerprint is None
    query = "" if access.token is None or access.public_viewing else f"?token={TOKENLESS}"
    play = "" if default and not query else f" '{streams['ts']}{query}'" if query else f" {streams['ts']}"
    send = "" if default else f" {address.speak}"
    ask = "" if access.token is None else f" --token {TOKENLESS}"
    made = settings.tls is not None and settings.tls.certificate is None
    trust = f" --ca {address.fingerprint}" if made else ""
    click.echo(f"page:   {http}/{query}")
    click.echo(f"watch:  txt2vid play{play}{trust}   (or ffplay, mpv, VLC: {streams['ts']}{query})")
    click.echo(f"speak:  txt2vid send{send} --mic{ask}{trust}")
    if access.watch_token is not None:
        click.echo(f"share:  {http}/?token={WATCH_TOKENLESS}   (who has this link can watch, and not speak)")
    if address.fingerprint is not None:
        click.echo(f"proof:  a certificate for {', '.join(address.names) or 'nobody'}")
    if made:
        click.echo(f"        self-signed, so browsers warn of it: compare its SHA-256, {address.fingerprint}")
