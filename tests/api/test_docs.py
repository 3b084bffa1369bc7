"""The examples of the documents, run as they stand, and what importing the package costs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import txt2vid

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = sorted(
    path for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")) if "```python" in path.read_text()
)


def test_there_are_examples() -> None:
    assert {"README.md", "python.md"} <= {path.name for path in DOCUMENTS}


RUN = """
import runpy, sys, numpy
frames = [numpy.zeros((480, 640, 3), numpy.uint8)]  # what docs/mesh.md tracks
[runpy.run_path(name, {"frames": frames}) for name in sys.argv[1:]]
"""


def test_examples_run_from_top_to_bottom(tmp_path: Path) -> None:
    """Each document's are one program, and all run in one process: loading the library takes the longest."""
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    command = [sys.executable, "-m", "txt2vid", "mesh", "sample_data/hero.png", "--points", "points.npz"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=100)  # what docs/mesh.md reads
    written, names = "", []
    for document in DOCUMENTS:
        blocks = re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        names.append(f"{document.stem}.py")
        (tmp_path / names[-1]).write_text("\n".join(blocks), encoding="utf-8")
        written += "".join(blocks)
    done = subprocess.run(
        [sys.executable, "-c", RUN, *names], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert set(re.findall(r'output="([\w.]+)"', written)) - made == {"nobody.mp4"}


def test_importing_it_is_light_and_names_are_there() -> None:
    code = "import json, sys, txt2vid; print(json.dumps([sorted(sys.modules), dir(txt2vid)]))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded, names = json.loads(out)
    assert [name for name in loaded if name.startswith("txt2vid")] == ["txt2vid", "txt2vid.errors"]
    assert not {"numpy", "cv2", "mediapipe", "av", "click"} & set(loaded)
    assert set(txt2vid.__all__) <= set(names)
    assert all(getattr(txt2vid, name) is not None for name in txt2vid.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = txt2vid.nothing


def test_a_machine_that_only_sends_is_told_what_is_missing() -> None:
    code = "import sys, txt2vid; sys.modules['soxr'] = None; txt2vid.render"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "DependencyError: txt2vid.render needs soxr: pip install 'txt2vid[serve]'" in done.stderr
