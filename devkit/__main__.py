"""`python -m devkit <verb> ...`: everything that one machine needs instead of AWS."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_ENVIRONMENT: Final = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "python"

VERBS: Final[Mapping[str, str]] = {
    "demo": "play a clip through the whole path: camera to mailbox",
    "score": "measure a clip against its labels",
    "bench": "measure the cost of every stage",
    "bundle": "make a model bundle from a model file",
    "sign": "make a key, and sign a model bundle with it",
    "build": "build recipes and artifacts of all components",
    "nucleus": "run components from their recipes, as Greengrass nucleus lite does",
    "cloud": "run the cloud side on this machine",
    "alerts": "look after the alerting that is deployed: hand on what failed, follow the history, send a test",
    "provision": "make a device: its identity in AWS, and the bundle to install on it",
    "emulation": "install and run a build as a Raspberry Pi would, with its own packages",
    "lint": "check recipes more strictly than the Greengrass Development Kit",
    "publish": "upload the artifacts of a build and create its component versions",
    "deploy": "deploy what is published to a group of devices, a canary group first",
    "status": "wait for a deployment and show each device's outcome",
    "rollback": "deploy once more what a group had before",
    "local": "deploy a build to a nucleus on this machine, or over ssh to a Raspberry Pi",
}


def module_of(verb: str) -> str | None:
    """The module that holds a verb's `main(argv) -> int`; None when there is none."""
    spec = importlib.util.find_spec(f"devkit.{verb}")
    if spec is None:
        return None
    # A package keeps it in its module `command`.
    name = f"devkit.{verb}" if spec.submodule_search_locations is None else f"devkit.{verb}.command"
    return name if importlib.util.find_spec(name) is not None else None


def usage() -> str:
    """The verbs that exist, one a line."""
    there = {verb: line for verb, line in VERBS.items() if module_of(verb) is not None}
    width = max(map(len, there), default=0)
    lines = [f"  {verb:{width}}  {line}" for verb, line in there.items()]
    return "\n".join(("usage: python -m devkit <verb> [--help] ...", "", *lines))


def main(argv: Sequence[str]) -> int:
    """Run one verb. 2 when there is no such verb."""
    if importlib.util.find_spec("smartcam") is None:
        return _elsewhere(argv)
    if argv and argv[0] in {"-h", "--help"}:
        print(usage())
        return 0
    name = module_of(argv[0]) if argv and argv[0] in VERBS else None
    if name is None:
        if argv:
            print(f"devkit: there is no verb {argv[0]!r}", file=sys.stderr)
        print(usage(), file=sys.stderr)
        return 2
    run: Callable[[list[str]], int] = importlib.import_module(name).main
    return run(list(argv[1:]))


def _elsewhere(argv: Sequence[str]) -> int:
    """Go on in the project's environment: the Greengrass Development Kit calls whatever python3 there is."""
    if _ENVIRONMENT.exists() and Path(sys.prefix) != _ENVIRONMENT.parents[1]:
        os.execv(_ENVIRONMENT, [str(_ENVIRONMENT), "-m", "devkit", *argv])  # noqa: S606
    print("devkit: the environment is missing; make setup", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
