"""A server whose rooms are as a test wants them: python short_lived.py FACE MANNER, a picture and JSON of a Manner."""

import json
import sys
from pathlib import Path

from txt2vid.core.options import EngineOptions
from txt2vid.server.calls.rooms import Manner
from txt2vid.server.faces import parse_faces
from txt2vid.server.run import serve
from txt2vid.server.settings import Address, Settings


def announce(address: Address) -> None:
    """Where it serves, as `txt2vid serve --json` has it."""
    sys.stdout.write(json.dumps({"url": f"http://{address.authority}/"}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    face, manner = Path(sys.argv[1]), Manner(**json.loads(sys.argv[2]))
    faces = parse_faces([f"hero={face}", f"twin={face}"], 128)
    serve(Settings(faces, port=0, engine=EngineOptions("mesh"), workers=1, calls=manner), announce)
