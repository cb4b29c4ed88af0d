import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId
from smartcam.inference.settings import AnalysisSettings, read_settings
from smartcam.vision.line import Direction, Line
from smartcam.vision.rule import Rule
from smartcam.vision.week import weekly_hours
from smartcam.vision.zone import Zone

YARD = CameraId("yard")
PATH = [[0, 0], [1, 0], [0.5, 1]]
GATE = [[0.1, 0.5], [0.4, 0.5]]


def camera(table: Mapping[str, object], **root: object) -> AnalysisSettings:
    return read_settings({"cameras": {"yard": table}, **root}).camera(YARD)


def test_a_whole_camera_is_read_from_words_as_lite_delivers_them() -> None:
    table = {
        "armed": "true",
        "remember_s": "8",
        "motion_min_size": "0.01",
        "zones": {"path": [["0", "0"], ["1", "0"], ["0.5", "1"]]},
        "lines": {"gate": [["0.1", "0.5"], ["0.4", "0.5"]]},
        "schedule": {"weekdays": ["18:00-08:00"], "weekend": "00:00-24:00"},
        "rules": {
            "loiters": {"labels": ["person"], "zones": ["path"], "loiter_s": "20", "min_size": "0.01"},
            "out": {"line": "gate", "direction": "both", "schedule": {"daily": ["00:00-24:00"]}},
        },
    }
    read = camera(table, timezone="Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    zone = Zone("path", ((0, 0), (1, 0), (0.5, 1)))
    line = Line("gate", (0.1, 0.5), (0.4, 0.5))
    assert read == AnalysisSettings(
        remember_s=8,
        motion_min_size=0.01,
        zones=(zone,),
        lines=(line,),
        schedule=weekly_hours(berlin, {"weekdays": ["18:00-08:00"], "weekend": ["00:00-24:00"]}, "k"),
        rules=(
            Rule("loiters", ("person",), (zone,), loiter_s=20, min_size=0.01),
            Rule(
                "out",
                line=line,
                direction=Direction.BOTH,
                hours=weekly_hours(berlin, {"daily": ["00:00-24:00"]}, "k"),
            ),
        ),
    )


def test_rules_take_labels_and_hours_of_their_camera_where_they_have_none() -> None:
    read = camera(
        {
            "labels": ["person"],
            "schedule": {"daily": ["08:00-09:00"]},
            "rules": {"a": {}, "b": {"labels": ["car"], "schedule": {"daily": ["10:00-11:00"]}}},
        }
    )
    first, second = read.effective_rules()
    assert (first.labels, first.hours) == (("person",), read.schedule)
    assert (second.labels, second.hours != read.schedule) == (("car",), True)


def test_without_rules_anything_raises_in_any_zone() -> None:
    read = camera({"labels": ["person"], "zones": {"path": PATH}})
    assert read.effective_rules() == (Rule("anything", ("person",), read.zones),)


def test_a_disarmed_camera_or_device_has_no_rules() -> None:
    assert camera({"armed": False}).effective_rules() == ()
    assert camera({}, armed="false").effective_rules() == ()
    assert read_settings({"armed": False}).camera(CameraId("other")).effective_rules() == ()
    assert len(camera({}).effective_rules()) == 1


@pytest.mark.parametrize(
    ("table", "key", "remedy"),
    [
        ({"zones": {"path": [[0, 0], [1, 1]]}}, "zones.path", "three or more corners"),
        ({"zones": {"path": [[0, 0], [1, 1], [1, 0], [0, 1]]}}, "zones.path", "cross or touch"),
        ({"zones": {"path": [[0, 0], [1.5, 0], [1, 1]]}}, "zones.path", "from 0 to 1"),
        ({"lines": {"gate": [[0, 0]]}}, "lines.gate", "two points"),
        ({"lines": {"gate": "left"}}, "lines.gate", "list of points"),
        ({"lines": {"gate": [[0.5, 0.5], [0.5, 0.5]]}}, "lines.gate", "not at the same place"),
        ({"schedule": {"monday": ["25:00-26:00"]}}, "schedule.monday", "HH:MM-HH:MM"),
        ({"schedule": {"moonday": ["20:00-21:00"]}}, "schedule.moonday", "days are daily"),
        ({"schedule": {"monday": 7}}, "schedule.monday", "list of words"),
        ({"rules": {"a": {"zones": ["path"]}}}, "rules.a.zones", "does not have; it has none"),
        ({"rules": {"a": {"line": "gate"}}, "lines": {"door": GATE}}, "rules.a.line", "it has door"),
        ({"rules": {"a": {"direction": "backward"}}}, "rules.a.direction", "needs a line"),
        ({"rules": {"a": {"direction": "sideways"}}}, "rules.a.direction", "must be one of forward, backward, both"),
        ({"rules": {"a": {"max_size": 0}}}, "rules.a.max_size", "above 0"),
        ({"schedule": {"monday": []}}, "schedule", "no hour of the week"),
        ({"rules": {"a": {"schedule": {"daily": []}}}}, "rules.a.schedule", "no hour of the week"),
        ({"zones": {"path": [[0, 0], [1e-7, 0], [0, 1e-7]]}}, "zones.path", "enclose an area"),
        (
            {"rules": {"a": {"line": "gate", "direction": "up"}}, "lines": {"gate": GATE}},
            "rules.a.direction",
            "forward, backward, both",
        ),
        ({"rules": {"a": {"loiter_s": -1}}}, "rules.a.loiter_s", "from 0"),
        ({"rules": {"a": {"min_size": 0.5, "max_size": 0.1}}}, "rules.a.max_size", "below min_size"),
        ({"rules": {"a": {"schedule": {"monday": ["22:00"]}}}}, "rules.a.schedule.monday", "HH:MM-HH:MM"),
        ({"rules": {"a": {"loiter": 5}}}, "rules.a.loiter", "did you mean loiter_s"),
        ({"rules": {"x" * 65: {}}}, f"rules.{'x' * 65}", "1 to 64 printable"),
        ({"rules": {f"r{number}": {} for number in range(33)}}, "rules", "at most 32"),
        ({"motion_min_size": 0}, "motion_min_size", "from 0.001"),
        ({"remember_s": 0}, "remember_s", "from 0.5"),
        ({"armed": "perhaps"}, "armed", "true or false"),
    ],
)
def test_what_is_wrong_is_refused_with_one_clear_error(table: Mapping[str, object], key: str, remedy: str) -> None:
    with pytest.raises(SettingsError, match=remedy) as caught:
        camera(table)
    assert caught.value.key == f"cameras.yard.{key}"


def test_every_wrong_key_is_known_and_what_follows_from_another_is_not_said() -> None:
    table = {
        "zones": {"path": [[0, 0], [1, 1]]},
        "lines": {"gate": "left"},
        "schedule": {"monday": 7, "moonday": ["20:00-21:00"], "friday": ["25:00-26:00"]},
        "rules": {
            "a": {"zones": ["path"], "line": "gate", "direction": "up"},
            "b": {"loiter": 5, "zones": ["pth"], "min_size": "big"},
        },
        "raise_at": 2,
    }
    with pytest.raises(SettingsError) as caught:
        camera(table, timezone="Nowhere", outbox={"max_events": 1})
    of_camera = [
        *("lines.gate", "raise_at", "rules.a.direction", "rules.b.loiter", "rules.b.min_size", "rules.b.zones"),
        *("schedule.friday", "schedule.monday", "schedule.moonday", "zones.path"),
    ]
    keys = [error.key for error in (caught.value, *caught.value.also)]
    assert sorted(keys) == [*(f"cameras.yard.{key}" for key in of_camera), "outbox.max_events", "timezone"]
    assert keys[0] == "cameras.yard.rules.b.loiter"


@pytest.mark.parametrize("name", ["Middle-earth/Shire", "", "../etc/passwd", "/etc/localtime", "Europe"])
def test_a_time_zone_that_this_device_does_not_know_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="IANA time zone") as caught:
        read_settings({"timezone": name})
    assert caught.value.key == "timezone"


def test_universal_time_needs_no_data_base_of_time_zones() -> None:
    zoneinfo.ZoneInfo.clear_cache()
    with no_time_zones():
        assert read_settings({}).timezone == "UTC"
        with pytest.raises(SettingsError, match="IANA time zone"):
            read_settings({"timezone": "Europe/Berlin"})


def test_a_long_value_is_shown_in_short() -> None:
    with pytest.raises(SettingsError) as caught:
        camera({"zones": {"path": [[number / 100, 0.5] for number in range(100)]}})
    assert len(str(caught.value)) < 500


@contextmanager
def no_time_zones() -> Iterator[None]:
    """A device on which no time zones are installed."""
    zoneinfo.reset_tzpath(to=[])
    try:
        yield
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()
