"""`txt2vid models`: published weights, which neural engines need: which are here, fetching them, verifying them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from txt2vid.cli.progress import Bar
from txt2vid.errors import OutputError, UsageError
from txt2vid.weights import licence, place
from txt2vid.weights.known import PUBLISHED, Known, amount, entry
from txt2vid.weights.verify import Verdict, glance, verify

EXIT_BAD = 1
WIDTH = 78  # columns of the terms
_NAMES = ", ".join(known.name for known in PUBLISHED)
_PLACES = f"${place.VARIABLE} where it is set, ./{place.HERE}, and ~/.local/share/txt2vid/checkpoints"
_LIST = f"""List the published weights, and which of them are here.

They are looked for in {_PLACES}.
"""
_FETCH = f"""Fetch published weights: {_NAMES}.

\b
txt2vid models fetch wav2lip
txt2vid models fetch wav2lip s3fd --accept-license
txt2vid models fetch s3fd --mirror https://example.org/s3fd.pth

Their terms are shown, and must be accepted once. What breaks off goes on from there when the same is typed again. Files
are checked by their sha256 before they get their names.
"""
_VERIFY = """Say whether weights are the published ones: of a name, a file, a folder, or all that are here.

Exit code 0; 1 where one is damaged, or one that was asked for is missing.
"""


@click.group(name="models")
def command() -> None:
    """List, fetch and verify published weights. The mesh engine needs none."""


@command.command(name="list", help=_LIST)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def list_(as_json: bool) -> int:
    """Look by names and sizes alone."""
    here = {known: place.locate(known) for known in PUBLISHED}
    others = [path for path in _all_here() if path not in here.values()]
    if as_json:
        files = [_as_json(known, path) for known, path in here.items()]
        where = {"folders": list(map(str, place.folders())), "destination": str(place.destination())}
        click.echo(json.dumps({**where, "files": files, "others": list(map(str, others))}))
        return 0
    for known, path in here.items():
        wrong = path and glance(path)
        where_is = f"{path} ({wrong}: try txt2vid models verify)" if wrong else path or "missing"
        click.echo(f"{known.name:<12} {amount(known.size):>6}  {where_is}")
        click.echo(f"{'':21}{known.purpose}\n{'':21}terms: {known.terms.short}")
    for path in others:
        click.echo(f"{'other':<12} {amount(path.stat().st_size):>6}  {path}")
    if None in here.values():
        click.echo(f"txt2vid models fetch NAME puts one into {place.destination()}", err=True)
    return 0


@command.command(name="fetch", help=_FETCH)
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--accept-license", is_flag=True, help="Accept the terms without being asked.")
@click.option("--mirror", "mirrors", multiple=True, metavar="URL", help="Fetch from there instead; may be repeated.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FOLDER", help="Where to put it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def fetch(
    names: tuple[str, ...], accept_license: bool, mirrors: tuple[str, ...], output: Path | None, as_json: bool
) -> int:
    """Fetch what is not here."""
    from txt2vid.weights.mirror import check  # loads HTTP and TLS, which the other commands do without

    wanted = list(dict.fromkeys(map(entry, names)))
    if mirrors and len(wanted) > 1:
        raise UsageError("--mirror is for one file: fetch one after the other")
    for url in mirrors:
        check(url, https_only=False)
    here = {known: right_here(known, output) for known in wanted}
    agree([known for known, path in here.items() if path is None], accept=accept_license)
    results = []
    for known, path in here.items():
        where = path or fetch_one(known, output or place.destination(), mirrors or None)
        results.append({"name": known.name, "path": str(where), "fetched": path is None})
        if not as_json:
            click.echo(f"{known.name} {'is here' if path is None else 'was here already'}: {where}")
    if as_json:
        click.echo(json.dumps({"files": results}))
    return 0


@command.command(name="verify", help=_VERIFY)
@click.argument("targets", metavar="[NAME|PATH]…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
def verify_(targets: tuple[str, ...], as_json: bool) -> int:
    """Hash them. Return the exit code."""
    verdicts = []
    for verdict in _verdicts(targets) if targets else _all_verdicts():
        verdicts.append(verdict)
        if not as_json:
            click.echo(_line(verdict))
    if as_json:
        click.echo(json.dumps({"files": [_verdict_as_json(verdict) for verdict in verdicts]}))
    bad = {"damaged", "missing"} if targets else {"damaged"}
    return EXIT_BAD if any(verdict.state in bad for verdict in verdicts) else 0


def right_here(known: Known, folder: Path | None) -> Path | None:
    """Where the right file lies already: in a folder, or where weights are looked for."""
    path = place.locate(known) if folder is None else folder / known.file
    return path if path is not None and _look(path, known).state == "ok" else None


def agree(wanted: Sequence[Known], *, accept: bool) -> None:
    """Shows terms that this user has not accepted yet, and asks. Raises UsageError where they are not accepted."""
    new = [known for known in wanted if not licence.accepted(known)]
    if not new:
        return
    names, terms = " and ".join(known.name for known in new), list(dict.fromkeys(known.terms.text for known in new))
    if not accept and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"the terms of {names} come first: {' '.join(terms)} To accept them, add --accept-license")
    click.echo("\n\n".join(click.wrap_text(text, WIDTH) for text in terms), err=True)
    if not accept and not click.confirm(f"Do you accept these terms of {names}?", err=True):
        raise UsageError("the terms were not accepted, so nothing was fetched: --engine mesh needs no weights")
    try:
        for known in new:
            licence.accept(known)
    except OutputError as err:  # accepted they are; they will be shown again
        click.echo(f"txt2vid: {err}", err=True)


def fetch_one(known: Known, folder: Path, mirrors: Sequence[str] | None) -> Path:
    """Fetches a file, with a bar on a terminal; returns where it is."""
    from txt2vid.weights import fetch  # loads HTTP and TLS

    with Bar("bytes", known.file) as bar:
        return fetch.fetch(known, folder, mirrors=mirrors, progress=bar.update)


def _all_here() -> list[Path]:
    """Every file of weights in the folders that are looked through."""
    return [path for folder in place.folders() for path in place.weights_in(folder)]


def _all_verdicts() -> Iterator[Verdict]:
    for known in PUBLISHED:
        if place.locate(known) is None:
            yield Verdict("missing", None, known.name)
    yield from map(_look, _all_here())


def _verdicts(targets: Sequence[str]) -> Iterator[Verdict]:
    """Of files, else of published names, else of folders."""
    names = {known.name: known for known in PUBLISHED}
    for target in targets:
        verdict = _look(Path(target))
        if verdict.state != "missing":
            yield verdict
        elif target in names:
            path = place.locate(names[target])
            yield _look(path, names[target]) if path else Verdict("missing", None, target)
        elif Path(target).is_dir():
            yield from map(_look, place.weights_in(Path(target)))
        else:
            yield verdict


def _look(path: Path, expected: Known | None = None) -> Verdict:
    """Verifies a file, with a bar where it is read at all."""
    bars: list[Bar] = []
    with ExitStack() as stack:

        def tell(done: int, total: int) -> None:
            if not bars:
                bars.append(stack.enter_context(Bar("bytes", path.name)))
            bars[0].update(done, total)

        return verify(path, expected=expected, progress=tell)


def _line(verdict: Verdict) -> str:
    hint = ""
    if verdict.name and verdict.state == "damaged":
        hint = f" ({verdict.detail}: try txt2vid models fetch {verdict.name})"
    elif verdict.name and verdict.state == "missing":
        hint = f" (try txt2vid models fetch {verdict.name})"
    return f"{verdict.state:<8} {verdict.name or '':<12} {verdict.path or ''}{hint}".rstrip()


def _verdict_as_json(verdict: Verdict) -> dict[str, str | None]:
    path = str(verdict.path) if verdict.path else None
    return {"state": verdict.state, "name": verdict.name, "path": path, "detail": verdict.detail}


def _as_json(known: Known, path: Path | None) -> dict[str, object]:
    return {
        "name": known.name,
        "file": known.file,
        "bytes": known.size,
        "sha256": known.sha256,
        "path": str(path) if path else None,
        "purpose": known.purpose,
        "terms": known.terms.text,
        "accepted": licence.accepted(known),
    }
