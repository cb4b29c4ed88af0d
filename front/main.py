"""`smartcam <verb> ...`: everything a person does with the suite from a PC."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from smartcam.edge.standard_output import printed
from tools.command_line import Verbs, interruptible, run_verb

SECTIONS: Final[Mapping[str, Verbs]] = {
    "See it work": {
        "demo": ("measure.demo.command:main", "play a clip through the whole path, from camera to mailbox"),
        "console": (
            "tools.console.command:main",
            "look in a browser at the demo's device, or at a copy of one",
        ),
    },
    "Bring your own model": {
        "model": ("tools.model.command:main", "get a public detector from the catalogue, as a model bundle"),
        "bundle": ("tools.bundle.command:main", "make a model bundle from a model file"),
        "export": ("measure.export.command:main", "make a bundle's model for other targets, and compare each with it"),
        "sign": ("tools.bundle.sign:main", "make a key, and sign a model bundle with it"),
        "footage": ("tools.footage.command:main", "bring here what a device has collected for training"),
        "train": ("tools.train.command:main", "learn from your own footage, and measure what compressing costs"),
        "normal": ("tools.normal.command:main", "learn from clips what is normal before a camera, and measure it"),
        "label": ("tools.score.labelling:main", "propose a clip's labels, or take over those of MOT, COCO or CVAT"),
        "score": ("tools.score.command:main", "measure recall, false alarms and delay on labelled clips"),
        "tune": ("tools.score.tune:main", "propose a camera's settings from labelled clips of it"),
    },
    "Put it on a device": {
        "cameras": (
            "tools.cameras.command:main",
            "find cameras here and on the local network, and print their settings",
        ),
        "provision": ("tools.provision.command:main", "make a device: its identity in AWS, and what to install on it"),
        "build": ("tools.build.command:main", "build the recipes and artifacts of all components"),
        "local": ("tools.local.command:main", "deploy a build to this machine or, over ssh, to a Raspberry Pi"),
        "publish": ("tools.release.verbs:publish", "upload a build and create its component versions"),
        "deploy": ("tools.release.verbs:deploy", "deploy what is published, to a canary group first"),
        "status": ("tools.release.verbs:status", "show how far a deployment is on each device"),
        "rollback": ("tools.release.verbs:rollback", "deploy again what a group had before"),
    },
    "Look after the alerts": {
        "alerts": ("tools.alerts.command:main", "send a test, follow the history, list devices, retry what failed"),
        "arm": ("tools.alerts.arming:arm", "let a device or a camera raise events again, for a time or for good"),
        "disarm": ("tools.alerts.arming:disarm", "let it raise none, but for tampering and lost cameras"),
        "highlights": ("tools.clips.highlights:main", "a day's clips as a short film and a page of stills"),
        "verify": ("tools.clips.verify:main", "say whether a clip is unchanged, and which device made it"),
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
VERBS: Final[Verbs] = {name: verb for verbs in SECTIONS.values() for name, verb in verbs.items()}
_LIBRARIES: Final[Mapping[str, str]] = {"OPENCV_FFMPEG_LOGLEVEL": "-8", "OPENCV_LOG_LEVEL": "ERROR"}
"""What makes OpenCV and its FFmpeg keep to themselves what they think of a file; read when they are loaded."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Returns its exit code; 2 when there is no such verb, 130 when a person ended it."""
    words = sys.argv[1:] if argv is None else list(argv)
    # Of a clip that cannot be read we say so ourselves, once and with its name.
    for name, level in _LIBRARIES.items():
        os.environ.setdefault(name, level)
    return interruptible(next(iter(words), ""), lambda: printed(lambda: run_verb("smartcam", SECTIONS, words)))
