"""Real footage, labelled, through the training to a bundle that finds the people in it; compressed, and measured."""

import json
import time
from pathlib import Path

import pytest

from tools.command_line import ROOT
from tools.score.measuring import measure
from tools.train.command import main

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
VIDEO, LABELS = SHARED / "video", SHARED / "labels.json"
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not LABELS.is_file(), reason=f"the shared footage is not at {SHARED}"),
    pytest.mark.skipif(not (ROOT / ".venv-training").is_dir(), reason="`make setup-training` has not been run"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


def arguments(place: Path) -> list[str]:
    return [str(VIDEO), "--labels", str(LABELS), "--work", str(place / "work")]


def test_labelled_clips_become_a_classifier_in_ten_minutes_that_raises_nothing_false(place: Path) -> None:
    begun = time.monotonic()
    assert main(["clips", *arguments(place), "--out", str(place / "person")]) == 0
    assert time.monotonic() - begun < 600
    clips = [VIDEO / f"intel_{name}-detection.mp4" for name in ("one-by-one-person", "bottle")]
    score = measure(clips, LABELS, place / "person")
    people, bottles = (clip.outcome for clip in score.clips)
    assert people.found >= 4  # two of the six come before the alarm about the one before is over
    assert people.false == bottles.false == people.duplicates == 0


def test_in_eight_bits_it_is_a_third_and_loses_nothing_and_pruning_zips_to_half(place: Path) -> None:
    table = place / "table.json"
    assert main(["compress", *arguments(place), "--json", str(table)]) == 0
    rows = {row["name"]: row for row in json.loads(table.read_text())}
    plain, small, pruned = (rows[name] for name in ("float32", "int8", "int8, 75% pruned"))
    assert small["bytes"] <= 0.3 * plain["bytes"]
    assert small["auc"] >= plain["auc"] - 0.005
    assert small["ms"]["LiteRT"] <= plain["ms"]["LiteRT"]
    assert pruned["zipped"] <= 0.6 * small["zipped"]
    assert any(row["on_front"] for row in rows.values())
