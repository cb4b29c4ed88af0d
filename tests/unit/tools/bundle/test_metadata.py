import io
import json
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.written import UnreadableText
from tests.fakes import models
from tools.bundle.coco import COCO_80
from tools.bundle.labels import fit
from tools.bundle.metadata import labels_inside

SHARED = Path(__file__).resolve().parents[5] / "shared/data/models"
TFLITE = models.detector()
NAMES = dict(enumerate(COCO_80))
ULTRALYTICS = {
    "description": "a model",
    "stride": 32,
    "task": "detect",
    "imgsz": [640, 640],
    "names": NAMES,
    "args": None,
}


def zipped(files: dict[str, str | bytes], packed: int = zipfile.ZIP_STORED, model: bytes = TFLITE) -> bytes:
    """A model with files at its end, as TensorFlow's and Ultralytics' tools put them there."""
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a", packed) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def number(value: int) -> bytes:
    written = b""
    while value > 0x7F:
        written += bytes([value & 0x7F | 0x80])
        value >>= 7
    return written + bytes([value])


def field(place: int, content: bytes) -> bytes:
    return number(place << 3 | 2) + number(len(content)) + content


def onnx(properties: dict[str, str], graph: bytes = b"\xff" * 500) -> bytes:
    """The outermost message of an ONNX file: version, producer, graph, metadata."""
    entries = (field(14, field(1, key.encode()) + field(2, value.encode())) for key, value in properties.items())
    return b"\x08\x0a" + field(2, b"pytorch") + field(7, graph) + b"".join(entries) + field(8, b"\x10\x11")


def refusal(model: bytes) -> str:
    with pytest.raises(UnreadableText) as caught:
        labels_inside(model)
    assert "\n" not in str(caught.value)
    assert "--labels" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_label_file_in_the_zip_at_a_models_end_is_found(packed: int) -> None:
    found = labels_inside(zipped({"labelmap.txt": "???\r\nperson\r\ncar\r\n"}, packed))
    assert found is not None
    assert fit(found, None, "ssd").labels == ("person", "car")
    assert found.said == ("the labels are those inside the model (labelmap.txt)",)


@pytest.mark.parametrize(("name", "text"), [
    ("temp_meta.txt", repr(ULTRALYTICS)), ("meta.txt", repr({"stride": 32, "names": NAMES})),
    ("metadata.json", json.dumps(ULTRALYTICS)), ("TFLITE_ULTRALYTICS_METADATA.json", json.dumps(ULTRALYTICS)),
])  # fmt: skip
def test_ultralytics_metadata_is_read_whichever_way_it_was_written(name: str, text: str) -> None:
    found = labels_inside(zipped({name: text}))
    assert found is not None
    assert found.labels == COCO_80
    assert f"({name})" in found.said[0]


@pytest.mark.parametrize("value", [repr(NAMES), repr(list(COCO_80)), json.dumps(NAMES), ",".join(COCO_80)])
def test_the_names_among_an_onnx_files_properties_are_read(value: str) -> None:
    found = labels_inside(onnx({"author": "x", "names": value, "stride": "32"}))
    assert found is not None
    assert found.labels == COCO_80
    assert "`names`" in found.said[0]


@pytest.mark.parametrize(
    "files",
    [{"labels.txt": "a\nb", "scores.txt": "1\n2"}, {"vocabulary.bin": b"\0", "things.txt": "a\nb"},
     {"probability-labels.txt": "/m/1\n/m/2", "probability-labels-en.txt": "a\nb"},
     {"labels.txt": "a\nb", "l/labels.txt": "a\nb"},
     {"../../etc/labels.txt": "a\nb"}, {"/etc/labels.txt": "a\nb"}, {"LABELS.TXT": "a\nb", "folder/": ""}],
)  # fmt: skip
def test_of_several_files_that_of_the_labels_is_taken_and_no_name_of_them_is_a_path(
    files: dict[str, str | bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = labels_inside(zipped(files))
    assert found is not None
    assert found.labels == ("a", "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("model", [TFLITE, b"", b"TFL3", b"\0\0\0\0TFL3", onnx({}), onnx({"author": "x"}), b"\x08",
                                   b"\xff" * 99, zipped({"anchors.csv": "1,2"}), b"not a model"])  # fmt: skip
def test_a_model_without_labels_inside_has_none(model: bytes) -> None:
    assert labels_inside(model) is None


@pytest.mark.skipif(not SHARED.exists(), reason="the shared models are not beside the project")
def test_the_shared_models_have_labels_or_none() -> None:
    for path in SHARED.glob("*.tflite"):
        found = labels_inside(path.read_bytes())
        assert found is None or len(found.labels) > 1


def test_several_lists_of_labels_are_asked_about() -> None:
    assert "labels_de.txt, labels_fr.txt" in refusal(zipped({"labels_de.txt": "a\nb", "labels_fr.txt": "c\nd"}))


def test_labels_inside_that_are_wrong_are_refused_with_the_name_of_their_file() -> None:
    assert "labels.txt inside the model: has no labels" in refusal(zipped({"labels.txt": "\n"}))
    assert "the property `names` inside the model: " in refusal(onnx({"names": "{0: 'a', 0: f()}"}))
    assert "\\x1b" in refusal(zipped({"labels\x1b[31m.txt": "\n"})), "a name cannot write into the user's terminal"


def test_a_damaged_zip_is_said_in_one_line() -> None:
    model = bytearray(zipped({"labels.txt": "person\ncar"}, zipfile.ZIP_DEFLATED))
    at = model.rindex(b"PK\x03\x04")
    model[at + 42 : at + 46] = b"\xff\xff\xff\xff"
    assert "cannot be read" in refusal(bytes(model))


def test_a_bomb_is_not_unpacked() -> None:
    bomb = zipped({"labels.txt": b"a\n" * 10_000_000}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    try:
        assert "256000 bytes" in refusal(bomb)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_many_files_are_not_looked_at() -> None:
    crowd = zipped({f"labels{number}.txt": "a" for number in range(5000)})
    began = time.process_time()
    assert "5000 files" in refusal(crowd)
    assert time.process_time() - began < 5


def test_a_list_of_millions_of_files_is_not_read() -> None:
    crowd = zipped({"a": ""})
    at, end = crowd.rindex(b"PK\x01\x02"), crowd.rindex(b"PK\x05\x06")
    entries = crowd[at:end] * 1_000_000
    ending = crowd[end : end + 12] + len(entries).to_bytes(4, "little") + crowd[end + 16 :]
    began = time.process_time()
    assert "cannot be read" in refusal(crowd[:at] + entries + ending)
    assert time.process_time() - began < 5


def test_files_packed_in_another_way_are_refused() -> None:
    assert "unknown here" in refusal(zipped({"labels.txt": "person"}, zipfile.ZIP_LZMA))


def test_a_deep_text_of_python_does_not_end_the_interpreter() -> None:
    for deep in (
        "-" * 200_000 + "1",
        "(" * 200_000,
        "[" * 200_000,
        "{0:" * 60_000,
        "{0: " + "-" * 200_000 + "1}",
        "f()",
    ):
        for model in (zipped({"meta.txt": "{'names': " + deep + "}"}), onnx({"names": "{'names': " + deep})):
            refusal(model)


ZIPPED, ONNX = zipped({"labels.txt": "person\ncar\n", "x.txt": "y"}, zipfile.ZIP_DEFLATED), onnx({"names": repr(NAMES)})


@settings(max_examples=300)
@given(
    st.sampled_from([ZIPPED[-400:], ONNX]), st.lists(st.tuples(st.integers(0, 399), st.integers(0, 255)), max_size=4),
    st.integers(0, 400),
)  # fmt: skip
def test_a_model_that_is_damaged_anywhere_has_labels_or_none_or_one_line(
    end: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(end)
    for place, value in changes:
        damaged[place] = value
    model = bytes(damaged[: len(damaged) - cut])
    for whole in (model, TFLITE[:8] + model):
        try:
            found = labels_inside(whole)
        except UnreadableText as error:
            assert str(error).isprintable()  # noqa: PT017 - each end is right
        else:
            assert found is None or found.labels
