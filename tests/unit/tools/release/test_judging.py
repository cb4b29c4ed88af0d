"""When a stage has passed, and when it has failed: a function of what was seen, without a clock and without AWS."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.fleet.runtime.device import Device, KnownCamera
from smartcam.contract.health import CameraCondition, DeviceState
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.infra.sample import NOON
from tools.release.judging import Glance, Headway, Rules, StageVerdict, ThingVerdict, WatchedThing, judge
from tools.release.status import DeviceOutcome

OLD, NEW = "0.1.0", "0.2.0"
RULES = Rules(300)
CAMERA = KnownCamera(CameraId("gate"), CameraCondition.RUNNING)


def report(at_s: float, version: str = NEW, run: str = "new", **more: object) -> Device:
    at = UtcNs(NOON + round(at_s * NS_PER_S))
    device = Device(ThingName("yard"), NOON, at, run=run, seq=round(at_s) + 10_000, version=version)
    changes: dict[str, object] = {"capture_version": version, "cameras": (CAMERA,), **more}
    return replace(device, **changes)  # type: ignore[arg-type]  # the tests name the fields


def look(device: Device | None, status: str = "SUCCEEDED", at_s: float | None = None, reason: str = "") -> Glance:
    at = device.heard_at if device and at_s is None else UtcNs(NOON + round((at_s or 0) * NS_PER_S))
    return Glance(at, device, DeviceOutcome("yard", status, reason))


BEFORE = look(report(-60, OLD, "old"), "QUEUED", 0)


def headway(*looks: Glance, now_s: float | None = None, rules: Rules = RULES) -> ThingVerdict:
    return verdict({"yard": looks}, now_s=now_s, rules=rules).things[0]


def verdict(
    things: dict[str, Sequence[Glance]], now_s: float | None = None, rules: Rules = RULES, version: str = NEW
) -> StageVerdict:
    last = max(looks[-1].at for looks in things.values())
    now = last if now_s is None else UtcNs(NOON + round(now_s * NS_PER_S))
    return judge({thing: WatchedThing(version, looks) for thing, looks in things.items()}, rules, now)


def test_a_thing_runs_the_release_when_its_health_has_named_it_for_five_minutes() -> None:
    assert headway(BEFORE, look(report(60))).headway is Headway.AWAITED
    assert headway(BEFORE, look(report(60)), look(report(359))).headway is Headway.AWAITED
    assert headway(BEFORE, look(report(60)), look(report(360))).headway is Headway.RUNS
    assert headway(BEFORE, look(report(60)), rules=Rules(0)).headway is Headway.RUNS


def test_reports_from_before_the_end_of_the_deployment_do_not_count() -> None:
    early = look(report(60), "IN_PROGRESS")
    assert headway(BEFORE, early, look(report(360))).headway is Headway.AWAITED
    assert headway(BEFORE, early, look(report(360)), look(report(660))).headway is Headway.RUNS


def test_the_same_report_seen_again_is_not_a_second_one() -> None:
    device = report(60)
    assert headway(BEFORE, look(device, "IN_PROGRESS"), look(device, at_s=500)).headway is Headway.AWAITED


@pytest.mark.parametrize(
    "between",
    [
        report(200, run="another"),
        report(200, OLD),
        report(200, capture_version=OLD),
        report(200, state=DeviceState.STOPPING),
        report(200, configuration_refused="cameras: must be an object"),
        report(200, bundle_refused="damaged"),
    ],
)
def test_a_restart_or_anything_else_than_the_release_begins_the_five_minutes_anew(between: Device) -> None:
    assert headway(BEFORE, look(report(60)), look(between), look(report(400))).headway is Headway.AWAITED
    assert headway(BEFORE, look(report(60)), look(between), look(report(400)), look(report(700))).headway is (
        Headway.RUNS
    )


def test_a_silence_begins_them_anew_too() -> None:
    assert headway(BEFORE, look(report(60)), look(report(60 + 661))).headway is Headway.AWAITED
    assert headway(BEFORE, look(report(60)), look(report(360)), now_s=360 + 661).words.startswith("silent since")


def test_a_refused_release_is_named_at_once() -> None:
    refused = report(60, OLD, "new", release_refused=f"{NEW}: smartcam.Capture: golden output differs")
    found = headway(BEFORE, look(refused, "IN_PROGRESS"))
    assert found.headway is Headway.REFUSED
    assert found.words == f"refused the release: {NEW}: smartcam.Capture: golden output differs"


def test_what_was_refused_before_the_stage_is_no_answer_to_it() -> None:
    told = f"{NEW}: smartcam.Capture: no space left"
    before = report(-60, OLD, "old", release_refused=told)
    again = look(report(100, OLD, "old", release_refused=told), "IN_PROGRESS")
    assert headway(look(before, "QUEUED"), again).headway is Headway.AWAITED
    assert headway(look(before, "QUEUED"), look(report(200)), look(report(500))).headway is Headway.RUNS
    since = report(200, OLD, "new", release_refused=told)
    assert headway(look(before, "QUEUED"), again, look(since, "IN_PROGRESS")).headway is Headway.REFUSED
    other = report(200, OLD, "new", release_refused="0.1.9: other")
    assert headway(look(before, "QUEUED"), look(other)).headway is Headway.AWAITED


def test_an_older_release_may_leave_out_captures_version_and_a_device_without_cameras_too() -> None:
    old = (look(report(60, capture_version="")), look(report(360, capture_version="")))
    assert headway(BEFORE, *old).words.startswith(f"runs {NEW}, but its capture's version is unknown")
    assert headway(BEFORE, *old, rules=Rules(300, names_capture=False)).headway is Headway.RUNS
    bare = [look(replace(each.device, cameras=())) for each in old if each.device]
    assert headway(BEFORE, *bare).headway is Headway.RUNS


def test_a_failed_deployment_is_named_at_once() -> None:
    found = headway(BEFORE, look(BEFORE.device, "FAILED", 30, "COMPONENT_BROKEN"))
    assert (found.headway, found.words) == (Headway.REFUSED, "COMPONENT_BROKEN")


def test_without_health_the_deployment_alone_decides() -> None:
    def judged(status: str) -> Headway:
        seen = (look(None, "QUEUED"), look(None, status))
        return judge({"yard": WatchedThing(None, seen)}, RULES, NOON).things[0].headway

    assert [judged(word) for word in ("IN_PROGRESS", "SUCCEEDED", "FAILED")] == [
        Headway.AWAITED,
        Headway.RUNS,
        Headway.REFUSED,
    ]


GOOD = (BEFORE, look(report(60)), look(report(360)))
GONE = (look(report(-662, OLD, "old"), "QUEUED", 0),)


def test_a_thing_that_was_silent_before_is_named_and_does_not_count() -> None:
    found = verdict({"gone": GONE, "good": GOOD})
    assert found.passed
    gone, _ = found.things
    assert gone.words == "was silent since 2026-03-01T11:48:58.000Z; does not count, gets it when it returns"
    assert not verdict({"gone": GONE, "good": GOOD}, rules=Rules(300, excuses_silent=False)).passed
    never = verdict({"gone": (look(None, "QUEUED"),), "good": GOOD}).things[0]
    assert never.words.startswith("was never heard from; does not count")


def test_a_refusal_fails_the_stage_whoever_refuses() -> None:
    returned = report(90, OLD, "new", release_refused=f"{NEW}: bad")
    assert verdict({"gone": (*GONE, look(returned)), "good": GOOD}).failed


def test_the_last_word_of_a_process_that_had_refused_the_same_version_before_is_no_answer_to_this_stage() -> None:
    refused = {"version": OLD, "run": "old", "release_refused": f"{NEW}: the disk is full"}
    before = look(report(-60, **refused), "QUEUED", 0)
    stopping = look(report(30, **refused, state=DeviceState.STOPPING))
    assert headway(before, stopping).headway is Headway.AWAITED
    assert headway(before, stopping, look(report(60)), look(report(360))).headway is Headway.RUNS
    goes_on = look(report(40, **refused))
    assert headway(before, stopping, goes_on).headway is Headway.REFUSED


def test_a_stage_without_one_healthy_thing_does_not_pass() -> None:
    found = verdict({"gone": GONE}, now_s=2000)
    assert not found.passed
    assert found.reason == "not one of its things was heard from"


def test_at_a_first_installation_those_that_speak_up_count() -> None:
    first = look(None, "QUEUED", 0)
    spoke = (first, look(report(60)))
    assert not verdict({"one": spoke, "two": (first,)}).passed
    assert verdict({"one": (*spoke, look(report(360))), "two": (first,)}).passed
    assert not verdict({"one": (*spoke, look(report(360))), "two": spoke}).passed


def test_the_reason_names_what_is_awaited_and_counts_the_rest() -> None:
    found = verdict({f"shop-{number}": (BEFORE, look(report(60, OLD))) for number in range(7)})
    assert found.reason.startswith("not finished in time: shop-0: SUCCEEDED, runs 0.1.0; ")
    assert found.reason.endswith("; and 2 more")


reports = st.builds(
    lambda at_s, version, run, refused: report(at_s, version, run, release_refused=refused),
    st.integers(0, 3000),
    st.sampled_from([OLD, NEW]),
    st.sampled_from(["old", "new", "newer"]),
    st.sampled_from(["", "", "", f"{NEW}: bad"]),
)
outcomes = st.sampled_from(["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED"])


@st.composite
def histories(draw: st.DrawFn) -> list[Glance]:
    seen = sorted(draw(st.lists(reports, max_size=8)), key=lambda device: device.heard_at)
    states = sorted(draw(st.lists(outcomes, min_size=len(seen), max_size=len(seen))))
    first = draw(st.sampled_from([BEFORE, look(None, "QUEUED"), *GONE]))
    order = ["QUEUED", "IN_PROGRESS", "SUCCEEDED", "FAILED"]
    return [first, *map(look, seen, sorted(states, key=order.index))]


stages = st.dictionaries(st.sampled_from(["one", "two", "three"]), histories(), min_size=1)


@given(stages, st.integers(0, 600))
def test_a_stage_passes_only_when_a_thing_has_named_the_release_for_that_long_and_nobody_refused_it(
    things: dict[str, list[Glance]], steady_s: int
) -> None:
    found = verdict(dict(things), rules=Rules(steady_s))
    if not found.passed:
        return
    assert not found.failed
    for each in found.of(Headway.RUNS):
        named = [one.device for one in things[each.thing] if one.device and one.device.version == NEW]
        last = things[each.thing][-1].device
        assert last is not None
        assert last.version == last.capture_version == NEW
        assert named[-1].heard_at - named[0].heard_at >= steady_s * NS_PER_S
    for each in found.of(Headway.SILENT):
        assert things[each.thing][0].device is None or things[each.thing][0] in GONE


@given(stages, histories())
def test_one_more_thing_never_makes_a_failed_stage_pass(things: dict[str, list[Glance]], more: list[Glance]) -> None:
    if verdict(dict(things)).failed:
        assert not verdict({**things, "zoo": more}).passed


@given(histories())
def test_another_look_at_the_same_changes_nothing(history: list[Glance]) -> None:
    now_s = 3000
    assert verdict({"yard": history}, now_s) == verdict({"yard": [*history, history[-1]]}, now_s)
