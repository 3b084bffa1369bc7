"""`txt2vid devices`: the microphones of this machine."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from txt2vid.errors import AudioError


@click.command(name="devices")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def command(as_json: bool) -> int:
    """List the microphones: their number or a part of their name is for `txt2vid send --mic --device`."""
    from txt2vid.sender.microphone import devices, portaudio

    with portaudio() as system:
        found = devices(system)
    if not found:
        raise AudioError("this machine has no microphone: connect one, or send a file with txt2vid send --file FILE")
    if as_json:
        click.echo(json.dumps({"devices": [asdict(device) for device in found]}, ensure_ascii=False))
        return 0
    for device in found:
        mark = "*" if device.default else " "
        click.echo(f"{mark} {device.index:3}  {device.name}  ({device.rate} Hz)")
    if any(device.default for device in found):
        click.echo("* is what txt2vid send --mic uses unless --device says otherwise", err=True)
    return 0
