"""The import rule of docs/architecture.md, read from the sources, and what a fresh process really loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*(ROOT / "txt2vid").rglob("*.py"), *(ROOT / "wav2lip").rglob("*.py")])

LAYERS = (
    {"errors", "interrupts"},
    {"core"},
    {"registry", "ffmpeg", "textwire", "weights", "cloud"},
    {"faces"},
    {"drivers", "engines", "tts", "stt", "transports"},
    {"pipeline"},
    {"server", "sender"},
    {"bench", "score"},
    {"cli", "api"},
    {"__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

HEAVY = {"aiortc", "av", "cv2", "google", "httpx", "jax", "matplotlib", "mediapipe", "onnx", "onnxruntime", "piper"}
HEAVY |= {"pyaudio", "scipy", "torch"}
LIGHT_FILES = ("__init__.py", "base.py", "__main__.py")
FREE_OF_HEAVY = {
    "errors",
    "interrupts",
    "core",
    "registry",
    "cli",
    "sender",
    "textwire",
    "weights",
}  # these may import such packages in a function at most
MAY_IMPORT_WAV2LIP = {"engines", "faces", "score"}


def part(path: Path) -> str:
    """The layer's name of a file in txt2vid/."""
    return path.relative_to(ROOT / "txt2vid").parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Every import statement in a tree with each full name that it may mean."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module or ''}.{alias.name}") for alias in node.names)


def at_start(tree: ast.Module) -> Iterator[str]:
    """Names that are imported when the module is: not inside functions, nor for the type checker only."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for _, name in imports(node))
        waiting.extend(ast.iter_child_nodes(node))


def breaches(path: Path, tree: ast.Module) -> list[str]:
    """What breaks the rule in one file of txt2vid/, as "line: why"."""
    own = part(path)
    found = []
    for node, name in imports(tree):
        first, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append(f"{node.lineno}: relative import")
        elif first == "wav2lip" and own not in MAY_IMPORT_WAV2LIP:
            found.append(f"{node.lineno}: only {sorted(MAY_IMPORT_WAV2LIP)} import wav2lip")
        elif first == "txt2vid" and other in LEVEL and other != own and own in LEVEL and LEVEL[other] >= LEVEL[own]:
            found.append(f"{node.lineno}: {own} must not import {other}")
    for name in at_start(tree):
        heavy = name.partition(".")[0] in HEAVY
        if heavy and (path.name in LIGHT_FILES or own in FREE_OF_HEAVY):
            found.append(f"{name}: imported at start, where only light packages may be")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if path.is_relative_to(ROOT / "wav2lip"):
        assert [name for _, name in imports(tree) if name.startswith("txt2vid")] == []
    elif path != ROOT / "txt2vid" / "__init__.py":
        assert part(path) in LEVEL, "a new part needs a place in LAYERS"
        assert breaches(path, tree) == []


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 30


@pytest.mark.parametrize(
    ("file", "source", "why"),
    [
        ("core/a.py", "from txt2vid.ffmpeg import probe", "core must not import ffmpeg"),
        ("engines/a.py", "import txt2vid.tts.flite", "engines must not import tts"),
        ("cli/a.py", "from txt2vid.api import Face", "cli must not import api"),
        ("tts/a.py", "def f():\n    from txt2vid import drivers", "tts must not import drivers"),
        ("pipeline/a.py", "from . import render", "relative import"),
        ("pipeline/a.py", "import wav2lip.mel", "import wav2lip"),
        ("faces/base.py", "import cv2", "imported at start"),
        ("cli/a.py", "try:\n    import torch.nn\nexcept ImportError:\n    pass", "imported at start"),
    ],
)
def test_the_check_sees_a_breach(file: str, source: str, why: str) -> None:
    (found,) = breaches(ROOT / "txt2vid" / file, ast.parse(source))
    assert why in found


@pytest.mark.parametrize("module", ["txt2vid.cli.main", "txt2vid.cli.render", "txt2vid.cli.doctor"])
def test_the_command_line_starts_light(module: str) -> None:
    code = f"import json, sys, {module}; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(out))
    assert "click" in loaded
    assert loaded & (HEAVY | {"numpy", "rich", "PIL", "soxr"}) == set()
