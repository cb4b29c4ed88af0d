"""The made-up yard: pictures that depend on nothing but specification and time, and labels that are true of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.yard.demo import demo_spec
from training.yard.draws import STORY_S, Hour, draw_spec, draw_story
from training.yard.lens import Lens
from training.yard.scene import NOBODY, Scene, Setting, paint_setting
from training.yard.spec import SceneSpec, Visit, Waypoint

TIMES = (2.0, 5.0, 9.6, 12.0, 14.5, 26.0, 30.0)


@pytest.fixture(scope="module")
def small() -> SceneSpec:
    return replace(demo_spec(), width=320, height=180)


@pytest.fixture(scope="module")
def setting(small: SceneSpec) -> Setting:
    return paint_setting(small)


@pytest.fixture(scope="module")
def scene(small: SceneSpec, setting: Setting) -> Scene:
    return Scene(small, setting)


def test_the_same_specification_and_time_give_the_same_picture_in_any_order(small: SceneSpec, scene: Scene) -> None:
    again = Scene(small)
    pictures = {time_s: scene.picture(time_s) for time_s in TIMES}
    for time_s in reversed(TIMES):
        np.testing.assert_array_equal(again.picture(time_s), pictures[time_s])


def test_a_picture_is_bgr_of_the_size_asked_for(scene: Scene) -> None:
    picture = scene.picture(3.0)
    assert picture.shape == (180, 320, 3)
    assert picture.dtype == np.uint8


def test_another_seed_gives_another_picture(small: SceneSpec, scene: Scene) -> None:
    other = Scene(replace(small, seed=small.seed + 1))
    assert (other.picture(2.0) != scene.picture(2.0)).mean() > 0.5


def test_two_moments_differ_by_noise_and_leaves_even_when_nobody_is_there(small: SceneSpec, setting: Setting) -> None:
    empty = Scene(replace(small, visits=(), cars=(), cats=()), setting)
    changed = np.abs(empty.picture(2.0).astype(int) - empty.picture(2.08).astype(int))
    assert 0.5 < changed.mean() < 6


@pytest.mark.parametrize("time_s", [9.8, 11.0, 12.5, 14.0, 17.0, 26.5, 28.5, 31.0, 33.0])
def test_the_box_holds_what_an_intruder_changes_in_the_picture(
    time_s: float, small: SceneSpec, setting: Setting, scene: Scene
) -> None:
    truth = scene.truth(time_s)
    assert truth.box is not None
    without = Scene(replace(small, visits=()), setting).picture(time_s).astype(int)
    changed = np.abs(scene.picture(time_s).astype(int) - without).max(axis=2) > 18
    box = truth.box
    inside = changed[box.y1 : box.y2, box.x1 : box.x2]
    assert inside.mean() > 0.2, "somebody is where the box is"
    # Feet's shadow and the gate's leaf move too, but never as much as the person.
    assert inside.sum() > 0.5 * changed.sum()


def test_cars_cats_leaves_and_rain_are_never_labelled(small: SceneSpec, setting: Setting) -> None:
    empty = Scene(replace(small, visits=()), setting)
    assert {empty.truth(time_s) for time_s in np.arange(0.0, small.length_s, 0.5)} == {NOBODY}


def test_cars_and_the_cat_do_change_the_picture(small: SceneSpec, setting: Setting, scene: Scene) -> None:
    quiet = Scene(replace(small, cars=(), cats=()), setting)
    for time_s in (2.2, 5.0):
        assert (scene.picture(time_s) != quiet.picture(time_s)).any(axis=2).sum() > 200


def test_an_intruder_appears_and_disappears_behind_a_bush_not_out_of_thin_air(small: SceneSpec, scene: Scene) -> None:
    for visit in small.visits:
        for time_s in (visit.path[0].at_s, visit.path[-1].at_s):
            assert scene.truth(time_s).share < 0.1
        for time_s in (visit.path[0].at_s - 0.01, visit.path[-1].at_s + 0.01):
            assert scene.truth(time_s) == NOBODY


def test_somebody_cut_by_the_edge_of_the_picture_is_only_partly_seen(small: SceneSpec, setting: Setting) -> None:
    edge = Lens(small.viewpoint, small.width, small.height).edge(6.0)
    path = (Waypoint(0.0, edge, 6.0), Waypoint(10.0, edge, 6.0))
    scene = Scene(replace(small, visits=(Visit(small.visits[0].person, path),)), setting)
    truth = scene.truth(5.0)
    assert 0.2 < truth.share < 0.8
    assert truth.box is not None
    assert truth.box.x2 == small.width


def test_somebody_behind_the_house_is_not_seen(small: SceneSpec, setting: Setting) -> None:
    x, z = -small.yard.wall_x - 2.0, small.yard.wall_end + 0.3
    path = (Waypoint(0.0, x, z), Waypoint(10.0, x, z))
    scene = Scene(replace(small, visits=(Visit(small.visits[0].person, path),)), setting)
    assert scene.truth(5.0).share < 0.05


def test_a_mirrored_scene_mirrors_picture_and_box(small: SceneSpec, setting: Setting, scene: Scene) -> None:
    mirrored = Scene(replace(small, mirrored=True), setting)
    np.testing.assert_array_equal(mirrored.picture(13.5), scene.picture(13.5)[:, ::-1])
    plain, turned = scene.truth(13.5).box, mirrored.truth(13.5).box
    assert plain is not None
    assert turned is not None
    assert (turned.x1, turned.x2) == (small.width - plain.x2, small.width - plain.x1)


def test_it_gets_dark_and_the_lamp_lights_the_door(small: SceneSpec, scene: Scene, setting: Setting) -> None:
    assert scene.picture(24.0).mean() < 0.8 * scene.picture(2.0).mean()
    dark = Scene(replace(small, light=replace(small.light, lamp_on_s=99.0)), setting)
    lamp = scene.picture(38.0)[:, :90].astype(int) - dark.picture(38.0)[:, :90].astype(int)
    assert lamp.mean() > 10


def test_an_infrared_camera_sees_no_colour(small: SceneSpec, setting: Setting) -> None:
    picture = Scene(replace(small, light=replace(small.light, infrared=True)), setting).picture(3.0)
    assert (picture == picture[:, :, :1]).all()


def test_rain_falls_only_between_its_times(small: SceneSpec, setting: Setting, scene: Scene) -> None:
    dry = Scene(replace(small, rain=None), setting)
    np.testing.assert_array_equal(scene.picture(20.0), dry.picture(20.0))
    assert (scene.picture(30.0) != dry.picture(30.0)).any()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), hour=st.sampled_from(Hour), mirrored=st.booleans())
def test_every_yard_drawn_by_lot_has_true_labels_within_its_pictures(seed: int, hour: Hour, *, mirrored: bool) -> None:
    spec = replace(draw_story(draw_spec(seed, 160, 90), hour, 0), mirrored=mirrored)
    scene = Scene(spec)
    seen = 0
    for time_s in np.arange(0.0, STORY_S, 1.0):
        truth = scene.truth(time_s)
        assert 0 <= truth.share <= 1
        if truth.box is not None:
            assert 0 <= truth.box.x1 < truth.box.x2 <= spec.width
            assert 0 <= truth.box.y1 < truth.box.y2 <= spec.height
        seen += truth.share >= 0.5
    assert seen >= 3, "a visit can be seen"


def test_a_story_drawn_by_lot_is_the_same_each_time() -> None:
    assert draw_story(draw_spec(5, 320, 180), Hour.DUSK, 2) == draw_story(draw_spec(5, 320, 180), Hour.DUSK, 2)
    assert draw_spec(5, 320, 180) != draw_spec(6, 320, 180)
