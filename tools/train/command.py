"""`smartcam train`: a model of your own footage, and what compressing it costs."""

import argparse
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smartcam.edge.arguments import number, whole
from tools.command_line import ROOT, Verbs, complain, new_parser, numbered, run_verb, say
from tools.train.compression import as_document, measured, table
from tools.train.finding import FoundFilms, find
from tools.train.guarding import guarded
from tools.train.page import CARD, write_report
from training.bundle import check_replaceable
from training.classifier.compressing import variants
from training.classifier.fitting import FitSettings
from training.classifier.learning import (
    DEMO_ENCODER,
    NAME_LENGTH,
    Lesson,
    gathered_for,
    in_words,
    learn,
    plain_name,
    write,
)
from training.classifier.networks import InputSize, NetworkName
from training.footage.cutting import FootageUse
from training.footage.gathering import Gathered

_SECTIONS: Final[Mapping[str, Verbs]] = {
    "": {
        "clips": ("tools.train.command:train_clips", "a classifier bundle from clips or pictures with labels"),
        "fetch": ("tools.train.remote:fetch_bundle", "the bundle of a training in SageMaker"),
        "compress": ("tools.train.command:compress", "what each way to compress that classifier brings and costs"),
        "table": ("tools.train.tables:train_table", "a table's bundle from any CSV with a label column"),
        "filter": ("tools.train.tables:try_filter", "a filter from your verdicts, and what it would hold back"),
    }
}
_ENVIRONMENT: Final = ROOT / ".venv-training/bin/python"
WORK: Final = ROOT / "build/training"
BUNDLES: Final = ROOT / "build/bundles"
_SHOWN: Final = 10
_USUAL: Final = FitSettings()
_NOISE: Final = re.compile(
    r"[IWE]0000 |WARNING: All log messages before absl|INFO: Created TensorFlow Lite|fully_quantize: "
)
"""What TensorFlow's C++ says to standard error whatever one asks of it."""


def main(argv: list[str]) -> int:
    """Run one of the verbs, in the environment that has TensorFlow if it learns here. Returns its exit code."""
    asks = not argv or not {"-h", "--help", "help"}.isdisjoint(argv)
    is_elsewhere = argv[:1] == ["fetch"] or any(word.partition("=")[0] == "--on" for word in argv)
    if asks or is_elsewhere or importlib.util.find_spec("tensorflow") is not None:
        return run_verb("smartcam train", _SECTIONS, argv)
    if not _ENVIRONMENT.exists():
        missing = _ENVIRONMENT.parents[1]
        return complain("train", f"TensorFlow is not here: {missing} is missing; `make setup-training` makes it")
    path = os.pathsep.join(map(str, (ROOT, ROOT / "components")))
    command = [str(_ENVIRONMENT), "-W", "ignore", "-m", "tools.train", *argv]
    quiet = {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=os.environ | quiet, stderr=pipe, text=True, errors="replace") as child:  # noqa: S603
        try:
            for line in child.stderr or ():
                if not _NOISE.match(line):
                    sys.stderr.write(line)
        except BaseException:
            child.terminate()  # nobody waits for it any more; its notebook is there
            raise
    return child.returncode


@dataclass(frozen=True, slots=True)
class TrainingOrder:
    """What is to be trained on, and how."""

    found: FoundFilms
    gathered: Gathered
    lesson: Lesson
    work: Path


def train_clips(argv: list[str]) -> int:
    """A bundle. 0: it is there. 1: it is not, with one line on stderr, and what was there before is there still."""
    parser = clip_parser("clips", "train clips: learn from clips or pictures when something is in sight.")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the bundle's folder (build/bundles/TARGET)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="where the page and the model card go")
    parser.add_argument("--version", type=version_word, default="1.0.0", help="the bundle's version (1.0.0)")
    parser.add_argument("--name", default="", help="the bundle's name (the target and the network)")
    _add_site(parser)
    options = parser.parse_args(argv)
    if options.on is not None:
        from tools.train.remote import train_there  # noqa: PLC0415 - the training environment has no boto3

        return guarded(lambda: train_there(options, BUNDLES))
    elsewhere = [f"--{name}" for name in ("role", "bucket", "region", "wait") if getattr(options, name)]
    if elsewhere:
        parser.error(f"{elsewhere[0]} goes with --on sagemaker; without it the training runs here")

    def run() -> int:
        if options.out is not None:
            check_replaceable(options.out)  # better now than after minutes of training
        order = ordered(options, "clips")
        out = options.out or BUNDLES / plain_name(order.lesson.target)
        learned = learn(order.found.films, order.gathered, order.lesson, order.work, say)
        # Before the bundle: a report that cannot be written must not hide that there is a new one.
        page = write_report(
            options.report or order.work / "reports" / out.name,
            learned,
            order.lesson,
            order.gathered,
            order.found.skipped,
        )
        digest = write(learned, order.lesson, order.gathered, out)
        print(f"bundle     {out}: {order.lesson.target}, {len(learned.exported):,} bytes, SHA-256 {digest}")
        print(f"held out   {in_words(learned.test)}")
        print(f"alarm      at {learned.thresholds.raise_at}, over at {learned.thresholds.clear_at}")
        print(f"report     {page}, and {CARD} beside it")
        if not learned.keeps_budget:
            print(f"           no threshold keeps {order.lesson.budget_per_day:g} false alarms a day on held-out time")
        there = shlex.quote(str(out.absolute()))
        print(f"next       smartcam score --bundle {there} ..., make build BUNDLE={there}")
        return 0

    return guarded(run)


def version_word(text: str) -> str:
    """Raises ArgumentTypeError: better now than after minutes of training."""
    if plain_name(text) != text:
        raise argparse.ArgumentTypeError(
            f"{text!r}: give 1 to {NAME_LENGTH} letters, digits, dots, dashes and underlines, none but the first two "
            "at either end"
        )
    return text


def compress(argv: list[str]) -> int:
    """A table. 0: it is printed. 1: it is not, with one line on stderr."""
    parser = clip_parser(
        "compress", "train compress: measure a classifier of your footage in every size, on the same held-out time."
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="where to write the table for programs")
    options = parser.parse_args(argv)

    def run() -> int:
        order = ordered(options, "compress")
        learned = learn(order.found.films, order.gathered, order.lesson, order.work, say)
        rows = measured(variants(learned.network, order.gathered.examples, order.lesson.fitting, say))
        print(table(rows))
        if options.json is not None:
            options.json.write_text(json.dumps(as_document(rows), indent=1) + "\n", encoding="utf-8")
        return 0

    return guarded(run)


def ordered(options: argparse.Namespace, verb: str) -> TrainingOrder:
    """Finds and reads the footage of a command. Raises TrainingError."""
    found = find(options.clips, options.labels, options.target, say)
    say(f"learns     {found.target}, from {numbered(len(found.films), 'film')}; {len(found.skipped)} left out")
    size = InputSize(options.size)
    gathered = gathered_for(found.films, lambda line: None if line.startswith("read ") else say(line), size=size)
    say(summary(gathered))
    lesson = Lesson(
        target=found.target,
        network=NetworkName(options.network),
        size=size,
        encoder=options.encoder,
        budget_per_day=options.budget,
        fitting=FitSettings(epochs=options.epochs, rate=options.rate, seed=options.seed),
        name=getattr(options, "name", ""),
        version=getattr(options, "version", ""),
        command=command_of(verb, options, found.target),
        source=f"{numbered(len(found.films), 'film')} of the user's own in {options.clips.name}",
    )
    return TrainingOrder(found, gathered, lesson, options.work)


def command_of(verb: str, options: argparse.Namespace, target: str) -> str:
    """What made a bundle, for whoever gets it: everything that decides, and of paths only their last part."""
    given: dict[str, object] = {"--labels": options.labels.name} if options.labels is not None else {}
    given |= {"--target": target, "--network": options.network}
    if options.size != InputSize.USUAL:
        given["--size"] = options.size
    if options.encoder != DEMO_ENCODER:
        given["--encoder"] = options.encoder.name
    given |= {f"--{name}": getattr(options, name) for name in ("budget", "epochs", "rate", "seed")}
    words = [word for name, value in given.items() for word in (name, str(value))]
    return shlex.join(["smartcam", "train", verb, options.clips.name, *words])


def summary(gathered: Gathered) -> str:
    """The footage of each use in a table."""
    rows = [f"{'':11}{'hours':>7}{'night':>7}{'target':>8}{'visits':>8}{'pictures':>10}{'same':>7}"]
    for use in FootageUse:
        share = gathered.shares[use]
        hours, night, shown = (seconds / 3600 for seconds in (share.seconds, share.night_s, share.shown_s))
        rows.append(f"{use:11}{hours:7.3f}{night:7.3f}{shown:8.3f}{share.visits:8}{share.pictures:10}{share.same:7}")
    rows += [f"{name}: {reason}" for name, reason in gathered.unusable[:_SHOWN]]
    return "\n".join(rows)


def _add_site(parser: argparse.ArgumentParser) -> None:
    """The options of `smartcam train clips` that send it to SageMaker."""
    there = parser.add_argument_group("beyond one machine")
    there.add_argument("--on", choices=["sagemaker"], help="train there; this uploads your footage")
    there.add_argument("--role", default="", metavar="ARN", help="the role that the job takes on")
    there.add_argument("--bucket", default="", metavar="NAME", help="a bucket of the same account, for all of it")
    there.add_argument("--instance", default="ml.m5.xlarge", help="the kind of machine (%(default)s)")
    there.add_argument("--region", help="the region (AWS_REGION)")
    there.add_argument("--wait", action="store_true", help="wait for the bundle; else `smartcam train fetch` does")


def clip_parser(verb: str, explanation: str) -> argparse.ArgumentParser:
    """What all verbs about footage take."""
    parser = new_parser(f"train {verb}", explanation)
    parser.add_argument("clips", type=Path, metavar="DIR", help="clips and pictures; without --labels a folder a class")
    parser.add_argument("--labels", type=Path, metavar="LABELS.json", help="intervals, as for `smartcam score`")
    parser.add_argument("--target", help="the label or folder to learn (what is labelled longest)")
    parser.add_argument(
        "--network",
        choices=[*map(str, NetworkName)],
        default=str(NetworkName.TRANSFER),
        help="what is trained (transfer)",
    )
    parser.add_argument(
        "--size",
        choices=[*map(str, InputSize)],
        default=str(InputSize.USUAL),
        help="the picture that it takes (160x96); 96x96 for a microcontroller",
    )
    parser.add_argument(
        "--encoder", type=Path, default=DEMO_ENCODER, help="what transfer begins with: a .keras file or such a bundle"
    )
    parser.add_argument(
        "--budget", type=number(0.001, 10_000), default=1.0, metavar="N", help="false alarms a day that you accept (1)"
    )
    parser.add_argument("--epochs", type=whole(1, 1000), default=_USUAL.epochs, help="passes at most (%(default)s)")
    parser.add_argument("--rate", type=number(1e-7, 10), default=_USUAL.rate, help="learning rate (%(default)s)")
    parser.add_argument("--seed", type=whole(0, 2**31), default=1, help="the same seed gives the same model (1)")
    parser.add_argument(
        "--work", type=Path, default=WORK, metavar="DIR", help="where a training that is killed is gone on with"
    )
    return parser
