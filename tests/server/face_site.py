"""A page that draws a face by itself: the pages' files, one face's bundle, and how its picture is taken."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from tests.server.browsers import Browser
from tests.server.page_site import PAGES
from txt2vid.core.media import Pixels
from txt2vid.core.motion import Motion

SOFTWARE = ("--enable-unsafe-swiftshader",)  # Chromium's WebGL without a graphics card
BLANK = b"<!doctype html><title>face</title><link rel=icon href=data:,>"
SHOW = """(async () => {
  const [{readRig}, {FaceGl}] = await Promise.all([import("/rigfile.js"), import("/facegl.js")]);
  const canvas = document.createElement("canvas");
  document.body.append(canvas);
  window.face = new FaceGl(canvas);
  face.show(await readRig(await (await fetch("/rig")).arrayBuffer()));
})()"""
DRAW = """(() => {
  face.draw(%s);
  const {width, height} = face.canvas, gl = face.canvas.getContext("webgl2"), all = new Uint8Array(width * height * 4);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, all);
  let text = "";
  for (let at = 0; at < all.length; at += 30000) text += String.fromCharCode(...all.subarray(at, at + 30000));
  return {width, height, pixels: btoa(text), error: gl.getError()};
})()"""


@contextmanager
def face_site(bundle: bytes) -> Iterator[str]:
    """Serves the pages, and the bundle at /rig; gives the address of a page that is empty."""
    more = {"/rig": bundle, "/blank": BLANK}

    class Files(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in more:
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if self.path == "/blank" else "application/octet-stream")
            self.end_headers()
            self.wfile.write(more[self.path])

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=PAGES)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/blank"
        finally:
            server.shutdown()


def drawn(page: Browser, motion: Motion) -> Pixels:
    """The browser's picture (height, width, 3) of the motion, BGR; the page has run SHOW."""
    told = {name: getattr(motion, name).tolist() for name in ("blendshapes", "rotation", "translation", "gaze")}
    seen = page.run(DRAW % json.dumps(told))
    assert seen["error"] == 0
    whole = np.frombuffer(base64.b64decode(seen["pixels"]), np.uint8)
    return np.ascontiguousarray(whole.reshape(seen["height"], seen["width"], 4)[::-1, :, 2::-1])


def psnr(one: Pixels, other: Pixels) -> float:
    """Decibels."""
    error = float(((one.astype(float) - other.astype(float)) ** 2).mean())
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
