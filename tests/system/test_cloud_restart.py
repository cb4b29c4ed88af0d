"""The local cloud, with the deployed template, restarted in good order while the demo's clip plays."""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from measure.demo.cloud import DemoCloud, running_cloud
from measure.demo.device import DemoDeployment
from measure.demo.plan import CLIP_FOLDER, clip_seconds
from measure.demo.report import CHANNELS
from measure.demo.yard_clip import yard_clip
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import NS_PER_S
from tests.system.faults import raised
from tests.system.rig import Rig, running, until
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, build_suite
from tools.setup import setup_cloud

pytestmark = [pytest.mark.cloud, pytest.mark.soak]
PAUSE_S = 3.0


def test_a_cloud_restarted_at_many_moments_loses_and_doubles_no_alert(tmp_path: Path) -> None:
    clip = yard_clip(CLIP_FOLDER, print)
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    # The second list restarts the cloud as soon as an event is raised: while it is on its way.
    with running_cloud(setup_cloud(), tmp_path, 0, print) as cloud:
        for number, moments in enumerate(([2.0, 12.0, 24.0], [], [5.0, 19.0, 30.0, 38.0])):
            camera = CameraId(f"c{os.getpid()}-{number}")
            deployment = DemoDeployment(built, cloud.identity, clip, camera)
            with running(deployment, tmp_path / f"device{number}") as rig:
                restart_at(rig, cloud, moments, clip_seconds(clip))
                assert_each_event_is_one_alert_per_channel(rig, cloud)


def restart_at(rig: Rig, cloud: DemoCloud, moments: list[float], length_s: float) -> None:
    assert until(lambda: any(status.opened_at for status in rig.statuses()), PATIENCE_S), rig.logs()
    began = rig.clip_began()
    if not moments:
        for count in (1, 2):
            assert until(lambda: len(raised(rig)) >= count, PATIENCE_S), rig.logs()  # noqa: B023  called before the next turn
            cloud.cloud.restart(PAUSE_S)
    for at_s in moments:
        time.sleep(max(at_s - (time.time_ns() - began) / NS_PER_S, 0))
        cloud.cloud.restart(PAUSE_S)
    assert until(rig.has_ended, length_s + PATIENCE_S), rig.logs()


def assert_each_event_is_one_alert_per_channel(rig: Rig, cloud: DemoCloud) -> None:
    events = {EventId(event) for event in raised(rig)}
    assert events
    assert until(lambda: rig.waiting() == 0, PATIENCE_S), rig.logs()
    expected = Counter({(event, channel): 1 for event in events for channel in CHANNELS})

    def got() -> Counter[tuple[EventId, str]]:
        return Counter((alert.event_id, alert.channel) for alert in cloud.alerts() if alert.event_id in events)

    assert until(lambda: got() == expected, PATIENCE_S), (got(), cloud.cloud.log.read_text()[-4000:])
    time.sleep(2)
    assert got() == expected
