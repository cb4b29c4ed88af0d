"""Reading a configuration document: types from text, ranges, and errors that name the place."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.settings import read_settings as read_capture_settings
from smartcam.contract.errors import SettingsError
from smartcam.edge.settings import Settings
from smartcam.inference.settings import read_settings as read_inference_settings


class Pacing(StrEnum):
    REALTIME = "realtime"
    FAST = "fast"


@pytest.mark.parametrize("value", [5, "5", " 5 ", 5.0, "5.0"])
def test_a_whole_number_may_come_as_text(value: object) -> None:
    assert Settings({"fps": value}).integer("fps", 1, 1, 30) == 5


@pytest.mark.parametrize("value", ["", "five", "5.5", 5.5, True, "true", [5], {}, 0, "31", "nan", "inf", "1e400"])
def test_what_is_no_whole_number_in_the_range_is_refused_by_name(value: object) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings({"fps": value}, "cameras.yard").integer("fps", 1, 1, 30)
    assert caught.value.key == "cameras.yard.fps"
    assert caught.value.value == value
    assert caught.value.remedy == "must be a whole number from 1 to 30"


@pytest.mark.parametrize("value", [0.5, "0.5", "5e-1", " .5"])
def test_a_number_may_come_as_text(value: object) -> None:
    assert Settings({"raise_at": value}).number("raise_at", 0.9, 0, 1) == 0.5


@pytest.mark.parametrize("value", ["half", "", "nan", float("nan"), float("inf"), 1.01, -0.1, False, None, [0.5]])
def test_what_is_no_number_in_the_range_is_refused_unless_it_is_null(value: object) -> None:
    settings = Settings({"raise_at": value})
    if value is None:
        assert settings.number("raise_at", 0.9, 0, 1) == 0.9
    else:
        with pytest.raises(SettingsError, match=r"^raise_at = .*: must be a number from 0 to 1$"):
            settings.number("raise_at", 0.9, 0, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (True, "true", "True", "yes", 1, "1")),
        *((value, False) for value in (False, "false", "FALSE", "off", 0, "0")),
    ],
)
def test_true_and_false_may_come_as_text(value: object, *, expected: bool) -> None:
    assert Settings({"on": value}).boolean("on", default=not expected) is expected


@pytest.mark.parametrize("value", ["", "maybe", 2, 1.0, [], "truee"])
def test_what_is_neither_true_nor_false_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="must be true or false"):
        Settings({"on": value}).boolean("on", default=True)


def test_a_choice_is_one_of_the_words() -> None:
    assert Settings({"pacing": "fast"}).choice("pacing", Pacing.REALTIME) is Pacing.FAST


def test_a_misspelt_choice_gets_the_closest_word_suggested() -> None:
    with pytest.raises(SettingsError, match=r"must be one of realtime, fast; did you mean realtime\?"):
        Settings({"pacing": "real-time"}).choice("pacing", Pacing.FAST)


def test_text_is_taken_as_it_is() -> None:
    assert Settings({"path": "/clips/one two.mp4"}).text("path", "") == "/clips/one two.mp4"
    assert Settings({"path": ""}).text("path", "x") == ""


@pytest.mark.parametrize("value", [5, True, ["a"], "a\nb", "x" * 1025])
def test_what_is_no_text_of_one_line_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="must be one line of text, of at most 1024 characters"):
        Settings({"path": value}).text("path", "")


def test_words_may_be_a_list_or_one_word() -> None:
    assert Settings({"labels": ["person", "car"]}).texts("labels", ()) == ("person", "car")
    assert Settings({"labels": "person"}).texts("labels", ()) == ("person",)
    assert Settings({"labels": []}).texts("labels", ("person",)) == ()


@pytest.mark.parametrize("value", [[1], [""], {"person": True}, 3, [["person"]]])
def test_what_is_no_list_of_words_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="must be a list of words"):
        Settings({"labels": value}).texts("labels", ())


@pytest.mark.parametrize("absent", [{}, {"key": None}])
def test_what_is_absent_takes_the_default(absent: dict[str, object]) -> None:
    settings = Settings(absent)
    assert settings.integer("key", 3, 1, 9) == 3
    assert settings.number("key", 0.25, 0, 1) == 0.25
    assert settings.boolean("key", default=True) is True
    assert settings.text("key", "word") == "word"
    assert settings.choice("key", Pacing.FAST) is Pacing.FAST
    assert settings.texts("key", ["a"]) == ("a",)
    assert settings.table("key").keys() == ()
    assert not settings.has("key")
    settings.done()


def test_zones_are_polygons_in_shares_of_the_picture() -> None:
    document = {"zones": {"door": [["0", 0], [0.5, "0.25"], [1, 1]]}}
    assert Settings(document).polygons("zones") == {"door": ((0.0, 0.0), (0.5, 0.25), (1.0, 1.0))}


@pytest.mark.parametrize(
    "corners", [[], [[0, 0], [1, 1]], [[0, 0], [1, 1], [2, 0]], [[0, 0], [1, 1], [0]], [[0, 0], [1, 1], "x"], "door"]
)
def test_what_is_no_polygon_is_refused_by_the_name_of_the_zone(corners: object) -> None:
    with pytest.raises(SettingsError, match=r"^cameras\.yard\.zones\.door = "):
        Settings({"zones": {"door": corners}}, "cameras.yard").polygons("zones")


def test_tables_are_named_by_their_whole_path() -> None:
    cameras = Settings({"cameras": {"yard": {"fps": "five"}}}).cameras("cameras")
    with pytest.raises(SettingsError) as caught:
        cameras[next(iter(cameras))].integer("fps", 5, 1, 30)
    assert str(caught.value) == "cameras.yard.fps = 'five': must be a whole number from 1 to 30"


@pytest.mark.parametrize("name", ["front door", "a/b", "", "x" * 65, "+"])
def test_a_camera_needs_an_id_that_topics_can_carry(name: str) -> None:
    with pytest.raises(SettingsError, match="1 to 64 letters") as caught:
        Settings({"cameras": {name: {}}}).cameras("cameras")
    assert caught.value.key == f"cameras.{name}"


@pytest.mark.parametrize("value", ["yard", 3, ["yard"]])
def test_a_value_where_a_table_belongs_is_refused(value: object) -> None:
    with pytest.raises(SettingsError, match="must be a table of settings"):
        Settings({"cameras": value}).cameras("cameras")
    with pytest.raises(SettingsError, match=r"cameras\.yard = .* must be a table"):
        Settings({"cameras": {"yard": value}}).cameras("cameras")


def test_a_device_has_at_most_sixty_four_cameras() -> None:
    def of(count: int) -> Settings:
        return Settings({"cameras": {f"c{number}": {} for number in range(count)}})

    assert len(of(64).cameras("cameras")) == 64
    with pytest.raises(SettingsError) as caught:
        of(65).cameras("cameras")
    assert str(caught.value) == "cameras = '65 cameras': must be at most 64: give the others to another device"


@pytest.mark.parametrize("read", [read_capture_settings, read_inference_settings])
def test_both_components_refuse_the_sixty_fifth_camera(read: Callable[[Mapping[str, object]], object]) -> None:
    def document(count: int) -> dict[str, object]:
        cameras = {f"c{number}": {} if read is read_inference_settings else {"path": "a"} for number in range(count)}
        return {"cameras": cameras}

    read(document(64))
    with pytest.raises(SettingsError, match="cameras = '65 cameras': must be at most 64"):
        read(document(65))


def test_an_unknown_key_is_named_with_the_closest_known_one() -> None:
    settings = Settings({"analyse_fsp": 5})
    settings.integer("analyse_fps", 5, 1, 30)
    settings.number("keep_alive_s", 1, 0, 60)
    with pytest.raises(SettingsError, match=r"^analyse_fsp = 5: is not a setting; did you mean analyse_fps\?$"):
        settings.done()


def test_an_unknown_key_that_resembles_none_gets_all_of_them_listed() -> None:
    settings = Settings({"zzz": 5})
    settings.integer("fps", 5, 1, 30)
    settings.text("path", "")
    with pytest.raises(SettingsError, match=r"is not a setting; known are fps, path$"):
        settings.done()


def test_an_unknown_key_in_an_inner_table_is_found_from_the_root() -> None:
    root = Settings({"cameras": {"yard": {"labels": [], "zone": {}}}})
    for camera in root.cameras("cameras").values():
        camera.texts("labels", ())
        camera.polygons("zones")
    with pytest.raises(SettingsError, match=r"^cameras\.yard\.zone = .*did you mean zones\?$"):
        root.done()


def test_what_is_wrong_is_noted_once_for_each_key_and_raised_in_the_end() -> None:
    settings = Settings({"fps": "five", "pacing": "slow", "labels": 3, "lables": []}, noted={})
    assert settings.integer("fps", 5, 1, 30) == 5
    assert settings.choice("pacing", Pacing.FAST) is Pacing.FAST
    assert settings.texts("labels", ["person"]) == ("person",)
    settings.refuse(settings.error("fps", "must be more"))
    assert settings.is_wrong("fps")
    with pytest.raises(SettingsError, match=r"^lables = .* did you mean labels\?$") as caught:
        settings.done()
    assert [error.key for error in caught.value.also] == ["fps", "pacing", "labels"]
    assert "whole number" in caught.value.also[0].remedy


def test_what_the_nucleus_keeps_at_the_root_is_no_unknown_key() -> None:
    root = Settings({"accessControl": {"aws.greengrass.ipc.pubsub": {}}})
    root.done()
    with pytest.raises(SettingsError, match=r"^inner\.accessControl"):
        Settings({"accessControl": {}}, "inner").done()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(json_values)
def test_any_value_gives_a_setting_within_its_range_or_one_error(value: object) -> None:
    settings = Settings({"key": value})
    readers: list[Callable[[], bool]] = [
        lambda: 1 <= settings.integer("key", 1, 1, 9) <= 9,
        lambda: 0 <= settings.number("key", 0, 0, 1) <= 1,
        lambda: settings.boolean("key", default=True) in {True, False},
        lambda: len(settings.text("key", "")) <= 1024,
        lambda: settings.choice("key", Pacing.FAST) in Pacing,
        lambda: all(settings.texts("key", ("a",))),
        lambda: isinstance(settings.polygons("key"), dict),
        lambda: isinstance(settings.cameras("key"), dict),
    ]
    for read in readers:
        wrong: list[str] = []
        try:
            assert read()
        except SettingsError as error:
            wrong.append(error.key.split(".")[0])
        assert wrong in ([], ["key"])


@given(st.integers(-(10**6), 10**6))
def test_a_number_as_text_is_the_number(number: int) -> None:
    limits = (-(10**6), 10**6)
    assert Settings({"key": str(number)}).integer("key", 0, *limits) == number
    assert Settings({"key": number}).integer("key", 0, *limits) == number
