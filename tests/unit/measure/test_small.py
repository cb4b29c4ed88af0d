"""How tall a person must be: with a detector whose answer is known, and with the stock one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from measure.cutouts import Cutout, View
from measure.small import (
    SQUARES,
    WHOLE,
    Ground,
    RecallRow,
    SmallPeople,
    changed,
    drawn_people,
    judge,
    looks,
    main,
    measure,
    table,
)
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis.analysis import ObjectModel
from smartcam.model.manifest import ModelKind
from smartcam.model.regions import RegionPolicy
from smartcam.model.scoring import Detections
from smartcam.vision.picture import Picture
from tests.unit.inference.stage import manifest, seen

USUAL = RegionPolicy(least_pixels=300)
SIZE = (1280, 720)
EVERYWHERE = [PixelBox(0, 0, *SIZE)]
WHITE = Cutout("white", "person", 2.0, (View(np.full((60, 20, 3), 250, np.uint8), np.ones((60, 20), np.float32)),))


class SeesWhite:
    """Finds what is white, the surer the taller it is where the picture is shrunk to a model's 300 rows."""

    def detect(self, picture: Picture, regions: Sequence[PixelBox]) -> Detections:
        assert not regions
        rows, columns = np.nonzero(picture.luma > 180)
        if not len(rows):
            return seen()
        y1, y2 = float(rows.min()), float(rows.max() + 1)
        score = min((y2 - y1) * 300 / picture.height / 60, 0.99)
        return seen(("person", score, (float(columns.min()), y1, float(columns.max() + 1), y2)))


@pytest.fixture(scope="module")
def model() -> ObjectModel:
    return ObjectModel(manifest(ModelKind.DETECTOR), SeesWhite())


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(np.full((270, 480, 3), 90, np.uint8), SIZE, np.random.default_rng(0))


def row(tall: int, trials: int = 4, together: int = 1) -> RecallRow:
    return RecallRow("white", "choosing", "", *SIZE, tall, together, trials, 0, 0, 0, 0, 0)


def by_look(ground: Ground, model: ObjectModel, wanted: RecallRow) -> dict[str, RecallRow]:
    return {each.look: each for each in measure([WHITE], [ground], model, {"regions": USUAL}, wanted)}


def test_a_person_stands_where_the_truth_says_and_the_gate_sees_them_there(ground: Ground) -> None:
    each = ground.walked([WHITE], 64, np.random.default_rng(3))
    ((x1, y1, x2, y2),) = each.boxes
    assert y2 - y1 == 64
    assert (each.picture.luma[int(y1) : int(y2), int(x1) : int(x2)] > 180).mean() > 0.9
    assert any(box.x1 < x2 and x1 < box.x2 and box.y1 < y2 and y1 < box.y2 for box in each.motion)


def test_a_person_is_whole_in_the_picture_wherever_they_walk(ground: Ground) -> None:
    for seed in range(8):
        for x1, y1, x2, y2 in ground.walked([WHITE, WHITE], 200, np.random.default_rng(seed)).boxes:
            assert 0 <= x1 < x2 <= SIZE[0]
            assert 0 <= y1 < y2 <= SIZE[1]


def test_who_is_too_small_in_the_whole_picture_is_found_in_a_region(ground: Ground, model: ObjectModel) -> None:
    rows = by_look(ground, model, row(tall=48))
    assert rows[WHOLE].half == 0.0  # 20 of the model's rows
    assert rows["regions"].half == 1.0  # 40 of them
    assert rows[WHOLE].calls == rows["regions"].calls == 1.0
    assert rows[SQUARES].calls == 2.0


def test_the_same_people_are_looked_at_in_every_way_and_in_every_run(ground: Ground, model: ObjectModel) -> None:
    assert by_look(ground, model, row(tall=64)) == by_look(ground, model, row(tall=64))


def with_white(x1: int, y1: int, x2: int, y2: int) -> Picture:
    luma = np.full((720, 1280), 90, np.uint8)
    luma[y1:y2, x1:x2] = 250
    half = np.full((360, 640), 128, np.uint8)
    return Picture(luma, half, half)


def test_each_of_several_people_counts(model: ObjectModel) -> None:
    here, there = (100.0, 100.0, 180.0, 300.0), (600.0, 100.0, 680.0, 300.0)
    ours, others = judge(SmallPeople(with_white(100, 100, 180, 300), (here, there), ()), EVERYWHERE, model)
    assert ours == [pytest.approx(0.99), 0.0]
    assert others == 0.0


def test_somebody_where_nobody_is_counts_as_beside(model: ObjectModel) -> None:
    elsewhere = (600.0, 100.0, 680.0, 300.0)
    ours, others = judge(SmallPeople(with_white(100, 100, 180, 300), (elsewhere,), ()), EVERYWHERE, model)
    assert ours == [0.0]
    assert others > 0.9


def test_a_box_found_in_a_region_is_where_it_is_in_the_picture(model: ObjectModel) -> None:
    each = SmallPeople(with_white(801, 400, 821, 460), ((801.0, 400.0, 821.0, 460.0),), ())
    (score,), _ = judge(each, [PixelBox(701, 301, 1001, 601)], model)
    assert score > 0.9


def test_two_squares_hold_all_of_a_wide_picture() -> None:
    each = SmallPeople(with_white(0, 0, 1, 1), (), ())
    assert looks({})[SQUARES](each) == (PixelBox(0, 0, 720, 720), PixelBox(560, 0, 1280, 720))


def test_drawn_people_differ_and_are_as_wide_as_people() -> None:
    people = drawn_people(np.random.default_rng(0))
    assert len({people[0].views[0].colours.tobytes(), people[1].views[0].colours.tobytes()}) == 2
    assert all(0.2 < view.aspect < 1.0 for person in people for view in person.views)


def test_the_table_has_a_row_for_each_way_and_a_column_for_each_height() -> None:
    rows = [replace(row(tall), look=look, half=0.5, sure=0.25) for look in (WHOLE, "regions") for tall in (12, 48)]
    lines = table(rows).splitlines()
    assert lines[0].startswith("| people, half | picture | searched | 12 | 48 |")
    assert lines[2].startswith("| white, choosing | 1280x720 | whole picture | 0.50 / 0.25 | 0.50 / 0.25 |")
    assert len(lines) == 4


def test_a_policy_is_changed_by_name() -> None:
    assert changed(USUAL, "least_pixels=200,context=0.2") == replace(USUAL, least_pixels=200, context=0.2)


@pytest.mark.parametrize("text", ["enlarged", "nothing=1", "context=wide"])
def test_a_policy_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=f"--policy {text}: .*for example"):
        changed(USUAL, text)


def test_a_bundle_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--shared", str(tmp_path), "--bundle", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("smartcam small: ")
