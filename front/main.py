"""`smartcam <verb> ...`: everything a person does with the suite from a PC."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tools.recipes.keys import nearest

SECTIONS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "See it work": {
        "demo": ("measure.demo.command:main", "play a clip through the whole path, from camera to mailbox"),
    },
    "Bring your own model": {
        "bundle": ("tools.bundle.command:main", "make a model bundle from a model file"),
        "sign": ("tools.bundle.sign:main", "make a key, and sign a model bundle with it"),
        "score": ("tools.score.command:main", "measure recall, false alarms and delay on labelled clips"),
    },
    "Put it on a device": {
        "provision": ("tools.provision.command:main", "make a device: its identity in AWS, and what to install on it"),
        "build": ("tools.build.command:main", "build the recipes and artifacts of all components"),
        "local": ("tools.local.command:main", "deploy a build to this machine or, over ssh, to a Raspberry Pi"),
        "publish": ("tools.release.verbs:publish", "upload a build and create its component versions"),
        "deploy": (
            "tools.release.verbs:deploy",
            "deploy what is published, to a canary group first",
        ),
        "status": ("tools.release.verbs:status", "show how a deployment fares on each device"),
        "rollback": ("tools.release.verbs:rollback", "deploy once more what a group had before"),
    },
    "Look after the alerts": {
        "alerts": ("tools.alerts.command:main", "send a test, follow the history, list devices, retry what failed"),
    },
    "Measure and develop": {
        "bench": ("measure.bench.command:main", "measure the cost of every stage beside its floor"),
        "tampering": ("measure.tampering:main", "play tampering over clips and say when it is noticed"),
        "emulation": ("measure.emulation.command:main", "install and run a build as a Raspberry Pi would"),
        "lint": ("tools.lint.command:main", "check the recipes for both nuclei"),
        "cloud": ("standins.cloud.command:main", "run the cloud side on this machine"),
        "nucleus": ("standins.nucleus.command:main", "run components from their recipes on this machine"),
    },
}
"""What a person wants to do, and the verbs for it: each with the function that runs it and one line of help."""
VERBS: Final[Mapping[str, tuple[str, str]]] = {
    name: verb for verbs in SECTIONS.values() for name, verb in verbs.items()
}


def usage() -> str:
    """All verbs, by what a person wants to do."""
    lines = ["usage: smartcam <verb> [--help] ..."]
    for title, verbs in SECTIONS.items():
        lines += ["", title, *(f"  {name:{max(map(len, VERBS))}}  {line}" for name, (_, line) in verbs.items())]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns its exit code; 2 when there is no such verb."""
    verb, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if verb in {"-h", "--help", "help"}:
        print(usage())
        return 0
    if verb not in VERBS:
        print(f"smartcam: there is no verb {verb!r}{nearest(verb, VERBS)}", file=sys.stderr)
        print(usage(), file=sys.stderr)
        return 2
    module, _, function = VERBS[verb][0].partition(":")
    run: Callable[[list[str]], int] = getattr(importlib.import_module(module), function)
    return run(rest)
