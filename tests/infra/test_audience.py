import json
import zoneinfo
from datetime import UTC, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from infra.alerts.runtime.audience import Audience, EventFilter, Group, Language
from infra.alerts.runtime.quiet import QuietHours
from infra.alerts.runtime.zones import zone
from infra.subscribers import SubscriberGroup, audience_text
from smartcam.contract.errors import ContractError
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, EventKind, Severity
from smartcam.contract.ids import CameraId, ThingName
from tests.infra.sample import raised

GATE = EventFilter(cameras=frozenset({"yard-1/gate"}))


@pytest.mark.parametrize(
    ("cameras", "theirs"),
    [
        ((), True),
        (("gate",), True),
        (("yard-1/gate",), True),
        (("yard-1/*",), True),
        (("door", "yard-2/gate", "yard-2/*", "*"), False),
    ],
)
def test_a_camera_is_named_with_or_without_its_thing(cameras: tuple[str, ...], theirs: bool) -> None:  # noqa: FBT001
    assert EventFilter(cameras=frozenset(cameras)).includes(raised()) is theirs


def test_kind_and_severity_are_filters_too() -> None:
    people = EventFilter(kinds=frozenset({EventKind.PERSON}), severity=Severity.WARNING)
    assert people.includes(raised())
    assert people.includes(raised(severity=Severity.CRITICAL))
    assert not people.includes(raised(severity=Severity.INFO))
    assert not people.includes(raised(kind=EventKind.VEHICLE))


def test_who_follows_a_camera_is_told_when_its_device_or_the_fleet_is_lost() -> None:
    lost = raised(kind=EventKind.DEVICE_LOST, camera_id=WHOLE_DEVICE)
    assert GATE.includes(lost)
    assert EventFilter(cameras=frozenset({"gate"})).includes(lost)
    assert not EventFilter(cameras=frozenset({"yard-2/gate"})).includes(lost)
    assert GATE.includes(raised(kind=EventKind.FLEET_LOST, thing=WHOLE_FLEET, camera_id=WHOLE_DEVICE))


def test_a_test_reaches_everybody_of_its_camera() -> None:
    critical_people = EventFilter(kinds=frozenset({EventKind.PERSON}), severity=Severity.CRITICAL)
    assert critical_people.includes(raised(kind=EventKind.TEST, severity=Severity.INFO))
    assert not EventFilter(cameras=frozenset({"door"})).includes(raised(kind=EventKind.TEST))


def test_a_camera_stands_in_its_own_zone_or_its_things_or_the_common_one() -> None:
    berlin, shanghai = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
    audience = Audience((), UTC, {"yard-1": berlin, "yard-1/gate": shanghai})
    assert audience.zone_of(ThingName("yard-1"), CameraId("gate")) is shanghai
    assert audience.zone_of(ThingName("yard-1"), CameraId("door")) is berlin
    assert audience.zone_of(ThingName("yard-2"), CameraId("gate")) is UTC


def test_what_the_stack_writes_is_what_the_function_reads() -> None:
    written = (
        SubscriberGroup(emails=("a@b",), phones=("+4915112345678",)),
        SubscriberGroup(
            "night",
            ("c@d", "e@f"),
            language=Language.CHINESE,
            time_zone="Asia/Shanghai",
            quiet=("22:00", "07:00"),
            cameras=("gate",),
            kinds=(EventKind.TAMPER,),
            severity=Severity.CRITICAL,
        ),
    )
    text = audience_text(written, "Europe/Berlin", {"yard-1": "UTC"})
    assert "a@b" not in text  # addresses are SNS's business alone
    shanghai = ZoneInfo("Asia/Shanghai")
    assert Audience.from_json(text, ["arn:1", "arn:2"]) == Audience(
        (
            Group("everyone", "arn:1", emails=1, phones=1),
            Group(
                "night",
                "arn:2",
                Language.CHINESE,
                QuietHours(time(22), time(7), shanghai),
                2,
                0,
                EventFilter(frozenset({"gate"}), frozenset({EventKind.TAMPER}), Severity.CRITICAL),
                shanghai,
            ),
        ),
        ZoneInfo("Europe/Berlin"),
        {"yard-1": UTC},
    )


def test_a_topic_too_few_is_an_error_and_no_silence() -> None:
    text = audience_text((SubscriberGroup(),), "UTC", {})
    with pytest.raises(ValueError, match="zip"):
        Audience.from_json(text, [])


def test_a_zone_is_read_from_the_asset_before_the_machine(tmp_path: Path) -> None:
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe/Berlin").write_bytes(Path(zone_file("Asia/Shanghai")).read_bytes())
    there = zone("Europe/Berlin", tmp_path)
    assert there.utcoffset(None) is None
    assert str(there) == "Europe/Berlin"
    assert there != zone("Europe/Berlin")


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "", "Europe"])
def test_a_zone_that_nobody_knows_is_utc(name: str, tmp_path: Path) -> None:
    assert zone(name, tmp_path) is UTC


def test_a_zone_that_is_damaged_is_utc(tmp_path: Path) -> None:
    (tmp_path / "Broken").write_bytes(b"TZif no more")
    assert zone("Broken", tmp_path) is UTC


def zone_file(name: str) -> str:

    return next(str(Path(place) / name) for place in zoneinfo.TZPATH if (Path(place) / name).is_file())


def test_the_text_of_the_audience_is_compact() -> None:
    text = audience_text((SubscriberGroup(),), "UTC", {})
    assert json.loads(text)["groups"][0]["name"] == "everyone"
    assert " " not in text


def test_a_camera_stands_in_the_zone_that_the_stack_wrote_for_it() -> None:
    text = audience_text((SubscriberGroup(),), "UTC", {"yard-1": "Asia/Shanghai"})
    assert Audience.from_json(text, ["arn:1"]).zones == {"yard-1": ZoneInfo("Asia/Shanghai")}


def test_a_group_may_follow_a_thousand_cameras() -> None:
    cameras = tuple(f"camera-{number}" for number in range(1000))
    text = audience_text((SubscriberGroup(cameras=cameras, kinds=tuple(EventKind)),), "UTC", {})
    [group] = Audience.from_json(text, ["arn:1"]).groups
    assert group.wanted.cameras == frozenset(cameras)
    assert group.wanted.kinds == frozenset(EventKind)


@pytest.mark.parametrize(("text", "reason"), [("[]", "audience: "), ("{", "audience: "), ("{}", "groups: ")])
def test_what_no_stack_writes_is_an_error_that_names_the_field(text: str, reason: str) -> None:
    with pytest.raises(ContractError, match=f"^{reason}"):
        Audience.from_json(text, [])


def test_quiet_hours_have_a_beginning_and_an_end_and_no_more() -> None:
    document = json.loads(audience_text((SubscriberGroup(quiet=("22:00", "07:00")),), "UTC", {}))
    document["groups"][0]["quiet"].append("08:00")
    with pytest.raises(ContractError, match=r"^quiet: "):
        Audience.from_json(json.dumps(document), ["arn:1"])
