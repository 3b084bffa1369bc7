"""The `txt2vid` command: finds the subcommand, and turns whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence

import click

from txt2vid import __version__
from txt2vid.errors import OutputError, Txt2VidError
from txt2vid.interrupts import Terminated, termination, unwind_on

COMMANDS: Mapping[str, str] = {
    "render": "A face and a voice, or a text, become a video; with --jobs, many of them.",
    "drive": "A picture moves as another person does, of a video or an image.",
    "serve": "Faces speak live: a page, streams for any player, and a place for senders.",
    "doctor": "What works on this machine, what is missing, and what to type.",
    "send": "A microphone, a file or a text goes to a server, which speaks it.",
    "play": "A server's stream in a window, with as little delay as can be.",
    "voices": "Who can speak texts: all voices, what they need, and how they sound.",
    "mesh": "The faces in a picture, a video or a webcam as 478 points each: drawn, listed, in 3D.",
    "models": "Published weights for neural engines: which are here, fetching, verifying.",
    "devices": "The microphones of this machine, for `txt2vid send --device`.",
    "score": "Whether the lips of any video move with its sound, in numbers.",
    "bench": "How quick and how steady the live path is on this machine.",
}
"""Name -> what `txt2vid --help` says of it. Each is `command` in the module of its name, imported when it is called."""

EXIT_INTERNAL = 1


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and not for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names, in the order in which help shows them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now; None where there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"txt2vid.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="txt2vid")
@click.option("--debug", is_flag=True, help="Log what is done (ffmpeg's arguments too), and show tracebacks.")
def txt2vid(debug: bool) -> None:
    """A talking face from a voice or a text.

    Try: txt2vid render --face FACE.png --text "Hello!" -o hello.mp4
    """
    level = logging.INFO if debug else logging.WARNING  # of other packages: Pillow's details would bury ours
    logging.basicConfig(level=level, format="txt2vid: %(levelname)s %(name)s: %(message)s")
    logging.getLogger("txt2vid").setLevel(logging.DEBUG if debug else logging.WARNING)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line (that of the process unless given one) and returns its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments
    _fill_standard_files()
    unwind_on(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    try:
        returned = txt2vid.main(list(arguments), prog_name="txt2vid", standalone_mode=False)
    except (Exception, KeyboardInterrupt, Terminated) as err:  # noqa: BLE001 - the one place where everything ends as a line
        if debug:
            traceback.print_exc()
        code, message = _report(err, debug=debug)
        if message and "--json" in arguments:
            _print_json({"error": message, "exit_code": code})
        return code
    return returned if isinstance(returned, int) else 0


def _fill_standard_files() -> None:
    """Opens nothing in place of stdin, stdout or stderr where it is closed, lest a pipe to ffmpeg gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # noqa: PERF203 - three times
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:  # it was closed when Python started
            setattr(sys, name, open(number, "w", closefd=False))  # noqa: SIM115 - until the end


def _report(err: BaseException, *, debug: bool) -> tuple[int, str]:
    """Says in one line on stderr what ended the command; returns its exit code and the line."""
    ended = termination(err)
    if ended or isinstance(err, KeyboardInterrupt | click.Abort | EOFError):
        if sys.stderr.isatty():
            click.echo(err=True)  # below the terminal's ^C
        return _say("stopped", ended.exit_code if ended else 128 + signal.SIGINT)
    if isinstance(err, Txt2VidError):
        return _say(str(err), err.exit_code)
    if isinstance(err, click.exceptions.NoArgsIsHelpError):
        err.show()
        return err.exit_code, ""
    if isinstance(err, click.ClickException):
        return _say(_usage(err), err.exit_code)
    if isinstance(err, OSError) and err.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" for {err.filename}" if err.filename else ""
        return _say(f"the disk is full{where}: free some space, then run this again", OutputError.exit_code)
    if isinstance(err, MemoryError):
        return _say("out of memory: choose a smaller --size, or fewer --workers", OutputError.exit_code)
    hint = "report it with the traceback above" if debug else "run again with txt2vid --debug … and report it"
    return _say(f"internal error: {type(err).__name__}: {err}: {hint}", EXIT_INTERNAL)


def _usage(err: click.ClickException) -> str:
    """A wrong option or argument, and where to read what is right."""
    message = err.format_message().rstrip(".")
    context = err.ctx if isinstance(err, click.UsageError) else None
    return f"{message}: try {context.command_path} --help" if context else message


def _say(message: str, code: int) -> tuple[int, str]:
    """Writes one line, whatever the message holds."""
    line = " ".join(message.split())
    click.echo(f"txt2vid: {line}", err=True)
    return code, line


def _print_json(value: Mapping[str, object]) -> None:
    try:
        click.echo(json.dumps(value))
    except OSError:  # nobody reads, or the disk is full; nor shall the flush at exit complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
