from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from txt2vid import registry
from txt2vid.drivers.base import Driver
from txt2vid.engines.base import Engine
from txt2vid.errors import DependencyError, UsageError
from txt2vid.stt.base import Recognizer
from txt2vid.tts.base import Synthesizer

BASES = {"driver": Driver, "engine": Engine, "tts": Synthesizer, "stt": Recognizer}
ENTRIES = [(kind, name) for kind, table in registry.BUILT_IN.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_entry_is_a_class_of_its_kind(kind: str, name: str) -> None:
    plugin = registry.load(kind, name)
    assert issubclass(plugin, BASES.get(kind, object))  # transports have no base: there is one
    assert not inspect.isabstract(plugin)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"engine 'mush' is not known: choose one of mesh"):
        registry.load("engine", "mush")


def test_importing_the_table_imports_no_plugin() -> None:
    code = "import sys; from txt2vid import registry; print([m for m in sys.modules if m.startswith('txt2vid.')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert sorted(out.strip("[]\n").split(", ")) == ["'txt2vid.errors'", "'txt2vid.registry'"]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path with a package that registers engines, as pip would install it."""
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[txt2vid.engines]\nmine = others_engine:Mine\nneedy = others_needy:Needy\nmesh = others_engine:Mine\n"
        "torchy = others_torchy:Torchy\nbroken = others_broken:Broken\n"
    )
    (tmp_path / "others_engine.py").write_text("class Mine: pass\n")
    (tmp_path / "others_needy.py").write_text("import no_such_package_at_all\n")
    (tmp_path / "others_torchy.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch.nn')\n"
    )
    (tmp_path / "others_broken.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return tmp_path


@pytest.mark.usefixtures("plugins")
class TestOtherPackages:
    def test_their_entry_points_are_found(self) -> None:
        assert registry.load("engine", "mine").__name__ == "Mine"
        assert registry.names("engine")[0] == "mesh"
        assert set(registry.names("engine")) >= {"mesh", "mine", "needy"}

    def test_they_cannot_take_a_built_in_name(self) -> None:
        assert registry.load("engine", "mesh").__module__ == "txt2vid.engines.mesh"

    def test_a_missing_package_is_named(self) -> None:
        with pytest.raises(DependencyError, match="engine 'needy' needs no_such_package_at_all: pip install no_such"):
            registry.load("engine", "needy")

    def test_a_missing_package_that_an_extra_brings_names_the_extra(self) -> None:
        with pytest.raises(DependencyError, match=r"needs torch: pip install 'txt2vid\[wav2lip\]'"):
            registry.load("engine", "torchy")

    def test_a_missing_system_library_is_shown(self) -> None:
        with pytest.raises(DependencyError, match=r"libGL\.so\.1.*txt2vid doctor"):
            registry.load("engine", "broken")
