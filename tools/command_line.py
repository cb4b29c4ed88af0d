"""What every verb shares: the project's root, lines for people, and the choice of a verb. Standard library only."""

import argparse
import importlib
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import active_children
from pathlib import Path
from types import FrameType
from typing import Final

from tools.recipes.keys import nearest

ROOT: Final = Path(__file__).resolve().parent.parent
INTERRUPTED: Final = 130
"""The exit code of what a person has ended."""
Say = Callable[[str], None]
Verbs = Mapping[str, tuple[str, str]]
"""Per verb the function that runs it, as `module:function`, and one line of help."""


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def numbered(count: int, thing: str) -> str:
    """So many of a thing: 1 clip, 2 clips."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def complain(verb: str, reason: object, code: int = 1) -> int:
    """Print why a verb failed, and return its exit code."""
    print(f"smartcam {verb}: {reason}", file=sys.stderr, flush=True)
    return code


def new_parser(verb: str, explanation: str | None) -> argparse.ArgumentParser:
    """A verb's parser. The explanation is its module's docstring, without the verb that it begins with."""
    said = (explanation or "").partition(": ")[2]
    return argparse.ArgumentParser(prog=f"smartcam {verb}", description=said[:1].upper() + said[1:])


def interruptible(verb: str, run: Callable[[], int]) -> int:
    """Run what starts processes, and return its exit code: SIGTERM ends it as Ctrl-C does, and they end with it."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return run()
    except KeyboardInterrupt:  # a verb that has more to say about it catches it first
        return complain(verb, "interrupted", INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    for child in active_children():
        child.terminate()  # whose pool would wait until it has done its work
    raise KeyboardInterrupt


def usage(program: str, sections: Mapping[str, Verbs]) -> str:
    """All verbs, by section; a section without a title is only a list."""
    width = max(len(verb) for verbs in sections.values() for verb in verbs)
    lines = [f"usage: {program} <verb> [--help] ..."]
    for title, verbs in sections.items():
        lines += ["", *filter(None, [title]), *(f"  {name:{width}}  {line}" for name, (_, line) in verbs.items())]
    return "\n".join(lines)


def run_verb(program: str, sections: Mapping[str, Verbs], argv: Sequence[str]) -> int:
    """Run one verb. Returns its exit code; 2 when there is no such verb."""
    verb, *rest = argv or ["--help"]
    functions = {name: function for verbs in sections.values() for name, (function, _) in verbs.items()}
    if verb in {"-h", "--help", "help"}:
        print(usage(program, sections))
        return 0
    if verb not in functions:
        print(f"{program}: there is no verb {verb!r}{nearest(verb, functions)}", file=sys.stderr)
        print(usage(program, sections), file=sys.stderr)
        return 2
    module, _, function = functions[verb].partition(":")
    run: Callable[[list[str]], int] = getattr(importlib.import_module(module), function)
    return run(rest)
