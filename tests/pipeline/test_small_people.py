"""How tall somebody must be for the stock detector, with the device's gate and regions: docs/design/small-people.md."""

import json
from pathlib import Path

import pytest

from measure.small import WHOLE, main
from tests.pipeline.test_footage import MODEL, SHARED, make_stock_bundle

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not MODEL.is_file(), reason=f"the shared footage and models are not at {SHARED}"),
]


def test_who_is_64_pixels_tall_is_named_where_the_gate_sees_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = make_stock_bundle(tmp_path / "coco"), tmp_path / "small.json"
    asked = ["--heights", "64", "--widths", "640", "--halves", "reporting", "--trials", "12", "--json", str(out)]
    assert main(["--shared", str(SHARED / "video"), "--bundle", str(bundle), *asked]) == 0
    rows = {row["look"]: row for row in json.loads(out.read_text("utf-8"))}
    assert rows["regions"]["sure"] >= 0.8
    assert rows["regions"]["sure"] >= rows["regions"]["moved"] - 0.1
    assert rows[WHOLE]["sure"] <= 0.3
    assert rows["regions"]["beside"] == 0.0
    assert "| cut out, reporting | 640x360 | regions | " in capsys.readouterr().out
