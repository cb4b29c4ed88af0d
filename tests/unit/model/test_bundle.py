"""A bundle opens only if everything in it is what its maker released."""

import hashlib
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model import bundle as bundle_module
from smartcam.model.bundle import LARGEST_BUNDLE, ModelBundle
from smartcam.model.manifest import ModelManifest
from smartcam.model.packing import write_bundle
from smartcam.model.signature import sign
from tests.fakes import models, onnx_maker
from tests.strategies import hostile_numbers
from tests.unit.model.conftest import DETECTOR, Written

RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(*RAW)
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes(*RAW)


def change(folder: Path, alter: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_bytes())
    alter(document)
    path.write_text(json.dumps(document))


def replace(folder: Path, name: str, content: bytes) -> None:
    """Another file with its right hash, as somebody would do who may write the manifest."""
    (folder / name).write_bytes(content)
    change(folder, lambda m: m["files"].update({name: hashlib.sha256(content).hexdigest()}))


def test_an_untouched_bundle_opens(detector_bundle: Written) -> None:
    folder, manifest = detector_bundle
    bundle = ModelBundle.open(folder)
    assert bundle.manifest == manifest
    assert bundle.path == folder
    assert not bundle.signed


def test_a_bundle_is_found_over_a_link_to_its_folder(detector_bundle: Written, tmp_path: Path) -> None:
    folder, _ = detector_bundle
    (tmp_path / "current").symlink_to(folder)
    assert ModelBundle.open(tmp_path / "current").path == folder


@pytest.mark.parametrize("name", ["model.tflite", "golden_input.bin", "golden_output.json"])
def test_one_changed_byte_anywhere_is_noticed(detector_bundle: Written, name: str) -> None:
    path = detector_bundle[0] / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelIntegrityError, match=rf"{name}: SHA-256 is [0-9a-f]{{64}}, but the manifest says"):
        ModelBundle.open(detector_bundle[0])


@pytest.mark.parametrize("name", ["model.tflite", "golden_input.bin", "golden_output.json"])
def test_a_missing_file_is_named(detector_bundle: Written, name: str) -> None:
    (detector_bundle[0] / name).unlink()
    with pytest.raises(ModelIntegrityError, match=f"{name}: cannot be read \\(No such file"):
        ModelBundle.open(detector_bundle[0])


def test_a_folder_without_a_manifest_and_a_file_are_no_bundles(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.touch()
    for path in (tmp_path, file):
        with pytest.raises(ModelIntegrityError, match=f"{path}: has no manifest.json; make a bundle with") as caught:
            ModelBundle.open(path)
        assert "links" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.tflite", "manifest.json"])
def test_a_link_in_place_of_a_file_is_refused(detector_bundle: Written, tmp_path: Path, name: str) -> None:
    path = detector_bundle[0] / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelIntegrityError, match=f"{name}: cannot be read .*links are not followed"):
        ModelBundle.open(detector_bundle[0])


def test_a_pipe_in_place_of_a_file_is_refused_without_waiting(detector_bundle: Written) -> None:
    path = detector_bundle[0] / "model.tflite"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ModelIntegrityError, match=r"model\.tflite: must be a regular file"):
        ModelBundle.open(detector_bundle[0])


def test_a_giant_is_refused_before_it_is_read(detector_bundle: Written) -> None:
    os.truncate(detector_bundle[0] / "model.tflite", 1 << 40)
    with pytest.raises(ModelIntegrityError, match=r"model\.tflite: must be a regular file of at most"):
        ModelBundle.open(detector_bundle[0])


def test_a_file_outside_the_folder_is_refused(detector_bundle: Written) -> None:
    change(detector_bundle[0], lambda m: m["files"].update({"../secret": "0" * 64}))
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json: files\.\.\./secret: must be a plain file name"):
        ModelBundle.open(detector_bundle[0])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match=r"nowhere: no bundle found \(No such file or directory\);"):
        ModelBundle.open(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ModelIntegrityError, match="loop: no bundle found"):
        ModelBundle.open(tmp_path / "loop")


def test_an_unknown_kind_is_reported_with_the_manifests_path(detector_bundle: Written) -> None:
    change(detector_bundle[0], lambda m: m.update(kind="oracle"))
    with pytest.raises(
        ModelIntegrityError, match=r"detector/manifest\.json: kind: must be one of detector, classifier"
    ):
        ModelBundle.open(detector_bundle[0])


def test_a_manifest_that_is_not_json_is_refused(detector_bundle: Written) -> None:
    (detector_bundle[0] / "manifest.json").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json: manifest: is not JSON"):
        ModelBundle.open(detector_bundle[0])


def test_another_model_with_the_right_hash_fails_the_golden_picture(detector_bundle: Written) -> None:
    other = models.Sight(models.RED_OBJECT.box, 0, (4, 0, 0, -1))
    replace(detector_bundle[0], "model.tflite", models.detector((other, models.GREEN_OBJECT)))
    with pytest.raises(
        ModelIntegrityError, match=r"golden_output\.json: golden output differs by more than 0\.05: class"
    ):
        ModelBundle.open(detector_bundle[0])


def test_a_model_of_another_shape_is_reported_with_its_path(classifier_bundle: Written) -> None:
    replace(classifier_bundle[0], "model.tflite", models.classifier(labels=3))
    with pytest.raises(ModelIntegrityError, match=r"model\.tflite: gives 3 shares, but the manifest has 2 labels"):
        ModelBundle.open(classifier_bundle[0])


def test_garbage_with_the_right_hash_is_no_crash(classifier_bundle: Written) -> None:
    replace(classifier_bundle[0], "model.tflite", bytes(4) + b"TFL3" + os.urandom(2048))
    with pytest.raises(ModelIntegrityError, match=r"model\.tflite: cannot be run"):
        ModelBundle.open(classifier_bundle[0])


def test_a_golden_picture_of_another_size_is_reported(classifier_bundle: Written) -> None:
    replace(classifier_bundle[0], "golden_input.bin", bytes(10))
    with pytest.raises(ModelIntegrityError, match=r"golden_input\.bin: has 10 bytes"):
        ModelBundle.open(classifier_bundle[0])


def test_a_golden_answer_that_cannot_be_read_is_reported_with_its_field(classifier_bundle: Written) -> None:
    replace(classifier_bundle[0], "golden_output.json", b"{}")
    with pytest.raises(ModelIntegrityError, match=r"golden_output\.json: sightings: is missing"):
        ModelBundle.open(classifier_bundle[0])


def test_a_detectors_answer_without_detections_is_refused_because_a_blind_model_gives_it_too(
    detector_bundle: Written,
) -> None:
    replace(detector_bundle[0], "golden_output.json", b'{"sightings": []}')
    with pytest.raises(ModelIntegrityError, match=r"golden_output\.json: golden output has no detections.*--golden"):
        ModelBundle.open(detector_bundle[0])


WRONG_READINGS: dict[str, Callable[[dict[str, Any]], None]] = {
    "scores for classes": lambda m: m["output"].update(scores=m["output"]["classes"], classes=m["output"]["scores"]),
    "another scale": lambda m: m["input"].update(std=[255 * side for side in m["input"]["std"]]),
    "another mean": lambda m: m["input"].update(mean=[120, 120, 120]),
    "mean of another colour": lambda m: m["input"].update(mean=[250, 0, 0]),
}


@pytest.mark.parametrize("reading", WRONG_READINGS)
def test_a_model_that_is_read_or_fed_in_another_way_fails_the_golden_picture(
    reading: str, detector_bundle: Written
) -> None:
    change(detector_bundle[0], WRONG_READINGS[reading])
    with pytest.raises(ModelIntegrityError, match=r"golden output (differs|has)"):
        ModelBundle.open(detector_bundle[0])


def test_a_bundle_with_two_models_is_refused(detector_bundle: Written) -> None:
    replace(detector_bundle[0], "model.onnx", onnx_maker.classifier())
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json: files.*: must not .*model\.tflite"):
        ModelBundle.open(detector_bundle[0])


def test_an_onnx_model_with_numbers_elsewhere_is_refused_with_its_path(detector_bundle: Written) -> None:
    folder, _ = detector_bundle
    elsewhere = onnx_maker.number(1, 8) + onnx_maker.inner(7, onnx_maker.inner(5, onnx_maker.number(14, 1)))
    change(folder, lambda m: m["files"].pop("model.tflite"))
    replace(folder, "model.onnx", elsewhere)
    with pytest.raises(
        ModelIntegrityError, match=r"model\.onnx: (keeps its numbers in other files|is an \.onnx model)"
    ):
        ModelBundle.open(folder)


HOSTILE = hostile_numbers | st.sampled_from(["null", "true", "-1", "1e308", "5e-324", '""', "[]", "{}", '"9"'])


def leaves(document: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each value in a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    yield path
    for key, value in inner:
        yield from leaves(value, (*path, key))


@given(st.sampled_from(["manifest.json", "golden_output.json"]), HOSTILE, st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_manifest_it_opens_or_is_refused_with_a_reason(
    classifier_bundle: Written, name: str, hostile: str, drawn: st.DataObject
) -> None:
    folder = classifier_bundle[0]
    originals = {each.name: each.read_bytes() for each in folder.iterdir()}
    document = json.loads(originals[name])
    *way, last = drawn.draw(st.sampled_from([place for place in leaves(document) if place]))
    at = document
    for key in way:
        at = at[key]
    at[last] = "\ue000"
    spoilt = json.dumps(document, ensure_ascii=False).replace('"\ue000"', hostile).encode()
    try:
        if name == "manifest.json":
            (folder / name).write_bytes(spoilt)
        else:
            replace(folder, name, spoilt)
        ModelBundle.open(folder)
    except ModelIntegrityError as error:
        refusal = str(error)
    else:
        refusal = str(folder)
    finally:
        for each, content in originals.items():
            (folder / each).write_bytes(content)
    assert str(folder) in refusal
    assert len(refusal) < 1000


@pytest.mark.parametrize("odd", [MemoryError(), OverflowError("int too large"), IndexError(3), RecursionError()])
def test_whatever_the_runtime_makes_of_a_model_the_bundle_is_refused_with_a_reason(
    classifier_bundle: Written, monkeypatch: pytest.MonkeyPatch, odd: Exception
) -> None:
    def fail(*_: object) -> None:
        raise odd

    monkeypatch.setattr(bundle_module, "head_of", fail)
    with pytest.raises(
        ModelIntegrityError, match=f"tiny-classifier|classifier: cannot be opened .{type(odd).__name__}"
    ):
        ModelBundle.open(classifier_bundle[0])


def test_many_large_files_are_refused_before_they_fill_the_memory(detector_bundle: Written) -> None:
    folder = detector_bundle[0]
    for number in range(3):
        with (folder / f"large{number}").open("wb") as file:
            file.truncate(LARGEST_BUNDLE // 2)
    empty = hashlib.sha256(b"").hexdigest()
    change(folder, lambda m: m["files"].update({f"large{number}": empty for number in range(3)}))
    tracemalloc.start()
    try:
        with pytest.raises(ModelIntegrityError, match=r"large1: must be a regular file of at most"):
            ModelBundle.open(folder)
        assert tracemalloc.get_traced_memory()[1] < LARGEST_BUNDLE
    finally:
        tracemalloc.stop()


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "signed", models.detector(), DETECTOR, KEY.private_bytes_raw())
    return tmp_path / "signed"


def test_a_signed_bundle_opens_with_its_key(signed: Path) -> None:
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert ModelBundle.open(signed, PUBLIC).signed
    assert ModelBundle.open(signed, pem).signed


def test_a_signed_bundle_opens_without_a_key_but_is_not_called_signed(signed: Path) -> None:
    assert not ModelBundle.open(signed).signed


def test_another_key_is_not_trusted(signed: Path) -> None:
    with pytest.raises(ModelIntegrityError, match=r"manifest\.sig: signature was not made with the trusted key"):
        ModelBundle.open(signed, STRANGER)


def test_a_changed_manifest_voids_the_signature(signed: Path) -> None:
    change(signed, lambda m: m["thresholds"].update(raise_at=1.0))
    with pytest.raises(ModelIntegrityError, match=r"manifest\.sig: signature was not made with the trusted key"):
        ModelBundle.open(signed, PUBLIC)


def test_an_unsigned_bundle_is_not_trusted_where_a_key_is(detector_bundle: Written) -> None:
    with pytest.raises(
        ModelIntegrityError, match=r"manifest\.sig: is missing, but this device only trusts signed bundles"
    ):
        ModelBundle.open(detector_bundle[0], PUBLIC)


@pytest.mark.parametrize("content", [b"", bytes(63), bytes(65)])
def test_a_signature_of_another_length_is_refused(signed: Path, content: bytes) -> None:
    (signed / "manifest.sig").write_bytes(content)
    with pytest.raises(ModelIntegrityError, match=r"manifest\.sig: "):
        ModelBundle.open(signed, PUBLIC)


@pytest.mark.parametrize("key", [b"", bytes(31), b"-----BEGIN nonsense", bytes(32)[:-1] + b"\n\n"])
def test_a_trusted_key_that_is_not_a_key_is_refused(signed: Path, key: bytes) -> None:
    with pytest.raises(ModelIntegrityError, match="trusted"):
        ModelBundle.open(signed, key)


def test_only_ed25519_signs() -> None:
    other = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ModelIntegrityError, match="not an Ed25519 key"):
        sign(b"paper", other)
    with pytest.raises(ModelIntegrityError, match="cannot be used"):
        sign(b"paper", b"short")


def test_a_key_with_a_password_is_refused() -> None:
    locked = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(ModelIntegrityError, match="cannot be used"):
        sign(b"paper", locked)


def test_files_that_the_manifest_does_not_name_are_never_read(detector_bundle: Written) -> None:
    (detector_bundle[0] / "README").symlink_to("/nowhere")
    assert isinstance(ModelBundle.open(detector_bundle[0]).manifest, ModelManifest)
