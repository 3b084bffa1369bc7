"""Where weights lie on this machine, and which file is taken.

    $TXT2VID_CHECKPOINTS, where it is set
    ./checkpoints
    $XDG_DATA_HOME/txt2vid/checkpoints           ($XDG_DATA_HOME is ~/.local/share unless set)

The first folder that holds such weights decides.
"""

from __future__ import annotations

import os
from pathlib import Path

from txt2vid.errors import DependencyError, UsageError
from txt2vid.weights.known import NETWORKS, Known, Network, entry, of_kind

VARIABLE = "TXT2VID_CHECKPOINTS"
HERE = Path("checkpoints")
SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors", ".onnx")
"""Of files that are taken for weights."""


def folders() -> tuple[Path, ...]:
    """All folders that are looked through, in order; they need not exist."""
    given = os.environ.get(VARIABLE)
    wanted = [Path(given) if given else None, HERE, data_folder()]
    unique = {path.absolute(): path for path in reversed(wanted) if path is not None}
    return tuple(reversed(unique.values()))


def data_folder() -> Path | None:
    """The user's own folder for weights; None for a user without a home."""
    base = xdg("XDG_DATA_HOME", ".local/share")
    return base / "txt2vid" / "checkpoints" if base else None


def destination() -> Path:
    """The folder into which weights are fetched; it need not exist yet. Without a home it is ./checkpoints."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    if HERE.is_dir():
        return HERE
    return data_folder() or HERE


def xdg(variable: str, default: str) -> Path | None:
    """A folder of the XDG base directory specification, which ignores paths that are relative; None without a home."""
    given = os.environ.get(variable)
    if given and Path(given).is_absolute():
        return Path(given)
    try:
        return Path.home() / default
    except RuntimeError:  # no HOME, and no such user: a container under a number
        return None


def find(name: str) -> Path | None:
    """The weights to take for a kind of network ("wav2lip", "s3fd"), or one published file ("wav2lip-gan").

    Raises UsageError where the name is neither.
    """
    network = NETWORKS.get(name)
    if network is None:
        return locate(entry(name))
    for folder in folders():
        found = _of_network(folder, network)
        if found is not None:
            return found
    return None


def locate(known: Known) -> Path | None:
    """Where exactly this published file lies, by its name alone."""
    places = (folder / file for folder in folders() for file in known.files)
    return next((path for path in places if _is_file(path)), None)


def resolve(checkpoint: Path | str | None, kind: str) -> Path:
    """The file of weights to load for a kind of network.

    checkpoint: a file, or the name of published weights; None takes what is found. Raises UsageError where the
    file does not exist, or the name is of another kind, DependencyError where no weights are here.
    """
    if checkpoint is None:
        found = find(kind)
        if found is None:
            raise DependencyError(_nothing(NETWORKS[kind], entry(NETWORKS[kind].fetch)))
        return found
    if _is_file(Path(checkpoint)):
        return Path(checkpoint)
    fitting = {known.name: known for known in of_kind(kind)}
    known = fitting.get(str(checkpoint))
    if known is None:
        choices = " or ".join(fitting)
        raise UsageError(f"the checkpoint {checkpoint} is no file: give a file of {NETWORKS[kind].title}, or {choices}")
    found = locate(known)
    if found is None:
        raise DependencyError(_nothing(NETWORKS[kind], known))
    return found


def weights_in(folder: Path) -> list[Path]:
    """All files in a folder that look like weights, by name; none where it cannot be read."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError:
        return []
    return [path for path in found if _is_file(path)]


def _of_network(folder: Path, network: Network) -> Path | None:
    for file in network.files:
        if _is_file(folder / file):
            return folder / file
    if network.prefix is None:
        return None
    tensors = (path for path in weights_in(folder) if path.suffix.lower() == ".safetensors")
    return next((path for path in tensors if path.name.lower().startswith(network.prefix)), None)


def _nothing(network: Network, known: Known) -> str:
    return (
        f"no weights of {network.title} here: type txt2vid models fetch {known.name}, or put {known.file} into "
        f"{destination()} (terms: {known.terms.short}); {network.instead}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a folder that may not be entered; a name that is none
        return False
