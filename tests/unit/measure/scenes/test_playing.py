"""What is true of every play, whatever the device makes of the scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from measure.cutouts import CutFootage, Cutout, View
from measure.scenes.__main__ import main
from measure.scenes.bars import misses
from measure.scenes.drawn import SceneClip
from measure.scenes.judge import Ruling
from measure.scenes.pasted import Pasted, ground_of, recast
from measure.scenes.playing import Played, play_noise
from measure.scenes.stories import group, road, room, street
from measure.scenes.truth import TrueObject
from smartcam.contract.event import EventKind


def footage() -> CutFootage:
    def actor(kind: str, high: int, wide: int) -> Cutout:
        view = View(np.full((high, wide, 3), 10, np.uint8), np.ones((high, wide), np.float32))
        return Cutout("clip", kind, 10, (view,))

    ground = np.full((270, 480, 3), 150, np.uint8)
    people = (actor("person", 120, 40), actor("person", 100, 50))
    return CutFootage(
        (*people, actor("vehicle", 60, 90), actor("vehicle", 90, 60)), {"yard": ground, "one-by-one": ground}
    )


def ruling(found: int, missed: int = 0, doubled: int = 0, parked: int = 0) -> Played:
    objects = tuple(
        TrueObject(f"o{n}", EventKind.PERSON, False, (0.0, 1.0), ((0.0, 0, 0, 1, 1),), (1.0,))
        for n in range(found + missed)
    )
    result = Ruling(objects, {f"o{n}": 1.0 for n in range(found)}, {"o0": doubled}, {"car": parked}, ())
    return Played(street(1, 60.0), result, found + doubled + parked, frozenset(f"o{n}" for n in range(found + missed)))


@pytest.mark.parametrize("scene", [group(3, 60.0), road(1, 40.0)], ids=["group", "road"])
def test_every_event_of_a_scene_is_a_find_a_double_one_about_a_parked_thing_or_false(scene: object) -> None:
    played = play_noise(scene)  # type: ignore[arg-type]
    result = played.ruling
    told = len(result.found) + sum(result.doubled.values()) + sum(result.parked.values()) + len(result.false)
    assert played.events == told
    assert result.found, "an event says where its object is, so that somebody can be found"
    assert len(result.found) + len(result.missed) == result.expected > 0
    assert played.seen <= {each.id for each in result.objects if not each.parked}


def test_the_same_scene_played_twice_gives_the_same_and_another_seed_of_errors_may_not() -> None:
    scene = group(1, 60.0)
    assert play_noise(scene) == play_noise(scene)


def test_an_empty_scene_raises_nothing() -> None:
    played = play_noise(replace(room(5, 60.0), things=()))
    assert (played.events, played.ruling.expected) == (0, 0)


def test_a_pasted_thing_lies_in_its_true_box_at_twice_the_size() -> None:
    scene, cast = recast(street(1, 200.0), footage())
    clip = SceneClip(scene, Pasted(scene, cast, ground_of(scene, footage())))
    picture = clip.next().picture
    assert (picture.width, picture.height) == (1280, 720)
    dark = picture.luma < 80
    there = np.zeros_like(dark)
    for each in scene.placed(0.0):
        x1, y1, x2, y2 = (round(2 * edge) for edge in each.inside)
        assert dark[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].mean() > 0.95
        there[max(y1 - 2, 0) : y2 + 2, max(x1 - 2, 0) : x2 + 2] = True
    assert not dark[~there].any()


def test_a_vehicle_is_played_by_one_from_the_side_of_the_same_area_and_a_cyclist_by_a_person() -> None:
    scene = street(1, 900.0)
    recasted, cast = recast(scene, footage())
    for before, after in zip(scene.things, recasted.things, strict=True):
        one, other = before.paths[0][0], after.paths[0][0]
        if before.label in {"car", "truck"}:
            assert cast[before.name].views[0].aspect == pytest.approx(1.5)
            assert other.width * other.height == pytest.approx(one.width * one.height, rel=0.01)
        else:
            assert (cast[before.name].kind, after.label) == ("person", "person")
            assert other.height == one.height


def test_a_bar_is_missed_by_one_object_one_event_or_one_parked_car_too_many() -> None:
    assert misses([ruling(19, 1)], real=False) == []
    assert misses([ruling(18, 2)], real=False) == ["street: 18 found of 20, not 95%"]
    assert misses([ruling(20, doubled=1)], real=False) == []
    assert misses([ruling(20, doubled=2)], real=False) == ["street: 22 events for 20 objects, more than 1.05 each"]
    assert misses([ruling(20, parked=1)], real=False) == ["street: 1 events about what only stood there"]


def test_a_real_detector_s_bar_is_of_what_it_saw() -> None:
    assert misses([ruling(9, 1)], real=True) == []
    assert misses([ruling(8, 2)], real=True) == ["street: 8 found of 10 that were seen, not 90%"]


def test_the_command_prints_a_row_for_each_half_and_strict_fails_below_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("measure.scenes.__main__.play_noise", lambda scene: replace(ruling(1, 1), scene=scene))
    assert main(["--scenes", "group", "--seeds", "0-1"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:5] for line in said.splitlines()[1:3]] == [
        ["group", "even", "2", "2", "1"],
        ["group", "odd", "2", "2", "1"],
    ]
    assert "below its bar: group: 1 found of 2, not 90%" in said
    assert main(["--scenes", "group", "--seeds", "0", "--strict"]) == 0, "even seeds are for tuning"
    assert main(["--scenes", "group", "--seeds", "1", "--strict"]) == 3


@pytest.mark.parametrize("arguments", [[], ["--shared", "nowhere", "--bundle", "nowhere"]], ids=["none", "missing"])
def test_a_real_detector_needs_its_clips_and_its_bundle(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--detector", "ssd", *arguments]) == 2
    assert "--shared" in (said := capsys.readouterr().err) or "nowhere" in said


@pytest.mark.parametrize("seeds", ["x", "3-1", "-2", ""])
def test_seeds_that_are_no_range_are_refused_by_name(seeds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--seeds={seeds}"])
    assert "--seeds" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_one_line_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--scenes", "road", "--write", str(tmp_path / "file" / "folder")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert str(tmp_path / "file") in said.err
