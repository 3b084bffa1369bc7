"""The published files: how large they are, what they hash to, who serves them, and on which terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from txt2vid.errors import UsageError


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a file may be used: in a few words, and as it is shown before anything is fetched."""

    short: str
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """One published file.

    file: its name here. size: bytes. sha256: of all of them, in lower-case hex. mirrors: URLs, tried in turn.
    purpose: one line. aliases: other names under which the same bytes are published.
    """

    name: str
    file: str
    size: int
    sha256: str
    mirrors: tuple[str, ...]
    purpose: str
    terms: Terms
    aliases: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Every file name under which it may lie here, its own first."""
        return (self.file, *self.aliases)


@dataclass(frozen=True, slots=True)
class Network:
    """A kind of network, and the names under which weights for it are found.

    title: as people write it. fetch: the name of the published file that is suggested. files: in the order in which
    they are taken. prefix: of *.safetensors that hold such weights too, in any case of letters; None for no such
    files. instead: what works without them.
    """

    title: str
    fetch: str
    files: tuple[str, ...]
    prefix: str | None
    instead: str


_WAV2LIP = Terms(
    "research and personal use only, no commercial use",
    "The weights of Wav2Lip were published by Prajwal, Mukhopadhyay, Namboodiri and Jawahar with their paper "
    '"A Lip Sync Expert Is All You Need for Speech to Lip Generation In The Wild" (ACM Multimedia 2020). They may be '
    "used for research and for personal purposes only, not commercially: they were trained on LRS2, a data set whose "
    "terms forbid commercial use. They are not part of txt2vid, whose own licence does not cover them; they come from "
    "servers of others.",
)
_S3FD = Terms(
    "for research: code BSD 3-clause, no licence of the weights known, trained on WIDER FACE",
    "These weights of the face detector S3FD (Zhang et al., ICCV 2017) come from the face-alignment project, whose "
    "code is under the BSD 3-clause licence. A licence of the weights themselves is not known to us. They were trained "
    "on WIDER FACE, a data set published for research: use them for research, and ask their authors before any other "
    "use. "
    "They are not part of txt2vid, whose own licence does not cover them; they come from servers of others.",
)
_HUGGING_FACE = "https://huggingface.co"

# Whether these addresses answer was not checked when they were written down, and whoever owns them may change what
# they serve. So there are several, and the hash alone decides whether a file is the right one.
PUBLISHED = (
    Known(
        name="wav2lip",
        file="wav2lip.pth",
        size=435_807_851,
        sha256="b78b681b68ad9fe6c6fb1debc6ff43ad05834a8af8a62ffc4167b7b34ef63c37",
        mirrors=(
            f"{_HUGGING_FACE}/Nekochu/Wav2Lip/resolve/main/wav2lip.pth",
            f"{_HUGGING_FACE}/numz/wav2lip_studio/resolve/main/Wav2lip/wav2lip.pth",
            "https://github.com/OpenTalker/SadTalker/releases/download/v0.0.2/wav2lip.pth",
        ),
        purpose="Wav2Lip: lips that fit any voice, the most exact ones",
        terms=_WAV2LIP,
    ),
    Known(
        name="wav2lip-gan",
        file="wav2lip_gan.pth",
        size=435_801_865,
        sha256="ca9ab7b7b812c0e80a6e70a5977c545a1e8a365a6c49d5e533023c034d7ac3d8",
        mirrors=(
            f"{_HUGGING_FACE}/Nekochu/Wav2Lip/resolve/main/wav2lip_gan.pth",
            f"{_HUGGING_FACE}/numz/wav2lip_studio/resolve/main/Wav2lip/wav2lip_gan.pth",
        ),
        purpose="Wav2Lip, trained against a critic: sharper pictures, lips a little less exact",
        terms=_WAV2LIP,
    ),
    Known(
        name="s3fd",
        file="s3fd.pth",
        size=89_843_225,
        sha256="619a31681264d3f7f7fc7a16a42cbbe8b23f31a256f75a366e5a1bcd59b33543",
        mirrors=(
            "https://www.adrianbulat.com/downloads/python-fan/s3fd-619a316812.pth",
            f"{_HUGGING_FACE}/camenduru/Wav2Lip/resolve/main/checkpoints/s3fd.pth",
        ),
        purpose="S3FD: finds faces, as published Wav2Lip does",
        terms=_S3FD,
        aliases=("s3fd-619a316812.pth",),
    ),
)
"""All files that are fetched by name."""

TORCHSCRIPT = ("Wav2Lip-SD-GAN.pt", "Wav2Lip-SD-NOGAN.pt")
"""Newer official files of Wav2Lip, as TorchScript archives: taken where they lie here, never fetched."""

NETWORKS: Mapping[str, Network] = {
    "wav2lip": Network(
        title="Wav2Lip",
        fetch="wav2lip",
        files=("wav2lip.pth", "wav2lip_gan.pth", *TORCHSCRIPT),
        prefix="wav2lip",
        instead="--engine mesh needs none",
    ),
    "s3fd": Network(
        title="S3FD",
        fetch="s3fd",
        files=("s3fd.pth", "s3fd-619a316812.pth"),
        prefix="s3fd",
        instead="the face mesh, which txt2vid uses otherwise, needs none",
    ),
}
"""Kind -> what its weights are called."""


def entry(name: str, table: tuple[Known, ...] = PUBLISHED) -> Known:
    """The published file of a name, or of a file's name. Raises UsageError where there is none."""
    for known in table:
        if name in (known.name, *known.files):
            return known
    choices = ", ".join(known.name for known in table)
    raise UsageError(f"no weights are called {name!r}: choose one of {choices}")


def of_file(file: str, table: tuple[Known, ...] = PUBLISHED) -> Known | None:
    """The published file that has this file name, if one has."""
    return next((known for known in table if file in known.files), None)


def of_kind(kind: str) -> list[Known]:
    """The published files that fit a kind of network. Raises KeyError where the kind is not in NETWORKS."""
    return [known for known in PUBLISHED if known.file in NETWORKS[kind].files]


def amount(size: int) -> str:
    """A number of bytes as people read it: "436 MB"."""
    return f"{size / 1e6:.0f} MB" if size >= 1_000_000 else f"{size} bytes"
