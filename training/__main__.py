"""`python -m training`: from synthetic footage to a model bundle."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from smartcam.model.manifest import MODEL_FILE, Provenance
from training.bundle import bundle
from training.dataset import Split, generator, shoot_once
from training.evaluate import Evaluation, evaluate
from training.export import export
from training.train import Hyperparameters, train

_ROOT = Path(__file__).resolve().parent.parent
_VALIDATION_SEED, _TEST_SEED = 100_000, 200_000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to train; the seed decides the yards, the network's initial weights and the order of pictures."""

    seed: int
    yards: int
    pairs: int
    held_out: int
    epochs: int

    @property
    def splits(self) -> tuple[tuple[str, Split], ...]:
        """The yards to train on, to choose thresholds with and to test on; no yard is in two of them."""
        return (
            ("train", Split(self.seed * 1_000, self.yards, self.pairs)),
            ("validation", Split(self.seed * 1_000 + _VALIDATION_SEED, self.held_out, 2)),
            ("test", Split(self.seed * 1_000 + _TEST_SEED, self.held_out, 2)),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs every stage and prints the results."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--out", type=Path, default=_ROOT / "training/bundles/demo", help="the bundle's folder")
    parser.add_argument("--work", type=Path, default=_ROOT / "build/training", help="the folder for footage and report")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--yards", type=int, default=400, help="synthetic yards to train on, 30 pictures each")
    parser.add_argument("--held-out", type=int, default=60, help="yards for the thresholds, and again for the test")
    parser.add_argument("--epochs", type=int, default=20)
    chosen = parser.parse_args(arguments)
    if chosen.seed < 0 or min(chosen.yards, chosen.held_out, chosen.epochs) < 1:
        parser.error("--seed must not be negative, the others must be at least 1")
    plan = Plan(chosen.seed, chosen.yards, 3, chosen.held_out, chosen.epochs)
    evaluation, digest = run(plan, _command(plan), chosen.out, chosen.work)
    _report(evaluation, digest, plan, chosen.out)
    return 0


def run(plan: Plan, command: str, out: Path, work: Path) -> tuple[Evaluation, str]:
    """Data, train, export, evaluate, bundle; returns the evaluation and the model's SHA-256."""
    footage = shoot_once(plan.splits, work)
    trained = train(footage["train"], Hyperparameters(plan.epochs, 64, 2.5e-3, plan.seed))
    exported = export(trained.network, footage["train"])
    evaluation = evaluate(trained.network, exported, footage["validation"], footage["test"])
    seen = (
        f"{len(footage['train'])} pictures of {plan.yards} made-up yards; frame AUC {evaluation.test_auc:.4f} on others"
    )
    source = f"pictures made up by training.yard, sources {generator()}"
    manifest = bundle(exported, evaluation.thresholds, Provenance(source, command, plan.seed, seen), out)
    digest = manifest.files[MODEL_FILE]
    report = {"command": command, "sha256": digest, "losses": trained.losses, **asdict(evaluation)}
    (work / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return evaluation, digest


def _command(plan: Plan) -> str:
    return (
        f"python -m training --seed {plan.seed} --yards {plan.yards} --held-out {plan.held_out} --epochs {plan.epochs}"
    )


def _report(evaluation: Evaluation, digest: str, plan: Plan, out: Path) -> None:
    print(f"command  {_command(plan)}")
    print(f"seed     {plan.seed}")
    print(f"sha256   {digest}")
    print(f"model    {evaluation.model_bytes} bytes, in {out}")
    print(f"AUC      {evaluation.test_auc:.4f} on {plan.held_out} yards never seen before")
    print(
        f"parity   {evaluation.parity:.4f} mean difference to the trained network, agreement {evaluation.agreement:.1%}"
    )
    print(f"alarm    at {evaluation.thresholds.raise_at}, over at {evaluation.thresholds.clear_at}")
    for found in evaluation.confusions:
        print(
            f"{found.hour:9}normal {found.normal_right} right {found.normal_wrong} wrong, "
            f"intruder {found.intruder_right} right {found.intruder_wrong} wrong"
        )


if __name__ == "__main__":
    sys.exit(main())
