"""`python -m training.normal`: from made-up pictures to the encoder of the scene learner, in about ten minutes."""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.drawn_films import generator
from training.normal.export import export
from training.normal.learning import learn
from training.normal.pictures import draw

_ROOT = Path(__file__).resolve().parents[2]
_MODEL = _ROOT / "components/smartcam/model/place_encoder.tflite"
_FIRST_YARD = 1_000_000
"""None of these yards is one of the demo's, or of its classifier's."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws, trains, exports, and writes model and report; prints the model's SHA-256."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    parser = argparse.ArgumentParser(prog="python -m training.normal", description=__doc__)
    parser.add_argument("--out", type=Path, default=_MODEL, help="the model's file")
    parser.add_argument("--report", type=Path, default=_ROOT / "training/bundles/encoder/encoder.json")
    parser.add_argument("--work", type=Path, default=_ROOT / "build/training", help="folder for the drawn pictures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--yards", type=int, default=100, help="made-up yards, 30 pictures each")
    parser.add_argument("--steps", type=int, default=600)
    chosen = parser.parse_args(arguments)
    if chosen.seed < 0 or min(chosen.yards, chosen.steps) < 1:
        parser.error("--seed must not be negative, the others must be at least 1")
    kept = chosen.work / f"normal-{chosen.seed}-{chosen.yards}-{generator()}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, draw(_FIRST_YARD * (chosen.seed + 1), chosen.yards, 1, 6))
    pictures = np.load(kept, allow_pickle=False)
    learnt = learn(pictures, chosen.steps, chosen.seed)
    model = export(learnt.encoder, pictures)
    for file in (chosen.out, chosen.report):
        file.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_bytes(model)
    command = f"python -m training.normal --seed {chosen.seed} --yards {chosen.yards} --steps {chosen.steps}"
    report = {
        "command": command,
        "pictures": f"{len(pictures)} made up by training.yard, sources {generator()}",
        "sha256": hashlib.sha256(model).hexdigest(),
        "losses": learnt.losses,
    }
    chosen.report.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"command  {command}\nsha256   {report['sha256']}\nmodel    {len(model)} bytes, in {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
