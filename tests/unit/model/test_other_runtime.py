"""What one runtime's golden answer says of another's: the shared models, made here and opened by the other runtime."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import ModelBundle
from smartcam.model.interpreter import RUNTIME
from smartcam.model.manifest import MODEL_FILE, ModelKind, Thresholds
from smartcam.model.packing import Draft, write_bundle
from tools.bundle.coco import COCO_90

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared/data/models"
OTHERS = [ROOT / name / "bin/python" for name in (".venv", ".venv-tflite")]
OPEN = """
import sys
from pathlib import Path
from smartcam.model.bundle import ModelBundle
from smartcam.model.interpreter import RUNTIME
ModelBundle.open(Path(sys.argv[1]))
print(RUNTIME)
"""
THINGS = tuple(f"thing {number}" for number in range(1001))
MODELS = {
    "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29": COCO_90,
    "mobilenet_v1_0.25_128_quant": THINGS,
    "mobilenet_v2_1.0_224_quant": THINGS,
    "vww_96_float": ("nobody", "person"),
    "vww_96_int8": ("nobody", "person"),
}

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the shared models are not beside the project")


def made(name: str, folder: Path) -> Path:
    labels = MODELS[name]
    kind = ModelKind.DETECTOR if labels is COCO_90 else ModelKind.CLASSIFIER
    draft = Draft("shared", "1", kind, labels, {labels[1]: EventKind.PERSON}, Thresholds(0.6, 0.4), 3, "Apache-2.0")
    write_bundle(folder, (SHARED / f"{name}.tflite").read_bytes(), draft)
    return folder


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.skipif(not all(path.is_file() for path in OTHERS), reason="`make setup-tflite` makes the other runtime")
def test_a_sound_model_is_not_refused_by_the_other_runtime(name: str, tmp_path: Path) -> None:
    """Once a classifier's share was 0.66 here and 0.55 there, with a tolerance of 0.05."""
    (other,) = [path for path in OTHERS if path.parents[1].name != Path(sys.executable).parents[1].name]
    command = [str(other), "-c", OPEN, str(made(name, tmp_path / "bundle"))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert {ran.stdout.split()[-1], RUNTIME} == {"LiteRT", "tflite-runtime"}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.skipif(RUNTIME == "tflite-runtime", reason="tflite-runtime reads a model unchecked and ends the process")
def test_a_model_with_a_few_other_numbers_is_refused(name: str, tmp_path: Path) -> None:
    """One byte in thirty of the largest weights; the hashes are made to fit."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415  only LiteRT has it

    folder = made(name, tmp_path / "bundle")
    whole = (folder / MODEL_FILE).read_bytes()
    buffers = [buffer.data for buffer in schema.ModelT.InitFromPackedBuf(whole, 0).buffers if buffer.data is not None]
    weights = max(map(bytes, buffers), key=len)
    start = whole.index(weights)
    model = np.frombuffer(whole, np.uint8).copy()
    model[start : start + len(weights) : 31] ^= 0x55
    (folder / MODEL_FILE).write_bytes(model.tobytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][MODEL_FILE] = hashlib.sha256(model.tobytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelIntegrityError, match=r"golden output|finite"):
        ModelBundle.open(folder)
