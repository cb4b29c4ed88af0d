"""`smartcam bundle`: one line for what went wrong, and a bundle that opens when nothing did."""

import errno
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from smartcam.contract.event import EventKind
from smartcam.model.bundle import ModelBundle
from smartcam.model.manifest import ModelKind, Thresholds
from tests.fakes import models
from tools.bundle.coco import COCO_80, COCO_90
from tools.bundle.command import main

SHARED = Path(__file__).resolve().parents[5] / "shared/data/models"
COCO = SHARED / "coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
needs_shared = pytest.mark.skipif(not COCO.exists(), reason="the shared models are not beside the project")


class Workshop:
    """A folder with a model and its labels, and the command run on them."""

    def __init__(self, folder: Path, model: bytes, labels: str) -> None:
        self.model, self.labels, self.out = folder / "my model.tflite", folder / "labels.txt", folder / "out/bundle"
        self.model.write_bytes(model)
        self.labels.write_text(labels)

    def run(self, kind: str, *more: str) -> int:
        paths = ("--model", str(self.model), "--labels", str(self.labels), "--out", str(self.out))
        return main([*paths, "--kind", kind, *more])


@pytest.fixture
def detector(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, models.detector(), "person\ncar\n")


@pytest.fixture
def classifier(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, models.classifier(), "normal\nintruder\n")


def test_a_detector_needs_nothing_but_its_labels(detector: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert detector.run("detector") == 0
    manifest = ModelBundle.open(detector.out).manifest
    assert manifest.kind is ModelKind.DETECTOR
    assert manifest.name == "my-model"
    assert manifest.events == {"person": EventKind.PERSON, "car": EventKind.VEHICLE}
    assert manifest.thresholds == Thresholds(0.6, 0.4)
    assert manifest.min_frames == 3
    said = capsys.readouterr().out
    assert "detector my-model 0.1.0, 2 labels" in said
    assert "person -> person, car -> vehicle" in said


def test_an_intruder_is_an_anomaly(classifier: Workshop) -> None:
    assert classifier.run("classifier") == 0
    assert ModelBundle.open(classifier.out).manifest.events == {"intruder": EventKind.ANOMALY}


def test_everything_can_be_said(classifier: Workshop) -> None:
    said = ("--name", "yard", "--version", "2.0", "--events", "normal=animal", "--raise-at", "0.3", "--min-frames", "5")
    assert classifier.run("classifier", *said, "--licence", "Apache-2.0", "--source", "https://example.org/m") == 0
    manifest = ModelBundle.open(classifier.out).manifest
    assert (manifest.name, manifest.version, manifest.min_frames) == ("yard", "2.0", 5)
    assert manifest.events == {"normal": EventKind.ANIMAL}
    assert manifest.thresholds == Thresholds(0.3, 0.3), "clearing never stays above raising"
    assert (manifest.licence, manifest.provenance.source) == ("Apache-2.0", "https://example.org/m")


def test_the_paths_of_the_makers_machine_stay_out_of_the_bundle(detector: Workshop) -> None:
    assert detector.run("detector") == 0
    assert str(detector.model.parent).encode() not in (detector.out / "manifest.json").read_bytes()


def test_a_float_models_scaling_can_be_said(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path, models.classifier("float32"), "normal\nintruder\n")
    assert workshop.run("classifier", "--mean", "127.5", "--std", "127.5,128,129") == 0
    spec = ModelBundle.open(workshop.out).manifest.input
    assert (spec.mean, spec.std) == ((127.5, 127.5, 127.5), (127.5, 128.0, 129.0))


def test_a_bundle_is_signed_with_a_raw_key(detector: Workshop, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(key.private_bytes_raw())
    assert detector.run("detector", "--sign", str(tmp_path / "key")) == 0
    assert ModelBundle.open(detector.out, key.public_key().public_bytes_raw()).signed


def complaint(code: int, capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("smartcam bundle: ")]
    assert code == 1
    assert captured.out == ""
    assert len(lines) == 1
    return lines[0]


WRONG: dict[str, tuple[str, Sequence[str], str]] = {
    "the other kind": ("classifier", (), "a classifier gives (1, labels)"),
    "an event without a kind": ("detector", ("--events", "person"), "--events person: must be LABEL=KIND"),
    "an event of no kind": ("detector", ("--events", "person=ghost"), "must be LABEL=KIND with a kind of person, "),
    "an event of no label": (
        "detector",
        ("--events", "cat=animal"),
        "--events cat: is not one of the 2 labels; did you mean 'car'?",
    ),
    "an event of no label at all": (
        "detector",
        ("--events", "zebra=animal"),
        "--events zebra: is not one of the 2 labels",
    ),
    "a threshold above one": ("detector", ("--raise-at", "2"), "--raise-at 2.0: must be 0 to 1"),
    "clearing above raising": ("detector", ("--clear-at", "0.9"), "--clear-at 0.9: must not be above raise_at"),
    "no looks at all": ("detector", ("--min-frames", "0"), "--min-frames 0: must be 1 to 1000"),
    "a grey that is none": ("detector", ("--pad", "300"), "--pad 300: must be 0 to 255"),
    "a version with a slash": ("detector", ("--version", "1/2"), "--version 1/2: must match"),
    "a size that the model has not": ("detector", ("--size", "640x480"), "--size 640x480: the model takes "),
    "a name with blanks": ("detector", ("--name", "a b"), "--name a b: must match"),
    "a mean in words": ("detector", ("--mean", "grey"), "--mean grey: must be one number, or three"),
    "a mean that is no number": ("detector", ("--mean", "nan"), "--mean nan: must be within 1e+09"),
    "a mean beyond everything": ("detector", ("--mean", "0,inf,0"), "--mean 0,inf,0: must be within 1e+09"),
    "a deviation of hardly more than 0": ("detector", ("--std", "1e-40"), "--std 1e-40: must not be 0"),
    "two standard deviations": ("detector", ("--std", "1,2"), "--std 1,2: must be one number, or three"),
    "a standard deviation of nothing": ("detector", ("--std", "0"), "--std 0: must not be 0"),
    "a key that is not there": ("detector", ("--sign", "/nowhere/key"), "/nowhere/key: the key file cannot be read"),
}


@pytest.mark.parametrize(("kind", "more", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_in_one_line(
    detector: Workshop, capsys: pytest.CaptureFixture[str], kind: str, more: Sequence[str], expected: str
) -> None:
    assert expected in complaint(detector.run(kind, *more), capsys)
    assert not detector.out.exists()
    assert not detector.out.parent.exists() or list(detector.out.parent.iterdir()) == []


def test_a_missing_model_is_named(detector: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    detector.model.unlink()
    assert "my model.tflite: the model file cannot be read (No such file" in complaint(detector.run("detector"), capsys)


def test_a_model_that_is_none_is_named(detector: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    detector.model.write_bytes(b"<html>404</html>" * 100)
    assert "my model.tflite: is not a .tflite model" in complaint(detector.run("detector"), capsys)


def test_what_is_no_model_is_not_asked_for_the_labels_inside_it(
    detector: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    detector.model.write_bytes(b"weights of another program" * 100)
    code = main(["--model", str(detector.model), "--out", str(detector.out)])
    assert "my model.tflite: is not a .tflite model" in complaint(code, capsys)


def test_labels_that_do_not_fit_are_counted(classifier: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    classifier.labels.write_text("normal\nintruder\ncat\n")
    line = complaint(classifier.run("classifier"), capsys)
    assert "3 labels" in line
    assert "2 classes" in line


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "has no labels"), (b"\xff\xfea", "begins as UTF-16, but is damaged"),
     ("Bär\n".encode("latin-1"), "labels.txt:1: holds the byte 0xE4")],
)  # fmt: skip
def test_a_label_file_that_is_none_is_named(
    detector: Workshop, capsys: pytest.CaptureFixture[str], content: bytes, expected: str
) -> None:
    detector.labels.write_bytes(content)
    line = complaint(detector.run("detector"), capsys)
    assert "labels.txt" in line
    assert expected in line


def test_labels_numbered_from_1_stand_at_their_places_and_the_user_hears_of_it(
    detector: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    detector.labels.write_text("1 Person\n2 car\n")
    assert detector.run("detector") == 0
    manifest = ModelBundle.open(detector.out).manifest
    assert manifest.labels == ("Person", "car")
    assert manifest.events == {"Person": EventKind.PERSON, "car": EventKind.VEHICLE}
    assert "  numbered from 1\n" in capsys.readouterr().out


def test_labels_inside_the_model_need_no_file(detector: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model", str(detector.model), "--kind", "detector", "--out", str(detector.out)]
    assert "my model.tflite: has no labels inside; give a file" in complaint(main(arguments), capsys)
    with zipfile.ZipFile(detector.model, "a") as archive:
        archive.writestr("labelmap.txt", "???\nperson\ncar\n")
    assert main(arguments) == 0
    assert ModelBundle.open(detector.out).manifest.labels == ("person", "car")
    assert "the labels are those inside the model (labelmap.txt)" in capsys.readouterr().out


def test_cocos_names_need_no_file(detector: Workshop) -> None:
    arguments = ["--model", str(detector.model), "--kind", "detector", "--out", str(detector.out), "--labels", "coco"]
    assert main(arguments) == 0
    assert ModelBundle.open(detector.out).manifest.labels == COCO_90


def test_a_label_with_commas_can_raise_an_event(classifier: Workshop) -> None:
    classifier.labels.write_text("nobody, at all\nman, woman or child\n")
    assert classifier.run("classifier", "--events", "man, woman or child=person") == 0
    assert ModelBundle.open(classifier.out).manifest.events == {"man, woman or child": EventKind.PERSON}


def test_events_may_be_given_one_by_one(detector: Workshop) -> None:
    assert detector.run("detector", "--events", "person=person", "--events", "car=vehicle") == 0
    assert len(ModelBundle.open(detector.out).manifest.events) == 2


def test_labels_that_raise_nothing_ask_for_events(classifier: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    classifier.labels.write_text("left\nright\n")
    assert "give --events LABEL=KIND" in complaint(classifier.run("classifier"), capsys)


def test_a_folder_that_exists_is_left_alone(detector: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    detector.out.mkdir(parents=True)
    assert "exists; a bundle is written into a new folder" in complaint(detector.run("detector"), capsys)


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    detector: Workshop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    remedy = "make room, or name another folder with --out"
    with monkeypatch.context() as patched:
        patched.setattr("smartcam.model.packing.os.fsync", full)
        line = complaint(detector.run("detector"), capsys)
    assert line == f"smartcam bundle: {detector.out}: cannot be written (No space left on device); {remedy}"
    detector.out.parent.rmdir()
    detector.out.parent.write_text("a file where a folder should be")
    line = complaint(detector.run("detector"), capsys)
    assert line.startswith(f"smartcam bundle: {detector.out}: cannot be written (")


def test_a_key_that_is_none_is_told(detector: Workshop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key").write_bytes(b"secret")
    line = complaint(detector.run("detector", "--sign", str(tmp_path / "key")), capsys)
    assert line.startswith(f"smartcam bundle: {tmp_path / 'key'}: private key cannot be used")


@needs_shared
@pytest.mark.parametrize(
    ("names", "count"),
    [
        (COCO_90[1:], 89),
        (COCO_90[:-1], 89),
        ((*COCO_90, "drone", "kite"), 92),
        (("person", "car"), 2),
        (("person", *(f"thing {number}" for number in range(78))), 79),
        (("person", *(f"thing {number}" for number in range(80))), 81),
    ],
    ids=["the first is missing", "the last is missing", "two too many", "only those that one wants", "79", "81"],
)
def test_an_ssd_with_too_many_or_too_few_labels_is_refused_with_both_numbers(
    names: Sequence[str], count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "l.txt").write_text("\n".join(names))
    call = ["--model", str(COCO), "--labels", str(tmp_path / "l.txt"), "--out", str(tmp_path / "b")]
    line = complaint(main(call), capsys)
    assert line.startswith(f"smartcam bundle: {tmp_path / 'l.txt'}: has {count} labels, but the model has 90 classes; ")
    assert not (tmp_path / "b").exists()


@needs_shared
def test_the_public_coco_detector_becomes_a_bundle(tmp_path: Path) -> None:
    out = tmp_path / "coco"
    labels = SHARED / "coco_ssd_labelmap.txt"
    assert main(["--model", str(COCO), "--kind", "detector", "--labels", str(labels), "--out", str(out)]) == 0
    manifest = ModelBundle.open(out).manifest
    assert (manifest.input.width, manifest.input.height, manifest.input.mean[0]) == (300, 300, 128)
    assert manifest.labels[0] == "person"
    assert manifest.labels[11] == "???"
    assert manifest.events["truck"] is EventKind.VEHICLE
    assert "???" not in manifest.events


@pytest.mark.parametrize("option", ["--raise-at", "--clear-at"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "high"])
def test_a_threshold_that_is_no_number_is_refused(
    option: str, number: str, detector: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once `nan` ended in a traceback."""
    with pytest.raises(SystemExit):
        detector.run("detector", f"{option}={number}")
    assert f"argument {option}: '{number}' must be a number of 0 to 1" in capsys.readouterr().err
    assert not detector.out.exists()


@needs_shared
@pytest.mark.parametrize(
    ("given", "named", "first"),
    [
        (COCO_80, "COCO's 80 names stand at the places of their ids", "person"),
        (COCO_90, "", "person"),
        (("background", *COCO_90), "the first label, 'background', was left out", "person"),
    ],
)
def test_an_ssds_operator_says_how_many_labels_it_needs(
    given: tuple[str, ...], named: str, first: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels").write_text("\n".join(given))
    out = tmp_path / "coco"
    assert main(["--model", str(COCO), "--labels", str(tmp_path / "labels"), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert named in said
    assert "does not say how many classes" not in said
    labels = ModelBundle.open(out).manifest.labels
    assert (len(labels), labels[0]) == (90, first)


@needs_shared
def test_an_ssd_of_which_the_user_says_that_it_counts_the_background_gets_a_label_for_it(tmp_path: Path) -> None:
    out = tmp_path / "coco"
    arguments = ["--model", str(COCO), "--labels", "coco", "--background", "--out", str(out)]
    assert main(arguments) == 0
    assert ModelBundle.open(out).manifest.labels == ("???", *COCO_90)


@needs_shared
@pytest.mark.parametrize("name", ["vww_96_int8.tflite", "vww_96_float.tflite"])
def test_public_classifiers_become_bundles(tmp_path: Path, name: str) -> None:
    (tmp_path / "labels").write_text("notperson\nperson\n")
    out = tmp_path / "vww"
    arguments = ["--model", str(SHARED / name), "--labels", str(tmp_path / "labels"), "--out", str(out)]
    assert main([*arguments, "--kind", "classifier"]) == 0
    assert ModelBundle.open(out).manifest.events == {"person": EventKind.PERSON}
