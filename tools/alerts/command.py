"""`smartcam alerts <verb> ...`: one module for each verb, with `main(argv) -> int`."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

SUBVERBS: Final[Mapping[str, tuple[str, str]]] = {
    "tail": ("tail", "follow the history as it grows"),
    "test": ("trial", "send a test alert through the whole real path"),
    "devices": ("devices", "list the devices; pause, retire or reinstate one"),
    "redrive": ("redrive", "hand what has failed to the alerting once more"),
}


def module_of(verb: str) -> str | None:
    """The module of a verb; None where there is none."""
    if verb not in SUBVERBS:
        return None
    name = f"{__package__}.{SUBVERBS[verb][0]}"
    return name if importlib.util.find_spec(name) is not None else None


def usage() -> str:
    """The verbs that exist, one a line."""
    there = {verb: line for verb, (_, line) in SUBVERBS.items() if module_of(verb) is not None}
    width = max(map(len, there), default=0)
    lines = [f"  {verb:{width}}  {line}" for verb, line in there.items()]
    return "\n".join(("usage: smartcam alerts <verb> [--help] ...", "", *lines))


def main(argv: Sequence[str]) -> int:
    """Run one verb. 2 when there is no such verb."""
    if argv and argv[0] in {"-h", "--help"}:
        print(usage())
        return 0
    name = module_of(argv[0]) if argv else None
    if name is None:
        if argv:
            print(f"smartcam alerts: there is no verb {argv[0]!r}", file=sys.stderr)
        print(usage(), file=sys.stderr)
        return 2
    run: Callable[[list[str]], int] = importlib.import_module(name).main
    return run(list(argv[1:]))
