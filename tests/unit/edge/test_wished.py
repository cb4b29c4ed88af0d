"""What was set here holds over what is deployed, is refused in the reader's words, and the newest of the two counts."""

import json
import logging
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.settings import CaptureSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SETTABLE, SettingsOwner, SettingsWish, WishError
from smartcam.edge.wished import FILE, WishedSettings
from smartcam.inference.settings import InferenceSettings
from smartcam.inference.settings import read_settings as read_inference

YARD, GATE = CameraId("yard"), CameraId("gate")
INFERENCE, CAPTURE = SettingsOwner.INFERENCE, SettingsOwner.CAPTURE
LEFT = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
RIGHT = [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]
DEPLOYED: Mapping[str, object] = {
    "timezone": "Europe/Berlin",
    "cameras": {"yard": {"labels": ["person"], "zones": {"left": LEFT}, "alerts_a_day": "2"}, "gate": {}},
}


def inference(folder: Path | None = None) -> WishedSettings[InferenceSettings]:
    return WishedSettings(INFERENCE, read_inference, folder)


def capture(folder: Path | None = None) -> WishedSettings[CaptureSettings]:
    return WishedSettings(CAPTURE, read_capture, folder)


def wish(
    settings: Mapping[str, object],
    camera: CameraId = YARD,
    owner: SettingsOwner = INFERENCE,
    *,
    trial: bool = False,
    revision: str | None = None,
) -> SettingsWish:
    return SettingsWish("1", camera, owner, settings, trial=trial, revision=revision)


def zones(settings: InferenceSettings | None, camera: CameraId = YARD) -> list[str]:
    assert settings is not None
    return [zone.name for zone in settings.camera(camera).zones]


def granted(wished: WishedSettings[InferenceSettings], one: SettingsWish) -> InferenceSettings:
    settings, errors = wished.wish(one, is_known=False)
    assert errors == ()
    assert settings is not None
    return settings


def refused(wished: WishedSettings[InferenceSettings], one: SettingsWish, *, is_known: bool = False) -> list[WishError]:
    before = [wished.holding(camera) for camera in (YARD, GATE)]
    settings, errors = wished.wish(one, is_known=is_known)
    assert settings is None
    assert [wished.holding(camera) for camera in (YARD, GATE)] == before
    return list(errors)


def test_a_zone_that_is_drawn_replaces_the_zones_that_are_deployed_and_nothing_else() -> None:
    wished = inference()
    assert zones(wished.take(DEPLOYED)) == ["left"]
    settings = granted(wished, wish({"zones": {"right": RIGHT}, "rules": {"in": {"zones": ["right"]}}}))
    yard = settings.camera(YARD)
    assert [zone.name for zone in yard.zones] == ["right"]
    assert (yard.labels, yard.alerts_a_day, yard.rules[0].name) == (("person",), 2.0, "in")
    assert zones(granted(wished, wish({"zones": {}, "rules": {}}))) == []
    assert zones(granted(wished, wish({"zones": None}))) == ["left"]
    assert (settings.timezone, settings.camera(GATE)) == ("Europe/Berlin", read_inference(DEPLOYED).camera(GATE))


def test_it_holds_in_the_next_process_also_where_the_nucleus_does_not_answer_and_nobody_else_can_read_it(
    tmp_path: Path,
) -> None:
    wished = inference(tmp_path)
    wished.take(DEPLOYED)
    granted(wished, wish({"zones": {"right": RIGHT}}))
    again = inference(tmp_path)
    assert zones(again.last()) == ["right"]
    assert again.holding(YARD).settings["zones"] == {"right": RIGHT}
    assert zones(again.take(DEPLOYED)) == ["right"]
    assert again.holding(YARD) == wished.holding(YARD)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@given(st.data())
def test_what_is_refused_changes_nothing_and_what_is_granted_is_what_a_deployment_would_have_been(
    drawn: st.DataObject,
) -> None:
    values = st.sampled_from([None, {}, {"a": LEFT}, {"a": LEFT[:2]}, {"b": {"zones": ["a"]}}, 3, "x", [1], True, 1e9])
    wished = inference()
    wished.take(DEPLOYED)
    for _ in range(3):
        said = drawn.draw(st.dictionaries(st.sampled_from(SETTABLE[INFERENCE]), values, max_size=3))
        before = wished.holding(YARD)
        table = dict(DEPLOYED["cameras"]["yard"]) | dict(before.settings) | said  # type: ignore[index]
        for key, value in said.items():
            if value is None:
                table[key] = DEPLOYED["cameras"]["yard"].get(key)  # type: ignore[index]
        document = {**DEPLOYED, "cameras": {"yard": table, "gate": {}}}
        settings, errors = wished.wish(wish(said), is_known=False)
        if settings is None:
            with pytest.raises(SettingsError) as caught:
                read_inference(document)
            assert [error.key for error in errors] == [each.key for each in (caught.value, *caught.value.also)]
            assert wished.holding(YARD) == before
        else:
            assert (settings, errors) == (read_inference(document), ())


def test_the_readers_words_say_what_is_wrong_of_all_keys() -> None:
    wished = inference()
    wished.take(DEPLOYED)
    errors = refused(wished, wish({"zones": {"a": [[0, 0]]}, "rules": {"b": {"zones": ["c"]}}, "normal": "perhaps"}))
    assert {(error.key, error.words) for error in errors} == {
        ("cameras.yard.zones.a", "[[0, 0]]: must be a list of three or more corners [x, y], each from 0 to 1"),
        ("cameras.yard.rules.b.zones", "['c']: names 'c', which this camera does not have; it has a"),
        ("cameras.yard.normal", "'perhaps': must be true or false"),
    }


@pytest.mark.parametrize(
    ("settings", "camera", "words"),
    [
        ({"zones": {}, "detector": "x"}, YARD, "cannot be set here, only with a deployment; of inference these can"),
        ({"trusted_key": ""}, YARD, "cannot be set here"),
        ({"masks": {}}, YARD, "cannot be set here"),
        ({"accessControl": {}}, YARD, "cannot be set here"),
        ({"zones": {}}, CameraId("shed"), "is no camera of this device; add it with a deployment"),
    ],
)
def test_what_is_not_its_own_is_refused(settings: Mapping[str, object], camera: CameraId, words: str) -> None:
    wished = inference()
    wished.take(DEPLOYED)
    assert words in refused(wished, wish(settings, camera))[0].words


def test_a_camera_that_only_announces_itself_can_be_set_and_one_without_a_source_cannot() -> None:
    shed = CameraId("shed")
    wished = inference()
    wished.take(DEPLOYED)
    settings, errors = wished.wish(wish({"zones": {"a": LEFT}}, shed), is_known=True)
    assert (zones(settings, shed), errors) == (["a"], ())
    assert wished.deployed() == frozenset({YARD, GATE})
    source = capture()
    source.take({"cameras": {"yard": {"path": "a.mp4"}}})
    nothing, errors = source.wish(wish({"masks": {"a": LEFT}}, shed, CAPTURE), is_known=True)
    assert (nothing, errors[0].words) == (None, "is no camera of this device; add it with a deployment")


def test_a_mask_is_laid_over_the_source_that_is_deployed_and_goes_with_it() -> None:
    wished = capture()
    wished.take({"cameras": {"yard": {"path": "a.mp4"}}})
    settings, errors = wished.wish(wish({"masks": {"window": LEFT}}, owner=CAPTURE), is_known=False)
    assert errors == ()
    assert settings is not None
    assert [(one.path.name, [mask.name for mask in one.masks]) for one in settings.cameras] == [("a.mp4", ["window"])]
    assert [mask.name for mask in wished.take({"cameras": {"yard": {"path": "b.mp4"}}}).cameras[0].masks] == ["window"]
    assert wished.take({"cameras": {}}).cameras == ()
    assert [mask.name for mask in wished.take({"cameras": {"yard": {"path": "b.mp4"}}}).cameras[0].masks] == ["window"]


def test_a_trial_says_what_is_wrong_and_sets_nothing(tmp_path: Path) -> None:
    wished = inference(tmp_path)
    wished.take(DEPLOYED)
    assert refused(wished, wish({"zones": {"right": RIGHT}}, trial=True)) == []
    assert "three or more corners" in refused(wished, wish({"zones": {"a": [[0, 0]]}}, trial=True))[0].words
    assert not (tmp_path / FILE).exists()


def test_who_began_with_other_settings_than_hold_by_now_is_told_so() -> None:
    wished = inference()
    wished.take(DEPLOYED)
    first = wished.holding(YARD).revision
    granted(wished, wish({"normal": True}, revision=first))
    assert "has other settings by now" in refused(wished, wish({"normal": False}, revision=first))[0].words
    granted(wished, wish({"normal": False}, revision=wished.holding(YARD).revision))


def with_zones(**named: object) -> dict[str, object]:
    return {"cameras": {"yard": {"zones": named}, "gate": {}}}


def test_a_later_deployment_that_differs_holds_is_said_and_what_was_set_can_be_set_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wished = inference(tmp_path)
    wished.take(DEPLOYED)
    granted(wished, wish({"zones": {"right": RIGHT}, "normal": True}))
    assert wished.holding(YARD).differs is None
    with caplog.at_level(logging.WARNING):
        assert zones(wished.take(with_zones(middle=LEFT))) == ["middle"]
        wished.take(with_zones(middle=LEFT))
    assert caplog.text.count("wish_set_aside") == 1
    for each in (wished, inference(tmp_path)):
        each.take(with_zones(middle=LEFT))
        held = each.holding(YARD)
        assert "a later deployment has other zones than were set here; what is deployed holds" in str(held.differs)
        assert held.set_aside == {"zones": {"right": RIGHT}, "normal": True}
    assert zones(granted(wished, wish(held.set_aside))) == ["right"]
    assert wished.holding(YARD).differs is None


def test_a_deployment_of_other_keys_or_of_what_was_set_takes_nothing_back() -> None:
    wished = inference()
    wished.take(DEPLOYED)
    granted(wished, wish({"zones": {"right": RIGHT}}))
    yard = {"zones": {"left": LEFT}, "labels": ["car"], "raise_at": 0.9}
    settings = wished.take({"cameras": {"yard": yard}, "event_valid_s": 60})
    assert (zones(settings), settings.camera(YARD).labels, settings.event_valid_s) == (["right"], ("car",), 60)
    granted(wished, wish({"normal": True}))
    settings = wished.take(with_zones(right=RIGHT))
    assert (zones(settings), settings.camera(YARD).normal) == (["right"], True)
    assert wished.holding(YARD).differs is None


def test_what_no_longer_fits_the_rest_of_a_deployment_keeps_it_from_nothing_and_is_said() -> None:
    many: dict[str, object] = {f"c{number}": {} for number in range(63)}
    wished = inference()
    wished.take({"cameras": {"yard": {}, **many}})
    granted(wished, wish({"normal": True}))
    wished.wish(wish({"normal": True}, CameraId("shed")), is_known=True)  # a 65th, which no document can have
    assert wished.take({"cameras": {"yard": {}, **many}, "event_valid_s": 60}).camera(YARD).normal
    assert wished.take({"cameras": {"gate": {}, **many}, "event_valid_s": 60}).event_valid_s == 60
    assert "no longer fits what is deployed" in str(wished.holding(YARD).differs)
    granted(wished, wish({"normal": True}, GATE))


def test_what_fits_one_by_one_and_not_together_keeps_no_deployment_from_holding() -> None:
    many: dict[str, object] = {f"c{number}": {} for number in range(62)}
    wished = inference()
    wished.take({"cameras": many})
    sheds = [CameraId("shed1"), CameraId("shed2")]
    for shed in sheds:
        assert wished.wish(wish({"normal": True}, shed), is_known=True)[1] == ()
    settings = wished.take({"cameras": {**many, "c62": {}}})
    assert [settings.camera(shed).normal for shed in sheds] == [True, False]
    assert [wished.holding(shed).differs is None for shed in sheds] == [True, False]


def test_a_deployment_that_cannot_be_read_is_refused_as_ever_and_what_was_set_still_holds(tmp_path: Path) -> None:
    wished = inference(tmp_path)
    wished.take(DEPLOYED)
    granted(wished, wish({"zones": {"right": RIGHT}}))
    granted(wished, wish({"normal": True}, GATE))
    for wrong in ({"cameras": {"yard": {"raise_at": 9}}}, {"cameras": [1]}, {"cameras": {"yard": 3}}):
        with pytest.raises(SettingsError):
            wished.take(wrong)
        assert wished.holding(YARD).settings["zones"] == {"right": RIGHT}
    assert zones(granted(wished, wish({"normal": True}))) == ["right"]
    assert zones(inference(tmp_path).last()) == ["right"]


def test_before_the_nucleus_has_answered_nothing_is_set() -> None:
    assert "before the nucleus has said what is deployed" in refused(inference(), wish({"normal": True}))[0].words
    assert inference().deployed() is None


def test_what_cannot_be_kept_is_not_set(tmp_path: Path) -> None:
    wished = inference(tmp_path)
    wished.take(DEPLOYED)
    (tmp_path / FILE).mkdir()
    assert "cannot be kept on the disk" in refused(wished, wish({"normal": True}))[0].words
    assert not wished.take(DEPLOYED).camera(YARD).normal


@pytest.mark.parametrize("damage", [b"", b"half a fi", b"\0\0\0\0{}"])
def test_a_damaged_memory_lays_no_mask_open_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    document = {"cameras": {"yard": {"path": "a.mp4", "ignored": {"tree": LEFT}}}}
    wished = capture(tmp_path)
    wished.take(document)
    wished.wish(wish({"masks": {"window": LEFT}}, owner=CAPTURE), is_known=False)
    (tmp_path / FILE).write_bytes(damage)
    again = capture(tmp_path)
    assert [mask.name for mask in again.take(document).cameras[0].masks] == ["window"]
    assert "wished_damaged" in caplog.text
    again.wish(wish({"masks": None}, owner=CAPTURE), is_known=False)
    assert capture(tmp_path).take(document).cameras[0].masks == ()


def test_what_holds_names_what_decides_with_it_and_its_order() -> None:
    wished = inference()
    wished.take(DEPLOYED)
    held = wished.holding(YARD)
    assert held.settings == {"zones": {"left": LEFT}, "alerts_a_day": "2"}
    assert held.besides == {"labels": ["person"], "timezone": "Europe/Berlin"}
    granted(wished, wish({"rules": {"a": {}, "b": {}}}))
    one = wished.holding(YARD)
    granted(wished, wish({"rules": {"b": {}, "a": {}}}))
    assert one.revision != wished.holding(YARD).revision
    assert json.dumps(wished.holding(YARD).settings["rules"]) == '{"b": {}, "a": {}}'
