"""The sign of life: on time, at once when something changes, never in a storm, and a goodbye."""

from dataclasses import dataclass, field, replace
from threading import Thread

import pytest

from smartcam.contract.health import (
    LONGEST_REASON,
    MOST_CAMERAS,
    CameraCondition,
    CameraHealth,
    DeviceState,
    FrameHealth,
    Health,
    OutboxHealth,
    SceneHealth,
    SceneStage,
)
from smartcam.contract.ids import CameraId
from smartcam.contract.notice import LONGEST_REFUSAL
from smartcam.contract.topics import LOCAL_HEALTH
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.release import RunningRelease
from smartcam.inference.frames.conditions import CameraConditions
from smartcam.inference.health import LEAST_GAP_S, Facts, HealthReporter
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import GATE, THING, YARD

RUNNING = (CameraHealth(YARD, CameraCondition.RUNNING, 25.0),)
LOST = (CameraHealth(YARD, CameraCondition.LOST),)


@dataclass
class Device:
    """A reporter with its clock and nucleus in hand."""

    clock: FakeClock = field(default_factory=FakeClock)
    nucleus: FakeNucleus = field(default_factory=FakeNucleus)
    facts: Facts = field(default_factory=lambda: Facts(cameras=RUNNING))
    luck: float = 1.0

    def __post_init__(self) -> None:
        self.reporter = HealthReporter(
            self.nucleus.bus("smartcam.Inference"),
            THING,
            self.clock,
            lambda: self.facts,
            run="r1",
            version="0.1.0",
            random=lambda: self.luck,
        )

    def live(self, seconds: int) -> None:
        for _ in range(seconds):
            self.reporter.step()
            self.clock.advance(1)

    def sent(self) -> list[Health]:
        assert all(one.topic == f"smartcam/v1/{THING}/health" for one in self.nucleus.published_cloud)
        return [Health.from_json(one.payload) for one in self.nucleus.published_cloud]

    def said(self) -> list[Health]:
        """On the device itself."""
        return [Health.from_json(payload) for payload in self.nucleus.local_payloads(LOCAL_HEALTH)]


def test_the_first_sign_of_life_comes_at_once_and_says_how_the_device_is() -> None:
    device = Device(facts=Facts(RUNNING, "eyes", "1.2.0", 10, 1, OutboxHealth(3, 0, 0, 900), 2))
    device.live(1)
    [health] = device.sent()
    assert health == Health(
        thing=THING,
        state=DeviceState.RUNNING,
        run="r1",
        seq=1,
        sent_at=health.sent_at,
        clock_synced=True,
        uptime_s=0,
        version="0.1.0",
        every_s=300,
        model_name="eyes",
        model_version="1.2.0",
        analysed=10,
        failed=1,
        snapshots_waiting=2,
        outbox=OutboxHealth(3, 0, 0, 900),
        cameras=RUNNING,
    )


def test_where_nothing_changes_a_sign_comes_every_five_minutes() -> None:
    device = Device()
    device.live(1 + 3 * 300)
    assert [health.seq for health in device.sent()] == [1, 2, 3, 4]
    assert device.sent()[-1].uptime_s == 900


def test_the_device_is_told_every_minute_and_what_the_cloud_gets_is_what_it_gets() -> None:
    device = Device()
    device.live(1 + 600)
    assert len(device.said()) == 11
    sent = [one.payload for one in device.nucleus.published_cloud]
    assert len(sent) == 3
    assert set(sent) <= set(device.nucleus.local_payloads(LOCAL_HEALTH))


def test_the_device_is_told_while_the_cloud_is_away_and_at_once_when_something_changes() -> None:
    device = Device()
    device.nucleus.cloud_away = True
    device.live(130)
    assert len(device.said()) == 3
    device.facts = Facts(LOST)
    device.live(1)
    assert [health.cameras for health in device.said()] == [RUNNING] * 3 + [LOST]
    device.nucleus.cloud_away = False
    device.live(61)
    (sent,) = device.sent()
    assert sent.seq > 1


def test_the_device_too_is_told_of_a_camera_that_comes_and_goes_once_in_ten_seconds_at_most() -> None:
    device = Device()
    device.nucleus.cloud_away = True
    for second in range(100):
        device.facts = Facts(LOST if second % 2 else RUNNING)
        device.live(1)
    assert 5 < len(device.said()) <= 100 / LEAST_GAP_S + 1


@pytest.mark.parametrize("fault", ["away", "refused"])
def test_a_nucleus_that_lets_nobody_hear_it_costs_one_line_and_no_message_to_the_cloud(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    device = Device()
    device.nucleus.refused.add(LOCAL_HEALTH)
    device.live(301)
    assert len(device.sent()) == 2
    assert device.said() == []
    assert caplog.text.count("health_not_said") == 1
    if fault == "away":
        device.nucleus.away = True
        device.live(60)
    device.nucleus.away, device.nucleus.refused = False, set()
    device.live(61)
    assert len(device.said()) in (1, 2)


def test_devices_that_started_together_do_not_report_together() -> None:
    early, late = Device(luck=0.0), Device(luck=1.0)
    for device in (early, late):
        device.live(200)
    assert len(early.sent()) == 2
    assert len(late.sent()) == 1


def test_a_lost_camera_is_told_at_once() -> None:
    device = Device()
    device.live(30)
    device.facts = Facts(LOST)
    device.live(1)
    assert [health.cameras for health in device.sent()] == [RUNNING, LOST]


def test_a_camera_that_comes_and_goes_costs_a_message_in_ten_seconds_at_most() -> None:
    device = Device()
    for second in range(100):
        device.facts = Facts(LOST if second % 2 else RUNNING)
        device.live(1)
    assert len(device.sent()) <= 100 / LEAST_GAP_S + 1


def test_counters_and_rates_alone_are_no_news() -> None:
    device = Device()
    device.live(30)
    device.facts = Facts((replace(RUNNING[0], frames_per_second=12.0),), analysed=99, outbox=OutboxHealth(waiting=5))
    device.live(30)
    assert len(device.sent()) == 1


@pytest.mark.parametrize("outbox", [OutboxHealth(waiting=None), OutboxHealth(unreadable=1)])
def test_an_outbox_that_cannot_be_counted_or_read_is_news(outbox: OutboxHealth) -> None:
    device = Device()
    device.live(30)
    device.facts = Facts(RUNNING, outbox=outbox)
    device.live(2)
    assert [health.outbox for health in device.sent()] == [OutboxHealth(), outbox]


def test_without_a_cloud_it_is_tried_again_and_the_newest_state_goes_out_once() -> None:
    device = Device()
    device.nucleus.cloud_away = True
    device.live(120)
    device.nucleus.cloud_away = False
    device.facts = Facts(LOST)
    device.live(61)
    [health] = device.sent()
    assert health.cameras == LOST


def test_a_night_without_a_cloud_costs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    device = Device()
    device.nucleus.cloud_away = True
    device.live(1200)
    assert caplog.text.count("health_not_sent") == 1
    device.nucleus.cloud_away = False
    device.live(120)
    device.nucleus.cloud_away = True
    device.live(1200)
    assert caplog.text.count("health_not_sent") == 2


def test_a_refusal_is_not_repeated_in_a_storm() -> None:
    device = Device()
    device.nucleus.refused.add(f"smartcam/v1/{THING}/health")
    tries: list[int] = []
    device.live(0)
    before = device.reporter._seq
    for second in range(300):
        device.live(1)
        if device.reporter._seq != before:
            tries.append(second)
            before = device.reporter._seq
    assert len(tries) <= 10


def test_who_stops_says_goodbye() -> None:
    device, stop = Device(), StopToken()
    thread = Thread(target=device.reporter.run, args=(stop,))
    thread.start()
    while not device.sent():
        stop.wait(0.01)
    stop.set()
    thread.join(60)
    assert [health.state for health in device.sent()] == [DeviceState.RUNNING, DeviceState.STOPPING]
    assert device.said() == device.sent()


def test_who_never_came_to_work_says_nothing() -> None:
    device, stop = Device(), StopToken()
    stop.set()
    device.reporter.run(stop)
    assert device.sent() == []


def test_of_too_many_cameras_the_silent_ones_are_named_first() -> None:
    many = tuple(CameraHealth(CameraId(f"c{number:02}"), CameraCondition.RUNNING) for number in range(MOST_CAMERAS))
    device = Device(facts=Facts((*many, CameraHealth(YARD, CameraCondition.LOST))))
    device.live(1)
    [health] = device.sent()
    assert health.cameras[0].camera_id == YARD
    assert (len(health.cameras), health.cameras_left_out) == (MOST_CAMERAS, 1)


SCENE = SceneHealth(SceneStage.LEARNING, 1.0, 56.0, 1.0, 0, drift=False)


@pytest.mark.parametrize(
    ("later", "messages"),
    [
        (replace(SCENE, stage=SceneStage.WATCHING), 2),
        (replace(SCENE, drift=True), 2),
        (replace(SCENE, hours=1.1, of_hours=60.0, raised=1), 1),
    ],
)
def test_a_camera_that_has_learned_or_raises_too_much_is_told_at_once_and_its_hours_with_the_next_sign(
    later: SceneHealth, messages: int
) -> None:
    device = Device(facts=Facts((replace(RUNNING[0], scene=SCENE),)))
    device.live(30)
    device.facts = Facts((replace(RUNNING[0], scene=later),))
    device.live(30)
    sent = device.sent()
    assert len(sent) == messages
    assert [one.scene for one in sent[-1].cameras] == [later if messages > 1 else SCENE]


def test_where_there_is_no_room_the_last_cameras_say_nothing_of_their_scenes_before_any_is_left_out() -> None:
    cameras = tuple(
        CameraHealth(CameraId(f"{number:044}"), CameraCondition.RUNNING, 12.5, armed=False, scene=SCENE)
        for number in range(MOST_CAMERAS)
    )
    device = Device(facts=Facts(cameras))
    device.live(1)
    (health,) = device.sent()
    told = [one.scene for one in health.cameras]
    count = told.count(SCENE)
    assert (len(told), health.cameras_left_out) == (MOST_CAMERAS, 0)
    assert 0 < count < MOST_CAMERAS
    assert told == [SCENE] * count + [None] * (MOST_CAMERAS - count)


def test_however_long_names_and_reasons_are_the_message_goes_out_and_counts_every_camera() -> None:
    names = [CameraId(f"{number:064}") for number in range(MOST_CAMERAS)]
    cameras = tuple(
        CameraHealth(name, CameraCondition.RUNNING, 12345.678901, armed=False, model="m" * 64, scene=SCENE)
        for name in names
    )
    wordy = Facts(
        cameras,
        model_name="m" * 64,
        model_version="1" * 64,
        bundle_refused="b" * 500,
        configuration_refused="c" * 500,
        capture_version="\U0001f512" * 64,
        release_refused="\U0001f512" * LONGEST_REFUSAL,
        cameras_left_out=7,
    )
    device = Device(facts=wordy)
    device.live(1)
    (health,) = device.sent()
    assert 20 < len(health.cameras) < MOST_CAMERAS
    assert len(health.cameras) + health.cameras_left_out == MOST_CAMERAS + 7


def test_cameras_that_have_no_place_are_told_at_once_and_counted_with_those_that_are_not_listed() -> None:
    device = Device(facts=Facts(RUNNING))
    device.live(30)
    device.facts = replace(device.facts, cameras_left_out=3)
    device.live(12)
    device.facts = replace(device.facts, cameras_left_out=4)
    device.live(12)
    assert [health.cameras_left_out for health in device.sent()] == [0, 3]


def test_counts_that_a_foreign_status_makes_up_leave_a_health_message_that_the_cloud_reads() -> None:
    conditions = CameraConditions()
    for camera in (YARD, GATE):
        conditions.counted(camera, 2**63 - 1, 2**63 - 1)
    read, announced = conditions.frames()
    device = Device(facts=Facts(RUNNING, frames=FrameHealth(read=read, announced=announced)))
    device.live(1)
    assert device.sent()[0].frames.read == 2**63 - 1


def test_conditions_cover_configured_cameras_and_those_that_were_heard() -> None:
    conditions = CameraConditions()
    conditions.configure([YARD])
    assert conditions.cameras() == (CameraHealth(YARD, CameraCondition.AWAITED),)
    conditions.report(GATE, CameraCondition.RUNNING, 5.0)
    conditions.report(GATE, CameraCondition.RUNNING)
    conditions.report(YARD, CameraCondition.LOST)
    assert conditions.cameras() == (
        CameraHealth(GATE, CameraCondition.RUNNING, 5.0),
        CameraHealth(YARD, CameraCondition.LOST),
    )
    conditions.report(GATE, CameraCondition.ENDED)
    conditions.configure([])
    assert [one.condition for one in conditions.cameras()] == [CameraCondition.ENDED, CameraCondition.LOST]


@pytest.mark.parametrize("every_s", [10, 60])
def test_the_configured_interval_is_kept_and_told(every_s: int) -> None:
    device = Device(facts=Facts(RUNNING, every_s=every_s))
    device.live(1 + 10 * every_s)
    assert len(device.sent()) == 11
    assert {health.every_s for health in device.sent()} == {every_s}


def test_a_refused_bundle_is_told_at_once_and_so_is_its_mending() -> None:
    device = Device()
    device.live(30)
    device.facts = replace(device.facts, bundle_refused="/work/\u4f60\n/bundle-2/" + "x" * 200 + ": is missing")
    device.live(12)
    device.facts = replace(device.facts, bundle_refused="", configuration_refused="camera is not a setting")
    device.live(12)
    first, refused, mended = device.sent()
    assert (first.bundle_refused, first.configuration_refused) == (None, None)
    assert refused.bundle_refused is not None
    assert refused.bundle_refused.startswith("...x")
    assert refused.bundle_refused.endswith("x: is missing")
    assert (mended.bundle_refused, mended.configuration_refused) == (None, "camera is not a setting")


def test_a_reason_in_any_letters_fits_the_contract() -> None:
    device = Device(facts=Facts(RUNNING, bundle_refused="\u4f60\x00\n" * 200))
    device.live(1)
    assert device.sent()[0].bundle_refused == "..." + "?" * (LONGEST_REASON - 3)


def test_another_version_of_capture_and_a_refused_release_are_told_at_once() -> None:
    device = Device(facts=Facts(RUNNING, capture_version="0.2.0"))
    device.live(30)
    device.facts = replace(device.facts, release_refused="0.3.0: smartcam.Capture: " + "x" * 200)
    device.live(12)
    device.facts = replace(device.facts, release_refused="", capture_version="0.3.0")
    device.live(12)
    device.facts = replace(device.facts, clip_key="f" * 64)
    device.live(12)
    first, refused, mended, sealing = device.sent()
    assert (first.version, first.capture_version, first.release_refused) == ("0.1.0", "0.2.0", None)
    assert refused.release_refused is not None
    assert refused.release_refused.startswith("0.3.0: smartcam.Capture: xx")
    assert (mended.capture_version, mended.release_refused, mended.clip_key) == ("0.3.0", None, None)
    assert sealing.clip_key == "f" * 64


def test_the_release_of_capture_is_the_one_that_was_heard_last_and_none_once_all_are_silent() -> None:
    conditions = CameraConditions()
    assert conditions.capture() is None
    conditions.runs(YARD, RunningRelease("0.2.0"))
    conditions.runs(GATE, RunningRelease("0.2.0"))
    conditions.runs(YARD, RunningRelease("0.3.0"), "f" * 64)
    assert (conditions.capture(), conditions.clip_key()) == (RunningRelease("0.3.0"), "f" * 64)
    conditions.runs(YARD, None)
    assert not conditions.clip_key()
    assert conditions.capture() == RunningRelease("0.2.0")
    conditions.runs(GATE, None)
    assert conditions.capture() is None


@pytest.mark.parametrize(
    "facts", [Facts(RUNNING, wanted_revision=8), Facts((replace(RUNNING[0], armed=False),), wanted_revision=7)]
)
def test_what_the_device_has_taken_of_the_clouds_wishes_is_told_at_once(facts: Facts) -> None:
    device = Device(facts=Facts(RUNNING, wanted_revision=7))
    device.live(30)
    device.facts = facts
    device.live(1)
    assert [(one.wanted_revision, one.cameras) for one in device.sent()] == [
        (7, RUNNING),
        (facts.wanted_revision, facts.cameras),
    ]


def test_a_camera_that_gets_another_model_is_told_at_once() -> None:
    device = Device(facts=Facts(RUNNING))
    device.live(30)
    own = (replace(RUNNING[0], model="eyes 1.2.0"),)
    device.facts = Facts(own)
    device.live(1)
    assert [one.cameras for one in device.sent()] == [RUNNING, own]


def test_where_there_is_not_room_for_all_the_models_go_before_the_first_camera_does() -> None:
    names = [CameraId(f"{number:064}") for number in range(MOST_CAMERAS)]
    device = Device(facts=Facts(tuple(CameraHealth(name, CameraCondition.RUNNING, model="m" * 129) for name in names)))
    device.live(1)
    [health] = device.sent()
    assert (len(health.cameras), health.cameras_left_out) == (MOST_CAMERAS, 0)
