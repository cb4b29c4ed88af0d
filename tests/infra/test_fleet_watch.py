"""The dead-man switch: who is silent is told of once, who is back once more, and nobody is woken for nothing."""

import json
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.alerts.runtime.delivery import Delivery
from infra.fleet.runtime.aws import FunctionAlerts
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.watching import Watching
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Phase
from smartcam.contract.health import CameraCondition, CameraHealth
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import Crash, Interruption, crash
from tests.fakes.registry import FakeRegistry
from tests.infra.fleet_yard import GATE, LOST, RUNNING, YARD, World


def test_a_device_that_speaks_is_left_in_peace() -> None:
    world = World()
    world.add(4)
    world.live(3 * 60)
    assert world.told() == []


def test_a_silent_device_is_told_of_once_and_once_when_it_is_back() -> None:
    world = World()
    [pi] = world.add()
    world.live(20)
    pi.on = False
    world.live(60)
    assert world.told() == ["device_lost pi-1"]
    world.start(pi)
    world.live(60)
    assert world.told() == ["device_lost pi-1", "device_restored pi-1"]
    phases = [(event.kind, event.phase) for event in world.alerts.handed]
    assert phases == [("device_lost", "raised"), ("device_lost", "cleared"), ("device_restored", "raised")]


def test_silence_is_noticed_after_two_missed_signs_and_tells_the_last_sign_of_life() -> None:
    world = World()
    [pi] = world.add()
    world.live(10)
    silent_from = world.registry.items[ThingName("pi-1")].heard_at
    pi.on = False
    world.live(15)
    [event] = world.alerts.alerts
    assert 660 <= (event.started_at - silent_from) / NS_PER_S <= 720
    assert (event.camera_id, event.phase, event.age_ms) == (WHOLE_DEVICE, Phase.RAISED, 0)
    assert event.label is not None
    assert event.label.startswith("last sign of life 2026-03-01T12:0")


def test_a_device_that_the_broker_lost_is_told_of_within_minutes() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    pi.on = False
    world.presence(pi, "disconnected")
    world.live(5)
    assert world.told() == ["device_lost pi-1"]


def test_a_short_loss_of_the_connection_is_no_outage() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    world.presence(pi, "disconnected")
    world.live(2)
    world.presence(pi, "connected", version=1)
    world.live(60)
    assert world.told() == []


def test_a_disconnection_that_arrives_after_the_next_connection_means_nothing() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    world.presence(pi, "connected", version=8)
    world.presence(pi, "disconnected", version=7)
    world.live(4)
    assert world.told() == []


def test_a_deployment_or_a_reboot_has_a_quarter_of_an_hour() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    world.goodbye(pi)
    world.presence(pi, "disconnected")
    world.live(14)
    assert world.told() == []
    world.start(pi)
    world.live(60)
    assert world.told() == []


def test_who_said_goodbye_and_never_came_back_is_told_of_all_the_same() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    world.goodbye(pi)
    world.live(20)
    assert world.told() == ["device_lost pi-1"]


def test_a_planned_stop_has_the_time_that_a_person_gave_it() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    device = world.registry.items[ThingName("pi-1")]
    world.registry.save(device.paused(UtcNs(world.now() + 7200 * NS_PER_S)))
    pi.on = False
    world.live(119)
    assert world.told() == []
    world.live(10)
    assert world.told() == ["device_lost pi-1"]


def test_a_retired_device_is_no_longer_missed_and_one_in_an_outage_is_not_called_back() -> None:
    world = World()
    first, second = world.add(2)
    world.live(11)
    world.registry.save(world.registry.items[ThingName("pi-1")].with_retirement(retired=True))
    first.on = second.on = False
    world.live(30)
    assert world.told() == ["device_lost pi-2"]
    world.registry.save(world.registry.items[ThingName("pi-2")].with_retirement(retired=True))
    world.live(30)
    assert world.told() == ["device_lost pi-2"]
    assert [event.phase for event in world.alerts.handed] == ["raised", "cleared"]


def test_a_device_that_was_never_seen_is_not_missed() -> None:
    world = World()
    [pi] = world.add()
    pi.on = False
    world.presence(pi, "disconnected")
    world.live(60)
    assert world.told() == []
    assert world.registry.items == {}


def test_a_device_that_comes_and_goes_does_not_wake_anybody_each_time() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    for _ in range(12):
        pi.on = False
        world.presence(pi, "disconnected")
        world.live(5)
        pi.version += 1
        world.presence(pi, "connected")
        world.start(pi)
        world.live(5)
    assert len(world.told()) <= 4


def test_a_fleet_that_falls_silent_is_one_alert_and_one_more_when_it_is_back() -> None:
    world = World()
    fleet = world.add(40)
    world.live(30)
    for pi in fleet:
        pi.on = False
    world.live(60)
    assert world.told() == [f"fleet_lost {WHOLE_FLEET}"]
    assert world.alerts.alerts[0].label == "40 of 40 devices"
    for pi in fleet:
        world.start(pi)
    world.live(60)
    assert world.told() == [f"fleet_lost {WHOLE_FLEET}", f"fleet_restored {WHOLE_FLEET}"]
    assert all(device.outage is None for device in world.registry.devices())


def test_a_fleet_that_the_broker_lost_is_one_alert_too() -> None:
    world = World()
    fleet = world.add(5)
    world.live(30)
    for number, pi in enumerate(fleet):
        pi.on = False
        world.live(number / 6)
        world.presence(pi, "disconnected")
    world.live(30)
    assert world.told() == [f"fleet_lost {WHOLE_FLEET}"]


def test_who_stays_away_when_the_fleet_is_back_is_told_of_by_name() -> None:
    world = World()
    fleet = world.add(8)
    world.live(30)
    for pi in fleet:
        pi.on = False
    world.live(30)
    for pi in fleet[1:]:
        world.start(pi)
    world.live(60)
    assert world.told() == [f"fleet_lost {WHOLE_FLEET}", f"fleet_restored {WHOLE_FLEET}", "device_lost pi-1"]
    assert world.alerts.alerts[1].label == "7 of 8 devices"


def test_one_of_a_large_fleet_is_told_of_by_name() -> None:
    world = World()
    fleet = world.add(30)
    world.live(30)
    fleet[3].on = False
    world.live(30)
    assert world.told() == ["device_lost pi-4"]


def test_many_of_a_large_fleet_are_one_alert_though_they_are_not_half_of_it() -> None:
    world = World()
    fleet = world.add(60, spread_s=5)
    world.live(30)
    for pi in fleet[:15]:
        pi.on = False
    world.live(30)
    assert world.told() == [f"fleet_lost {WHOLE_FLEET}"]


def test_a_camera_that_its_device_calls_lost_is_the_devices_own_event() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    pi.cameras = (CameraHealth(GATE, LOST),)
    world.live(60)
    assert world.told() == []


def test_cameras_of_which_nothing_is_heard_after_a_restart_are_told_of_once_and_once_when_back() -> None:
    world = World()
    [pi] = world.add()
    pi.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, RUNNING))
    world.live(11)
    pi.cameras = ()
    world.start(pi)
    world.live(60)
    assert world.told() == ["camera_lost pi-1"]
    assert world.alerts.alerts[0].label is not None
    assert world.alerts.alerts[0].label.startswith("no pictures of gate, yard; last sign of life ")
    pi.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, RUNNING))
    world.live(60)
    assert world.told() == ["camera_lost pi-1", "camera_restored pi-1"]


def test_a_single_silent_camera_is_told_of_by_its_name() -> None:
    world = World()
    [pi] = world.add()
    pi.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, RUNNING))
    world.live(11)
    pi.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, CameraCondition.AWAITED))
    world.live(30)
    assert [event.camera_id for event in world.alerts.alerts] == [YARD]


def test_a_camera_that_was_taken_out_of_the_configuration_is_not_missed() -> None:
    world = World()
    [pi] = world.add()
    pi.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, RUNNING))
    world.live(11)
    pi.cameras = (CameraHealth(GATE, RUNNING),)
    world.live(60)
    assert world.told() == []
    [device] = world.registry.devices()
    assert [camera.camera_id for camera in device.cameras] == [GATE]


def test_a_retired_camera_and_one_that_never_gave_a_picture_are_not_missed() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    world.registry.save(world.registry.items[ThingName("pi-1")].with_retirement(retired=True, camera=GATE))
    pi.cameras = (CameraHealth(CameraId("new"), CameraCondition.AWAITED),)
    world.live(60)
    assert world.told() == []


def silence(world: World) -> None:
    [pi] = world.add()
    world.live(11)
    pi.on = False
    world.live(15)
    world.start(pi)
    world.live(15)


def crashing(world: World, at: int | None) -> tuple[Interruption, list[UtcNs]]:
    """Every step of the watch over this world can be the last: the look that crashes at `at` is not gone on with."""
    interruption = Interruption(at=at, act=crash)
    watching = Watching(interruption.around(world.registry), interruption.around(world.alerts), Policy())
    crashed: list[UtcNs] = []

    def look(now: UtcNs) -> Mapping[str, float]:
        try:
            return watching.check(now)
        except Crash:
            crashed.append(now)
            return {}

    world.check = look
    return interruption, crashed


def test_a_crash_between_any_two_steps_of_a_look_alerts_nobody_twice_and_forgets_nobody() -> None:
    world = World()
    steps_there_are, _ = crashing(world, None)
    silence(world)
    assert steps_there_are.moment > 100
    for moment in range(steps_there_are.moment):
        world = World()
        _, crashed = crashing(world, moment)
        silence(world)
        assert len(crashed) == 1
        assert world.told() == ["device_lost pi-1", "device_restored pi-1"], moment


def test_two_looks_at_the_same_time_tell_of_the_same_event() -> None:
    world = World()
    [pi] = world.add()
    world.live(11)
    pi.on = False
    world.now.advance(700)
    stale_devices, stale_fleet = world.registry.devices(), world.registry.fleet()
    world.watching.check(world.now())
    late = FakeRegistry({device.thing: device for device in stale_devices}, stale_fleet)
    late.save, late.save_fleet = world.registry.save, world.registry.save_fleet  # type: ignore[method-assign]
    Watching(late, world.alerts, Policy()).check(UtcNs(world.now() + NS_PER_S))
    assert world.told() == ["device_lost pi-1"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["off", "goodbye", "start", "gone", "there", "live"]), st.integers(0, 2), st.integers(1, 30)
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_whatever_happens_losses_and_returns_alternate_and_all_is_well_in_the_end(
    plan: list[tuple[str, int, int]],
) -> None:
    world = World()
    fleet = world.add(2)
    world.live(1)
    for what, whom, minutes in plan:
        pi = fleet[whom % len(fleet)]
        if what == "off":
            pi.on = False
        elif what == "goodbye" and pi.on:
            world.goodbye(pi)
        elif what == "start":
            world.start(pi)
        elif what in {"gone", "there"}:
            pi.version += what == "there"
            world.presence(pi, "disconnected" if what == "gone" else "connected")
        world.live(minutes)
    for pi in fleet:
        pi.version += 1
        world.presence(pi, "connected")
        world.start(pi)
    world.live(20)
    for pi in fleet:
        kinds = [event.kind.value for event in world.alerts.alerts if event.thing == pi.thing]
        assert kinds == ["device_lost", "device_restored"] * (len(kinds) // 2)
    assert all(device.outage is None for device in world.registry.devices())


def test_measures_tell_the_fleet_in_numbers() -> None:
    world = World()
    first, second = world.add(2)
    first.cameras = (CameraHealth(GATE, RUNNING), CameraHealth(YARD, LOST))
    world.live(11)
    second.on = False
    world.live(20)
    assert world.watching.check(world.now()) == {
        "DevicesKnown": 2,
        "DevicesSilent": 1,
        "CamerasRunning": 2,
        "CamerasLost": 1,
        "EventsWaiting": 0,
        "OldestEventWaiting": 0,
    }


def test_an_event_goes_on_to_the_alerting_as_if_the_broker_had_brought_it() -> None:
    calls: list[tuple[str, str, bytes]] = []

    class Client:
        def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> object:  # noqa: N803
            calls.append((FunctionName, InvocationType, Payload))
            return None

    world = World()
    silence(world)
    event = world.alerts.alerts[0]
    FunctionAlerts(Client(), "alerter", world.now).hand_over(event)
    [(function, kind, payload)] = calls
    assert (function, kind) == ("alerter", "Event")
    assert Delivery.from_rule(json.loads(payload)).event() == event
