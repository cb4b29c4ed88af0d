"""The readers in Kotlin and Swift open what a device opens, and refuse what it refuses, by the same name."""

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.model.bundle import SIGNATURE_FILE, SealedFolder, open_sealed
from smartcam.model.manifest import MANIFEST_FILE, ModelKind, ModelManifest
from smartcam.model.outputs import Activation, Candidates, Output, SsdOutput, YoloOutput, YoloxOutput, dump_output
from smartcam.model.signature import new_private_key, public_key, sign
from standins.programs import output_of
from tests.targets.phone.compilers import kotlin_reader, swift_reader, why_no_swift
from tests.unit.model.test_manifest import MANIFEST
from tools.command_line import ROOT

pytestmark = pytest.mark.targets

Change = Callable[[dict[str, Any]], object]
LIMIT_S = 120.0
FILES = {"model.tflite": b"a model", "in.bin": b"a picture", "out.json": b"{}"}
OUTPUTS: dict[str, Output] = {
    "ssd": SsdOutput(0, 1, 2, 3),
    "yolo": YoloOutput(0, 0, objectness=0, activation=Activation.SIGMOID),
    "selected": YoloOutput(0, 0, classes=0),
    "yolox": YoloxOutput((8, 16, 32), Candidates.COLUMNS),
}


def detector(output: Output) -> ModelManifest:
    seen, raises = ("person", "🚗" * 64), {"person": EventKind.PERSON}
    return replace(MANIFEST, kind=ModelKind.DETECTOR, output=output, labels=seen, events=raises)


GOOD = {"classifier": MANIFEST, **{name: detector(output) for name, output in OUTPUTS.items()}}
GOOD_SSD: dict[str, object] = dump_output(OUTPUTS["ssd"])
CHANGES: dict[str, tuple[str, Change]] = {
    "rows": ("classifier", lambda m: m.update(kind="table")),
    "no kind": ("classifier", lambda m: m.update(kind="oracle")),
    "schema": ("classifier", lambda m: m.update(schema=3)),
    "no name": ("classifier", lambda m: m.pop("name")),
    "null": ("classifier", lambda m: m.update(version=None)),
    "a number": ("classifier", lambda m: m.update(name=7)),
    "a path": ("classifier", lambda m: m.update(name="../x")),
    "head": ("classifier", lambda m: m.update(head="ssd", output=GOOD_SSD)),
    "other head": ("classifier", lambda m: m.update(head="eye")),
    "outside": ("classifier", lambda m: m["files"].update({"../secret": "0" * 64})),
    "no hash": ("classifier", lambda m: m["files"].update({"in.bin": "0" * 63})),
    "many files": ("classifier", lambda m: m["files"].update({f"f{n}": "0" * 64 for n in range(17)})),
    "no model": ("classifier", lambda m: m["files"].pop("model.tflite")),
    "two models": ("classifier", lambda m: m["files"].update({"model.onnx": m["files"]["model.tflite"]})),
    "no golden": ("classifier", lambda m: m["golden"].update(output="other.json")),
    "tolerance": ("classifier", lambda m: m["golden"].update(tolerance=0.3)),
    "channels": ("classifier", lambda m: m["input"].update(channels=1)),
    "width": ("classifier", lambda m: m["input"].update(width=0)),
    "real width": ("classifier", lambda m: m["input"].update(width=96.0)),
    "true width": ("classifier", lambda m: m["input"].update(width=True)),
    "wide": ("classifier", lambda m: m["input"].update(height=4097)),
    "dtype": ("classifier", lambda m: m["input"].update(dtype="float64")),
    "scale": ("classifier", lambda m: m["input"].update(dtype="float32")),
    "tiny scale": ("classifier", lambda m: m["input"].update(scale=1e-13)),
    "zero point": ("classifier", lambda m: m["input"].update(zero_point=256)),
    "mean": ("classifier", lambda m: m["input"].update(mean=[0, 0])),
    "four": ("classifier", lambda m: m["input"].update(mean=[0, 0, 0, 0])),
    "a word": ("classifier", lambda m: m["input"].update(mean=[0, "0", 0])),
    "no spread": ("classifier", lambda m: m["input"].update(std=[1, 0, 1])),
    "pad": ("classifier", lambda m: m["input"].update(pad=256)),
    "fit": ("classifier", lambda m: m["input"].update(fit="crop")),
    "input": ("classifier", lambda m: m.update(input=[])),
    "activation": ("classifier", lambda m: m["output"].update(activation="none")),
    "no labels": ("classifier", lambda m: m.update(labels=[])),
    "long label": ("ssd", lambda m: m.update(labels=["person", "🚗" * 65])),
    "empty label": ("ssd", lambda m: m.update(labels=["person", ""])),
    "control": ("ssd", lambda m: m.update(labels=["person", "a\u0000b"])),
    "a line": ("ssd", lambda m: m.update(labels=["person", "a\u2028b"])),
    "a hard space": ("ssd", lambda m: m.update(labels=["person", "a\u00a0b"])),
    "other event": ("classifier", lambda m: m.update(events={"cat": "animal"})),
    "two events": ("classifier", lambda m: m.update(events={"normal": "anomaly", "intruder": "anomaly"})),
    "no event": ("ssd", lambda m: m.update(events={})),
    "event kind": ("ssd", lambda m: m.update(events={"person": "motion"})),
    "thresholds": ("classifier", lambda m: m["thresholds"].update(clear_at=0.8)),
    "threshold": ("classifier", lambda m: m["thresholds"].update(raise_at=1.1)),
    "frames": ("classifier", lambda m: m.update(min_frames=0)),
    "licence": ("classifier", lambda m: m.update(licence="x" * 257)),
    "seed": ("classifier", lambda m: m["provenance"].update(seed=-1)),
    "half a seed": ("classifier", lambda m: m["provenance"].update(seed=1.5)),
    "source": ("classifier", lambda m: m["provenance"].update(source="x" * 1025)),
    "same places": ("ssd", lambda m: m["output"].update(count=2)),
    "far place": ("ssd", lambda m: m["output"].update(boxes=64)),
    "both": ("yolo", lambda m: m["output"].update(classes=0)),
    "logits": ("yolo", lambda m: m["output"].update(activation="logits")),
    "row": ("yolo", lambda m: m["output"].update(row="other")),
    "no strides": ("yolox", lambda m: m["output"].update(strides=[])),
    "stride": ("yolox", lambda m: m["output"].update(strides=[8, 129])),
}


def written(folder: Path, manifest: ModelManifest) -> Path:
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    (folder / MANIFEST_FILE).write_bytes(replace(manifest, files=hashes).to_json())
    return folder


def hurt(folder: Path) -> None:
    """What can be wrong with files: a bundle for each, in folders below this one."""

    def fresh(name: str) -> Path:
        return written(folder / name, MANIFEST)

    (fresh("changed") / "model.tflite").write_bytes(b"b model")
    (fresh("missing") / "in.bin").unlink()
    linked = fresh("linked") / "in.bin"
    linked.rename(linked.with_name("other"))
    linked.symlink_to("other")
    pipe = fresh("pipe") / "in.bin"
    pipe.unlink()
    os.mkfifo(pipe)
    os.truncate(fresh("giant") / "model.tflite", 1 << 40)
    os.truncate(fresh("giant manifest") / MANIFEST_FILE, (1 << 20) + 1)
    (fresh("no manifest") / MANIFEST_FILE).unlink()
    (fresh("no json") / MANIFEST_FILE).write_bytes(b"\x80\x04pickle")
    (fresh("a list") / MANIFEST_FILE).write_bytes(b"[1]")
    (fresh("two") / MANIFEST_FILE).write_bytes(b"{} {}")
    (fresh("deep") / MANIFEST_FILE).write_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def made(folder: Path) -> list[Path]:
    """Good bundles and bad ones of all sorts."""
    for name, manifest in GOOD.items():
        written(folder / name, manifest)
    for name, (of, alter) in CHANGES.items():
        path = written(folder / f"bad {name}", GOOD[of]) / MANIFEST_FILE
        document = json.loads(path.read_bytes())
        alter(document)
        path.write_text(json.dumps(document), encoding="utf-8")
    hurt(folder)
    return sorted(path for path in folder.iterdir() if path.is_dir())


def verdict_of_device(folder: Path, key: bytes | None = None) -> list[object]:
    """What is opened, or the file or field that is refused."""
    try:
        sealed: SealedFolder[ModelManifest] = open_sealed(folder, key, ModelManifest.from_json)
    except ModelIntegrityError as error:
        said = str(error).removeprefix(str(folder)).removeprefix("/")
        if said.startswith(": has no manifest.json"):
            return ["refused", MANIFEST_FILE]
        file, _, rest = said.partition(": ")
        is_of_field = file == MANIFEST_FILE and not rest.startswith("must be a regular file")
        return ["refused", rest.partition(": ")[0] if is_of_field else file]
    it = sealed.manifest
    events = "|".join(f"{label}={kind}" for label, kind in sorted(it.events.items()))
    model = it.model_file, len(sealed.contents[it.model_file])
    taken = it.input.width, it.input.height, str(it.input.dtype), it.input.scale
    limits = it.thresholds.raise_at, it.thresholds.clear_at, it.min_frames, it.golden.tolerance
    opened = ["opened", it.name, it.version, it.kind, *model, *taken, "|".join(it.labels), events, *limits]
    return [*opened, str(key is not None).lower()]


def is_same(wanted: list[object], said: list[str]) -> bool:
    if wanted[0] == "refused":
        return said[:2] == wanted
    pairs = zip(wanted, said, strict=True)
    return all(math.isclose(one, float(two)) if isinstance(one, float) else str(one) == two for one, two in pairs)


class Reader:
    """A compiled reader; `inside`: where it sees what is below `folder`."""

    def __init__(self, command: list[str], folder: Path, inside: Path) -> None:
        self.command, self.folder, self.inside = command, folder, inside

    def verdicts(self, folders: list[Path], key: bytes | None = None) -> Mapping[Path, list[str]]:
        seen = [str(self.inside / folder.relative_to(self.folder)) for folder in folders]
        said = output_of([*self.command, "-" if key is None else key.hex(), *seen], LIMIT_S)
        return dict(zip(folders, (line.split("\t") for line in said.splitlines()), strict=True))


@pytest.fixture(scope="module", params=["kotlin", "swift"])
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "kotlin":
        return Reader([*kotlin_reader(folder / "classes")], folder, folder)
    why = why_no_swift()
    if why is not None:
        pytest.skip(why)
    return Reader([*swift_reader(folder)], folder, Path("/mnt"))


@pytest.mark.slow
def test_it_opens_and_refuses_what_a_device_opens_and_refuses(reader: Reader) -> None:
    folders = made(reader.folder / "bundles")
    wanted = {folder: verdict_of_device(folder) for folder in folders}
    assert sum(verdict[0] == "opened" for verdict in wanted.values()) == len(GOOD)
    said = reader.verdicts(folders)
    assert {
        folder.name: (wanted[folder], said[folder]) for folder in folders if not is_same(wanted[folder], said[folder])
    } == {}


@pytest.mark.slow
def test_it_takes_only_what_the_trusted_key_has_signed(reader: Reader) -> None:
    private = new_private_key()
    signed, changed, unsigned, strangers = (
        written(reader.folder / "signed" / name, MANIFEST) for name in ("good", "changed", "unsigned", "strangers")
    )
    for folder, key in ((signed, private), (changed, private), (strangers, new_private_key())):
        document = (folder / MANIFEST_FILE).read_bytes()
        (folder / SIGNATURE_FILE).write_bytes(sign(document, key))
    (changed / MANIFEST_FILE).write_bytes((changed / MANIFEST_FILE).read_bytes().replace(b"yard", b"gate"))
    folders = [signed, changed, unsigned, strangers]
    said = reader.verdicts(folders, public_key(private))
    wanted = {folder: verdict_of_device(folder, public_key(private)) for folder in folders}
    assert [verdict[0] for verdict in wanted.values()] == ["opened", "refused", "refused", "refused"]
    assert [folder.name for folder in folders if not is_same(wanted[folder], said[folder])] == []
    assert said[signed][-1] == "true"


@pytest.mark.slow
def test_it_opens_the_demos_bundle(reader: Reader) -> None:
    demo = reader.folder / "demo"
    demo.mkdir()
    for file in (ROOT / "training/bundles/demo").iterdir():
        (demo / file.name).write_bytes(file.read_bytes())
    assert is_same(verdict_of_device(demo), reader.verdicts([demo])[demo])
