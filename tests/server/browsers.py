"""Real browsers without a screen, driven alike: Chromium by its DevTools protocol, Firefox by WebDriver BiDi."""

from __future__ import annotations

import base64
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from websockets.sync.client import ClientConnection

from tests.server.launch import PATIENCE, POLL, launched

TRAP = """() => {
  window.trouble = [];
  addEventListener("securitypolicyviolation", (it) => trouble.push(`${it.violatedDirective} ${it.blockedURI}`));
  addEventListener("error", (event) => trouble.push(`error ${event.message}`));
  addEventListener("unhandledrejection", (event) => trouble.push(`rejection ${event.reason}`));
}"""
ELSEWHERE = "faces.test"  # a name of this machine that browsers take for another one's
Json = dict[str, Any]


class Browser(ABC):
    """A window with one page. `problems`: errors that the page wrote to the console."""

    name: str

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.problems: list[str] = []

    @abstractmethod
    def goto(self, url: str) -> None:
        """Open a page and wait until it is loaded."""

    @abstractmethod
    def leave(self) -> None:
        """Open an empty page; problems are forgotten."""

    @abstractmethod
    def evaluate(self, expression: str) -> str:
        """A JavaScript expression's value (awaited), which must be a string."""

    @abstractmethod
    def click_at(self, x: float, y: float) -> None:
        """Press and release the left button there, in CSS pixels of the viewport."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Tab, Enter, Space, c or m."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Set the viewport."""

    @abstractmethod
    def dark_and_calm(self) -> None:
        """Ask for dark pages with reduced motion, as a person's system does, from now on."""

    @abstractmethod
    def picture(self) -> bytes:
        """The viewport as PNG."""

    @abstractmethod
    def _event(self, method: str, params: Json) -> None: ...

    def run(self, expression: str) -> Any:
        """A JavaScript expression's value, awaited, as Python."""
        return json.loads(self.evaluate(f"(async () => JSON.stringify((await ({expression})) ?? null))()"))

    def until(self, expression: str, seconds: float = PATIENCE) -> Any:
        """Wait until an expression is true; gives its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < end, f"never true: {expression}; page: {self.run('document.body.innerText')}"
            time.sleep(POLL)
        return value

    def click(self, selector: str) -> None:
        """Click into the middle of an element, as a hand would."""
        box = f"document.querySelector({selector!r})"
        self.run(f"{box}.scrollIntoView({{block: 'nearest'}})")
        place = self.run(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box}.getBoundingClientRect())"
        )
        self.click_at(*place)

    def forget(self) -> None:
        """No trouble so far."""
        self.problems.clear()
        self.run("void (window.trouble = [])")

    def trouble(self) -> list[str]:
        """What went wrong in the page: errors, violations of its policy, messages on the console."""
        return [*self.run("window.trouble"), *self.problems]

    def call(self, method: str, params: Json | None = None, **more: Any) -> Json:
        """One command of the protocol and its result; events that come before it are taken note of."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params or {}, **more}))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE))
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer}"
                return dict(answer["result"])
            if "method" in answer:
                self._event(answer["method"], answer["params"])


class Chromium(Browser):
    """Chromium. Its sound goes nowhere (no device), but its clock runs."""

    name = "chromium"
    _KEYS: ClassVar = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "c": (67, "c"), "m": (77, "m")}
    _KEYS |= {"ArrowRight": (39, ""), "End": (35, ""), **{digit: (ord(digit), digit) for digit in "0123456789"}}

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__(socket)
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._page(f"{domain}.enable")
        self.before_pages(f"({TRAP})()")

    def before_pages(self, script: str) -> None:
        """Run a script in every page from now on, before its own."""
        self._page("Page.addScriptToEvaluateOnNewDocument", source=script)

    def reach_anywhere(self) -> None:
        """Pages from now on may ask other servers, whatever their policy says: for measurements."""
        self._page("Page.setBypassCSP", enabled=True)

    def goto(self, url: str) -> None:
        self.leave()
        self._page("Page.navigate", url=url)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def leave(self) -> None:
        self._page("Page.navigate", url="about:blank")
        self.until("location.href === 'about:blank' && document.readyState === 'complete'")
        self.problems.clear()

    def evaluate(self, expression: str) -> str:
        result = self._page(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=False
        )
        assert "exceptionDetails" not in result, result
        return str(result["result"]["value"])

    def click_at(self, x: float, y: float) -> None:
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self._page("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, clickCount=1)

    def press(self, key: str) -> None:
        code, text = self._KEYS[key]
        about = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": code}
        self._page("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self._page("Input.dispatchKeyEvent", type="keyUp", **about)

    def resize(self, width: int, height: int) -> None:
        self._page("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark_and_calm(self) -> None:
        features = {"prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce"}
        listed = [{"name": name, "value": value} for name, value in features.items()]
        self._page("Emulation.setEmulatedMedia", features=listed)

    def picture(self) -> bytes:
        return base64.b64decode(self._page("Page.captureScreenshot", format="png")["data"])

    def _page(self, method: str, **params: Any) -> Json:
        return self.call(method, params, sessionId=self._session)

    def _event(self, method: str, params: Json) -> None:
        if method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.problems.append(str(params["args"]))


class Firefox(Browser):
    """Firefox."""

    name = "firefox"
    _KEYS: ClassVar = {"Tab": "\ue004", "Enter": "\ue007", "Space": " ", "c": "c", "m": "m"}
    _KEYS |= {"ArrowRight": "\ue014", "End": "\ue010", **{digit: digit for digit in "0123456789"}}

    def __init__(self, socket: ClientConnection, *, trusting: bool) -> None:
        super().__init__(socket)
        self.call("session.new", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": trusting}}})
        self.call("session.subscribe", {"events": ["log.entryAdded"]})
        self.call("script.addPreloadScript", {"functionDeclaration": TRAP})
        self._context = self.call("browsingContext.getTree")["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        self.leave()
        self.call("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def leave(self) -> None:
        self.call("browsingContext.navigate", {"context": self._context, "url": "about:blank", "wait": "complete"})
        self.problems.clear()

    def evaluate(self, expression: str) -> str:
        target = {"context": self._context}
        result = self.call("script.evaluate", {"expression": expression, "target": target, "awaitPromise": True})
        assert result["type"] == "success", result
        return str(result["result"]["value"])

    def click_at(self, x: float, y: float) -> None:
        move = {"type": "pointerMove", "x": round(x), "y": round(y)}
        self._act("pointer", [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def press(self, key: str) -> None:
        self._act("key", [{"type": kind, "value": self._KEYS[key]} for kind in ("keyDown", "keyUp")])

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.call("browsingContext.setViewport", {"context": self._context, "viewport": viewport})

    def dark_and_calm(self) -> None:
        """It is so from the start (_FIREFOX): the protocol has no command for it."""

    def picture(self) -> bytes:
        shot = self.call("browsingContext.captureScreenshot", {"context": self._context})
        return base64.b64decode(shot["data"])

    def _act(self, kind: str, actions: list[Json]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self.call("input.performActions", {"context": self._context, "actions": [source]})

    def _event(self, method: str, params: Json) -> None:
        if method == "log.entryAdded" and params["level"] == "error":
            self.problems.append(str(params["text"]))


@contextmanager
def chromium(
    folder: Path, microphone: Path | None = None, *, trusting: bool = False, more: tuple[str, ...] = ()
) -> Iterator[Chromium]:
    """A Chromium with its profile in `folder`. Muted autoplay is allowed, sound needs a click, as people have it.

    microphone: a WAV that pages hear, again and again, as from a microphone that they may use.
    trusting: takes any certificate, as a person does who clicks the warning away. more: options.
    """
    off = ("quic", "background-networking", "component-update", "sync", "extensions", "default-apps", "dev-shm-usage")
    options = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        *(f"--disable-{name}" for name in off),
    ]
    options += ["--autoplay-policy=document-user-activation-required"]
    options += [f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"]
    options += [*more, *(["--ignore-certificate-errors"] if trusting else [])]
    options += ["--remote-debugging-port=0", f"--user-data-dir={folder}"]
    if microphone is not None:
        options += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        options += [f"--use-file-for-fake-audio-capture={microphone}"]
    with launched("chromium", options, folder, folder / "DevToolsActivePort", _chromium_address) as socket:
        yield Chromium(socket)


@contextmanager
def firefox(
    folder: Path, around: Mapping[str, str] = MappingProxyType({}), *, trusting: bool = False
) -> Iterator[Firefox]:
    """A Firefox with its profile in `folder`.

    around: variables of its environment; with a DISPLAY it has WebGL, by software. trusting: takes any certificate.
    """
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in _FIREFOX.items()]
    (folder / "user.js").write_text("\n".join(lines))
    options = ["--no-remote", "--remote-debugging-port", "0", "--profile", str(folder)]
    options += [] if "DISPLAY" in around else ["--headless"]
    address = folder / "WebDriverBiDiServer.json"
    with launched("firefox-esr", options, folder, address, _firefox_address, **around) as socket:
        yield Firefox(socket, trusting=trusting)


_FIREFOX = {
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "layout.css.prefers-color-scheme.content-override": 0,  # dark
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.localDomains": ELSEWHERE,
    "remote.active-protocols": 1,  # BiDi alone
    "remote.prefs.recommended": True,  # what Firefox itself recommends for tests
    "toolkit.telemetry.enabled": False,
    "ui.prefersReducedMotion": 1,
    "webgl.force-enabled": True,  # without a graphics card
}


def _chromium_address(text: str) -> str:
    port, path = text.split()
    return f"ws://127.0.0.1:{port}{path}"


def _firefox_address(text: str) -> str:
    place = json.loads(text)
    return f"ws://{place['ws_host']}:{place['ws_port']}/session"
