"""A bundle whose model takes rows opens only if everything in it is what its maker released."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import Severity
from smartcam.model.bundle import SIGNATURE_FILE, ModelBundle
from smartcam.model.manifest import ONNX_FILE
from smartcam.model.opening import open_bundle
from smartcam.model.packing import write_bundle
from smartcam.model.rows.bundle import RowBundle, open_filter, open_table
from smartcam.model.rows.packing import write_row_bundle
from smartcam.model.signature import sign
from tests.fakes import models
from tests.fakes.row_models import DEVIATION, LAYERS, MEAN, linear, table_draft, write_filter
from tests.strategies import hostile_numbers
from tests.training.tabular.verdicts import history
from tests.unit.model.conftest import CLASSIFIER
from training.tabular.silencing import learn_filter

PRIVATE = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()
NETWORK = models.dense(MEAN, DEVIATION, LAYERS)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_row_bundle(tmp_path / "table", NETWORK, table_draft())
    return tmp_path / "table"


@pytest.fixture
def false_alarms(tmp_path: Path) -> Path:
    return write_filter(tmp_path / "filter", learn_filter(history(), linear))


def change(folder: Path, alter: Callable[[dict[str, Any]], object], name: str = "manifest.json") -> None:
    """Another document, with its right hash, as somebody would do who may write the manifest."""
    document = json.loads((folder / name).read_bytes())
    alter(document)
    put(folder, name, json.dumps(document).encode())


def put(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    if name != "manifest.json":
        digest = hashlib.sha256(content).hexdigest()
        change(folder, lambda m: m["files"].update({name: digest}))


def test_a_table_and_a_filter_open_by_their_own_names_and_by_any(table: Path, false_alarms: Path) -> None:
    assert open_table(table).manifest.labels == ("no", "yes")
    assert open_filter(false_alarms).manifest.never_from is Severity.CRITICAL
    assert isinstance(open_bundle(table), RowBundle)
    assert open_table(table).label(0.5) == "yes"
    assert open_table(table).label(0.49) == "no"


def test_a_bundle_is_refused_by_who_cannot_use_it_with_where_it_belongs(
    table: Path, false_alarms: Path, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "eyes", models.classifier(), CLASSIFIER)
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json: kind: is filter.*set a filter as `filter`"):
        ModelBundle.open(false_alarms)
    with pytest.raises(ModelIntegrityError, match=r"kind: is table.*--table"):
        ModelBundle.open(table)
    with pytest.raises(ModelIntegrityError, match=r"kind: is classifier, which looks at pictures: set it as `bundle`"):
        open_filter(tmp_path / "eyes")
    with pytest.raises(ModelIntegrityError, match=r"is a table, not a filter"):
        open_filter(table)
    with pytest.raises(ModelIntegrityError, match=r"is a filter, not a table"):
        open_table(false_alarms)
    assert isinstance(open_bundle(tmp_path / "eyes"), ModelBundle)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"schema": 1, "kind": "detector"}, "kind: is detector, which looks at pictures: set it as `bundle`"),
        ({"schema": 3, "kind": "classifier"}, "kind: is classifier, which looks at pictures"),
        ({"format": 1, "kind": "scene-memory"}, "kind: is scene-memory, which is no model.*`normal-CAMERA`"),
        ({"schema": 3, "kind": "table"}, "schema: must be 2"),
        ({"schema": 2, "kind": ["table"]}, "labels"),
        ({}, "schema: is missing"),
    ],
)
def test_where_another_bundle_belongs_is_said_whatever_its_schema(
    manifest: dict[str, object], said: str, tmp_path: Path
) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelIntegrityError, match=said):
        open_table(tmp_path)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"format": 1, "kind": "scene-memory"}, "kind: is scene-memory, which is no model"),
        ({"schema": 3, "kind": "filter"}, "kind: is filter, which looks at no picture"),
    ],
)
def test_the_camera_s_model_says_the_same(manifest: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelIntegrityError, match=said):
        ModelBundle.open(tmp_path)


def test_a_signature_holds_for_it_as_for_every_other(table: Path) -> None:
    with pytest.raises(ModelIntegrityError, match="only trusts signed bundles"):
        RowBundle.open(table, PUBLIC)
    (table / SIGNATURE_FILE).write_bytes(sign((table / "manifest.json").read_bytes(), PRIVATE))
    assert RowBundle.open(table, PUBLIC).signed
    change(table, lambda m: m.update(threshold=0.1))
    with pytest.raises(ModelIntegrityError, match="signature"):
        RowBundle.open(table, PUBLIC)


@pytest.mark.parametrize("name", ["model.tflite", "columns.json", "golden_rows.json", "golden_output.json"])
def test_a_file_that_is_missing_or_changed_is_named(table: Path, name: str) -> None:
    whole = (table / name).read_bytes()
    (table / name).write_bytes(whole + b" ")
    with pytest.raises(ModelIntegrityError, match=f"{name}: SHA-256 is"):
        RowBundle.open(table)
    (table / name).unlink()
    with pytest.raises(ModelIntegrityError, match=f"{name}: cannot be read"):
        RowBundle.open(table)
    change(table, lambda m: m["files"].pop(name))
    with pytest.raises(ModelIntegrityError, match=f"files.{name}: is missing"):
        RowBundle.open(table)


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda m: m.update(labels=["yes"]), "labels: must be two"),
        (lambda m: m.update(labels=["yes", "yes"]), "labels: must be two different ones"),
        (lambda m: m.update(threshold=1.5), "threshold: must be 0 to 1"),
        (lambda m: m.update(never_from="critical"), "never_from: must be there for a filter, and only then"),
        (lambda m: m.update(kind="filter"), "never_from: must be there for a filter, and only then"),
        (lambda m: m.update(kind="oracle"), "kind: must be one of table, filter"),
        (lambda m: m.update(schema=3), "schema: must be 2"),
        (lambda m: m.update(name="../events"), "name: must match"),
        (lambda m: m["files"].update({"../x": "0" * 64}), "must be a plain file name"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_field(
    table: Path, alter: Callable[[dict[str, Any]], object], said: str
) -> None:
    change(table, alter)
    with pytest.raises(ModelIntegrityError, match=said):
        RowBundle.open(table)


def test_columns_that_give_another_number_of_numbers_than_the_network_takes_are_refused(table: Path) -> None:
    change(table, lambda c: c["columns"][1]["words"].append("green"), "columns.json")
    with pytest.raises(ModelIntegrityError, match=r"takes float32 \(1, 4\), but the columns .* give float32 \(1, 5\)"):
        RowBundle.open(table)


def test_a_scaling_that_is_no_number_is_refused(table: Path, tmp_path: Path) -> None:
    change(table, lambda c: c["columns"][0].update(middle=float("nan")), "columns.json")
    with pytest.raises(ModelIntegrityError, match=r"columns\.json: .*NaN is not JSON"):
        RowBundle.open(table)
    nowhere = models.dense([float("nan"), *MEAN[1:]], DEVIATION, LAYERS)
    with pytest.raises(ModelIntegrityError, match="which is no probability"):
        write_row_bundle(tmp_path / "b", nowhere, table_draft())
    assert not (tmp_path / "b").exists()


def test_a_network_that_gives_no_probability_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelIntegrityError, match="which is no probability"):
        write_row_bundle(tmp_path / "b", models.dense(MEAN, DEVIATION, LAYERS, logits=True), table_draft())
    with pytest.raises(ModelIntegrityError, match=r"takes uint8 \(1, 8, 8, 3\), but the columns"):
        write_row_bundle(tmp_path / "b", models.classifier(), table_draft())
    two = [*LAYERS[:-1], ([[1.0, 1.0], [1.0, 1.0]], [0.0, 0.0])]
    with pytest.raises(ModelIntegrityError, match="not one probability"):
        write_row_bundle(tmp_path / "b", models.dense(MEAN, DEVIATION, two, logits=True), table_draft())
    put(table, "model.tflite", b"TFL3")
    with pytest.raises(ModelIntegrityError, match=r"model\.tflite: is not a \.tflite model"):
        RowBundle.open(table)


def test_another_network_than_the_golden_rows_were_asked_of_is_refused(table: Path) -> None:
    put(table, "model.tflite", models.dense(MEAN, DEVIATION, [*LAYERS[:-1], ([[1.5], [-1.0]], [2.0])]))
    with pytest.raises(ModelIntegrityError, match=r"golden_output\.json: golden output differs by more than"):
        RowBundle.open(table)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "rows: must be 1 to 16"),
        ([{}] * 17, "rows: must be 1 to 16"),
        ([{"size": 1}], "must be a text"),
        (7, "a list"),
    ],
)
def test_wrong_golden_rows_are_refused(table: Path, rows: object, said: str) -> None:
    change(table, lambda g: g.update(rows=rows), "golden_rows.json")
    with pytest.raises(ModelIntegrityError, match=rf"golden_rows\.json: .*{said}"):
        RowBundle.open(table)


def test_a_filter_that_looks_at_what_no_event_has_is_refused(false_alarms: Path) -> None:
    change(false_alarms, lambda c: c["columns"][0].update(name="colour"), "columns.json")
    with pytest.raises(ModelIntegrityError, match=r"columns\.0\.name: 'colour' is nothing that is known of an event"):
        open_filter(false_alarms)


def test_a_filter_without_what_false_events_were_like_is_refused(false_alarms: Path) -> None:
    change(false_alarms, lambda c: c.pop("spans"), "columns.json")
    with pytest.raises(ModelIntegrityError, match=r"columns\.json: spans: is missing"):
        open_filter(false_alarms)


def test_an_onnx_model_that_is_not_there_is_said(table: Path) -> None:
    with pytest.raises(ModelIntegrityError, match=r"has no model\.onnx; `smartcam train table` writes one"):
        open_table(table, ONNX_FILE)


def test_a_bundle_takes_nobodys_place_and_leaves_no_half_one(table: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        write_row_bundle(table, NETWORK, table_draft())
    draft = replace(table_draft(), labels=("no", "n" * 300))
    with pytest.raises(ModelIntegrityError, match=r"manifest\.json: labels\.1: must have 1 to 256"):
        write_row_bundle(tmp_path / "b", NETWORK, draft)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table"]


@given(name=st.sampled_from(["manifest.json", "columns.json", "golden_rows.json"]), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_its_files_it_opens_or_is_refused_in_one_line(
    table: Path, name: str, data: st.DataObject
) -> None:
    before = {file.name: file.read_bytes() for file in table.iterdir()}
    document = json.loads(before[name])
    part: Any = document
    while isinstance(part, dict | list) and part:
        keys = sorted(part) if isinstance(part, dict) else range(len(part))
        key = data.draw(st.sampled_from([*keys]))
        if not isinstance(part[key], dict | list) or data.draw(st.booleans()):
            part[key] = "\ue000"
            break
        part = part[key]
    instead = data.draw(hostile_numbers | st.sampled_from(["null", "true", '"x"', "[]", "{}", "-1", "0"]))
    try:
        put(table, name, json.dumps(document, ensure_ascii=False).replace('"\ue000"', instead).encode())
        RowBundle.open(table)
        said = ""
    except ModelIntegrityError as error:
        said = str(error)
    finally:
        for each, content in before.items():
            (table / each).write_bytes(content)
    assert "\n" not in said
