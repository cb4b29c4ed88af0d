"""The catalogue is read strictly, and ours says nothing that it does not know."""

import json
from pathlib import Path

import pytest

from tests.fakes.model_catalogue import LICENCE, model_entry, write_catalogue
from tools.model.catalogue import OURS, VARIABLE, catalogue_file, entry_of, read_catalogue
from tools.model.errors import CatalogueError
from tools.model.listing import table

GOOD = model_entry("tiny", "https://example.org/tiny.tflite", b"model")


def test_ours_names_four_detectors_and_the_first_is_the_one_that_we_ran() -> None:
    ours = read_catalogue(OURS)
    assert list(ours) == ["ssd-mobilenet-v1", "efficientdet-lite0", "mobiledet", "yolox-nano"]
    assert [name for name, entry in ours.items() if entry.score is not None] == ["ssd-mobilenet-v1"]
    assert entry_of(ours, None).name == "ssd-mobilenet-v1"
    for entry in ours.values():
        assert entry.address.startswith("https://")
        assert entry.licence.name == "Apache-2.0"
        assert entry.map is not None


def test_a_size_that_nobody_told_us_is_not_invented() -> None:
    ours = read_catalogue(OURS)
    assert ours["mobiledet"].file.size is None
    assert "not said" in next(line for line in table(ours).splitlines() if line.startswith("mobiledet"))


def test_no_address_is_a_branch_or_the_latest() -> None:
    for entry in read_catalogue(OURS).values():
        assert not {"master", "main", "latest", "HEAD"} & set(entry.address.split("/"))


def test_the_table_fits_into_100_columns() -> None:
    assert max(len(line) for line in table(read_catalogue(OURS)).splitlines()) <= 100


def test_labels_are_as_many_as_the_models_classes() -> None:
    assert {entry.head: (len(entry.labels), entry.labels[0]) for entry in read_catalogue(OURS).values()} == {
        "ssd": (90, "person"),
        "yolox": (80, "person"),
    }


def test_two_versions_of_a_model_have_two_file_names() -> None:
    first, second = (read_catalogue(OURS)[name].file_name for name in ("mobiledet", "yolox-nano"))
    assert first == "mobiledet-90bb33a634e04191.tflite"
    assert second.endswith(".onnx")


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "a name that is a path": ({"name": "../../x"}, "models.0.name: must match"),
    "a name in capitals": ({"name": "Tiny"}, "models.0.name: must match"),
    "a hash that is none": ({"sha256": "abc"}, "models.0.sha256: must match"),
    "no hash": ({"sha256": None}, "models.0.sha256: is missing"),
    "a size of nothing": ({"size": 0}, "models.0.size: must be 1 to"),
    "a size beyond any model": ({"size": 1 << 40}, "models.0.size: must be 1 to"),
    "a size in words": ({"size": "4 MB"}, "models.0.size: must be a whole number"),
    "an address of a file": ({"address": "file:///etc/x.tflite"}, "models.0.address: file:///etc/x.tflite: must begin"),
    "plain http": ({"address": "http://example.org/x.tflite"}, "must begin with https://"),
    "an address with a login": ({"address": "https://u:hunter2@example.org/x.tflite"}, "holds a login"),
    "an archive": ({"address": "https://example.org/x.zip"}, "models.0.address: must end in .tflite or .onnx"),
    "no labels": (
        {"labels": []},
        "models.0.labels: must be a list with at least one label, or one of coco-80, coco-90",
    ),
    "labels of another word": ({"labels": "imagenet"}, "models.0.labels: must be a list with"),
    "a label that is no text": ({"labels": ["person", 7]}, "models.0.labels.1: must be text"),
    "no licence": ({"licence": None}, "models.0.licence: is missing"),
    "a licence without its text": ({"licence": LICENCE | {"address": None}}, "models.0.licence.address: is missing"),
    "an mAP beyond all": ({"map": {"percent": 215, "said_by": "x"}}, "models.0.map.percent: must be 0 to 100"),
    "an mAP that nobody said": ({"map": {"percent": 21.5}}, "models.0.map.said_by: is missing"),
    "a misspelt key": ({"licnece": 1}, "models.0.licnece: is not a key; did you mean"),
    "a head that is a number": ({"head": 3}, "models.0.head: must be text"),
    "an escape in the words": ({"about": "\x1b[2J"}, "models.0.about: must not hold control characters"),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_a_catalogue_is_named(tmp_path: Path, change: dict[str, object], expected: str) -> None:
    entry = {key: value for key, value in (GOOD | change).items() if value is not None}
    file = write_catalogue(tmp_path / "c.json", entry)
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(file)
    assert str(caught.value).startswith(f"catalogue {file}: ")
    assert expected in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("content", "expected"), [
    (b"", ":1: is not JSON"), (b"[]", "must be a JSON object"), (b"{}", "schema: is missing"),
    (b"\xff\xfe{\x00", "UTF-16"),
    (b'{"schema": 2, "models": []}', "schema: must be 1"),
    (b'{"schema": 1, "models": []}', "models: must have at least one"),
    (b'{"schema": 1, "models": [7]}', "models.0: must be an object"), (b"[" * 99_999, "too deep"),
    (b'{"schema": 1, "schema": 1, "models": []}', "is given twice"),
])  # fmt: skip
def test_a_file_that_is_no_catalogue_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(content)
    with pytest.raises(CatalogueError, match="catalogue") as caught:
        read_catalogue(file)
    assert expected in str(caught.value)


def test_a_catalogue_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"c.json: cannot be read \(No such file"):
        read_catalogue(tmp_path / "c.json")


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"models.1.name: is given twice \(tiny\)"):
        read_catalogue(write_catalogue(tmp_path / "c.json", GOOD, GOOD))


def test_what_may_be_unknown_may_be_left_out(tmp_path: Path) -> None:
    entry = {key: value for key, value in GOOD.items() if key not in {"size", "map", "head", "score"}}
    catalogue = read_catalogue(write_catalogue(tmp_path / "c.json", entry))
    assert (catalogue["tiny"].file.size, catalogue["tiny"].map, catalogue["tiny"].head) == (None, None, None)
    assert "not said" in table(catalogue)


def test_a_misspelt_model_is_named_with_the_one_that_was_meant() -> None:
    with pytest.raises(
        CatalogueError, match=r"'mobildet' is not in the catalogue; did you mean .mobiledet'\? There are ssd"
    ):
        entry_of(read_catalogue(OURS), "mobildet")


def test_an_unknown_model_is_answered_with_the_names_said_once() -> None:
    with pytest.raises(CatalogueError) as refused:
        entry_of(read_catalogue(OURS), "nope")
    assert str(refused.value).count("yolox-nano") == 1


def test_another_catalogue_can_be_named_for_all_commands(tmp_path: Path) -> None:
    assert catalogue_file({}) == OURS
    assert catalogue_file({VARIABLE: ""}) == OURS
    assert catalogue_file({VARIABLE: str(tmp_path)}) == tmp_path
    json.loads(OURS.read_bytes())
