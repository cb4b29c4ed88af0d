import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure.scenes.drawn import Painted, SceneClip
from measure.scenes.stories import LONG, STORIES, in_order, road, room, shaken, street
from measure.scenes.truth import Spell, StagedScene, Stance, Thing, label_file, truth_of
from smartcam.contract.errors import CameraEnded

SHORT_S = 420.0


def scene_of(name: str, seed: int) -> StagedScene:
    return STORIES[name](seed, SHORT_S) if name in LONG else STORIES[name](seed)


def thing(name: str, foot: float, height: float = 60.0, x: float = 100.0) -> Thing:
    stance = Stance(0.0, x, foot, height, 30.0)
    return Thing(name, "person", ((stance, replace(stance, at_s=10.0)),), (Spell(name, 0.0, 10.0),))


def scene(*things: Thing) -> StagedScene:
    return StagedScene("test", 0, 200, 120, 5.0, 4.0, things)


@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 400))
def test_every_object_has_one_id_and_boxes_in_the_picture_in_the_order_of_time(name: str, seed: int) -> None:
    made = scene_of(name, seed)
    assert all(in_order(each) for each in made.things)
    ids = [spell.id for each in made.things for spell in each.spells]
    assert len(ids) == len(set(ids))
    objects = truth_of(made, every=5)
    assert {each.id for each in objects} <= set(ids)
    for each in objects:
        times = [box[0] for box in each.boxes]
        assert times == sorted(set(times))
        assert each.seconds == (times[0], times[-1])
        assert 0 <= times[0] <= times[-1] < made.seconds
        assert all(0 <= x1 < x2 <= made.width and 0 <= y1 < y2 <= made.height for _, x1, y1, x2, y2 in each.boxes)
        assert all(-1e-9 <= share <= 1 + 1e-9 for share in each.visible)


@pytest.mark.parametrize("name", STORIES)
def test_the_same_seed_is_the_same_scene_to_the_pixel_and_another_one_is_not(name: str) -> None:
    def start(seed: int) -> tuple[StagedScene, list[bytes]]:
        made = scene_of(name, seed)
        clip = SceneClip(made, Painted(made))
        return made, [clip.next().picture.y.tobytes() for _ in range(6)]

    assert start(3) == start(3)
    assert start(3)[0].things != start(4)[0].things
    assert start(3)[1] != start(4)[1]


@pytest.mark.parametrize("name", STORIES)
def test_what_a_thing_adds_to_a_picture_lies_in_its_true_box_and_fills_it(name: str) -> None:
    made = replace(scene_of(name, 5), leaves=0)
    looked_at = 0
    for number in range(0, made.frames, 37):
        at_s = number / made.fps
        there = made.placed(at_s)
        if not there:
            continue
        looked_at += 1
        for each in (there[0], there[-1]):
            without = replace(made, things=tuple(thing for thing in made.things if thing is not each.thing))
            changed = Painted(made)(at_s).y != Painted(without)(at_s).y
            x1, y1, x2, y2 = (round(edge) for edge in each.inside)
            assert not np.delete(changed, slice(max(y1 - 1, 0), y2 + 1), axis=0).any()
            assert not np.delete(changed, slice(max(x1 - 1, 0), x2 + 1), axis=1).any()
            if each.visible > 0.99 and (x2 - x1) * (y2 - y1) > 40:
                assert changed[y1:y2, x1:x2].mean() > 0.8
        if looked_at == 4:
            break
    assert looked_at


def test_who_stands_lower_hides_who_is_behind() -> None:
    behind, before = scene(thing("behind", 90.0), thing("before", 110.0)).placed(1.0)
    assert (behind.thing.name, before.thing.name) == ("behind", "before")
    assert before.visible == 1.0
    assert behind.visible == pytest.approx(1 - 40 / 60)


def test_who_is_at_the_edge_shows_the_share_that_is_inside() -> None:
    (cut,) = scene(thing("cut", 90.0, x=0.0)).placed(1.0)
    assert cut.visible == pytest.approx(0.5)
    assert cut.inside == (0.0, 30.0, 15.0, 90.0)
    assert scene(thing("outside", 90.0, x=-20.0)).placed(1.0) == []


def test_vehicles_are_in_sight_for_about_a_second_and_are_cut_by_the_edges() -> None:
    lasting = [each.seconds[1] - each.seconds[0] for seed in range(4) for each in truth_of(road(seed))]
    assert len(lasting) == 48
    assert min(lasting) > 0.6
    assert max(lasting) < 2.1
    assert np.quantile(lasting, 0.2) < 1.0
    assert all(min(each.visible) < 0.9 for each in truth_of(road(0)))


def test_a_shaking_camera_moves_the_truth_with_the_picture_by_up_to_three_pixels_of_720p() -> None:
    for seed in (0, 2):
        still, moved = road(seed), shaken(seed)
        shifts = []
        for number in range(150, 900):
            for one, other in zip(still.placed(number / 15), moved.placed(number / 15), strict=False):
                shifts.append([b - a for a, b in zip(one.whole, other.whole, strict=True)][:2])
        most = np.abs(shifts).max()
        assert 1.2 < most <= 1.5 + 1e-9


@given(seed=st.integers(0, 400))
@settings(max_examples=20, deadline=None)
def test_a_resident_is_away_for_seconds_within_a_stay_and_for_minutes_between_stays(seed: int) -> None:
    (resident,) = room(seed).things
    gaps = [(before[-1].at_s, after[0].at_s) for before, after in zip(resident.paths, resident.paths[1:], strict=False)]
    for left_s, came_s in gaps:
        stays = {resident.spell_at(left_s), resident.spell_at(came_s)}
        assert came_s - left_s <= 20 if len(stays) == 1 else came_s - left_s >= 240


def test_a_car_that_parks_is_one_object_when_it_comes_nothing_while_it_stands_and_one_when_it_goes() -> None:
    made = street(0, 900.0)
    objects = {each.id: each for each in truth_of(made, every=5)}
    comes, stands, goes = (objects[f"parker0 {what}"] for what in ("comes", "stands", "goes"))
    assert (comes.parked, stands.parked, goes.parked) == (False, True, False)
    assert comes.seconds[1] <= stands.seconds[0] < stands.seconds[1] <= goes.seconds[0]
    assert len({box[1:] for box in stands.boxes}) == 1


def test_the_label_file_names_every_object_but_those_that_only_stand_there() -> None:
    made = street(1, 900.0)
    objects = truth_of(made, every=5)
    (entry,) = json.loads(json.dumps(label_file(made, objects, "street.mp4"))).values()
    assert (entry["fps"], entry["frames"]) == (5.0, 4500)
    assert [each["id"] for each in entry["objects"]] == [each.id for each in objects if not each.parked]
    first = entry["objects"][0]
    assert set(first) == {"id", "kind", "seconds", "boxes"}
    assert first["seconds"] == [first["boxes"][0][0], first["boxes"][-1][0]]
    true = next(each for each in objects if each.id == first["id"]).boxes[0]
    assert first["boxes"][0][1:] == pytest.approx([true[n + 1] / (640, 360, 640, 360)[n] for n in range(4)], abs=1e-4)
    assert all(0 <= share <= 1 for each in entry["objects"] for box in each["boxes"] for share in box[1:])
    assert any(each.parked for each in objects)


def test_a_clip_ends_after_its_last_picture() -> None:
    made = scene(thing("one", 90.0))
    clip = SceneClip(made, Painted(made))
    positions = [clip.next().position_ns for _ in range(20)]
    assert positions[:2] == [0, 200_000_000]
    with pytest.raises(CameraEnded, match="over"):
        clip.next()
