"""The training inside SageMaker: `smartcam train clips` with the folders and words that script mode gives.

Script mode names the channels' folders in SM_CHANNEL_*, the folder that becomes model.tar.gz in SM_MODEL_DIR and the
job's own parameters, as JSON, in SM_HPS (github.com/aws/sagemaker-training-toolkit).
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if (_HERE / "components").is_dir():  # on top of the archive, beside the rest
    sys.path[:0] = [str(_HERE), str(_HERE / "components")]

from tools.train.command import main as train  # noqa: E402 - only now it can be found
from tools.train.job import BUNDLE, REPORT, TOLD  # noqa: E402


def arguments(environment: Mapping[str, str], work: Path) -> list[str]:
    """The words of `smartcam train clips`. Raises KeyError, ValueError where this is no such job."""
    told = json.loads(environment["SM_HPS"])
    made = Path(environment["SM_MODEL_DIR"])
    words = ["clips", environment["SM_CHANNEL_CLIPS"], "--out", str(made / BUNDLE), "--report", str(made / REPORT)]
    words += ["--work", str(work)]
    if "SM_CHANNEL_LABELS" in environment:
        [labels] = Path(environment["SM_CHANNEL_LABELS"]).glob("*.json")
        words += ["--labels", str(labels)]
    return words + [f"--{name}={told[name]}" for name in TOLD if name in told]


def main() -> int:
    """Trains. Its standard error is what the service says of a job that failed."""
    with tempfile.TemporaryDirectory(prefix="smartcam-work-") as work:
        return train(arguments(os.environ, Path(work)))


if __name__ == "__main__":
    sys.exit(main())
