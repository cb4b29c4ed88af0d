"""A device of real processes is disarmed for a while, killed and cut off: it raises nothing until the time is over."""

import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.fleet.runtime.hearing import Hearing, Sign
from measure.demo.device import DemoDeployment
from smartcam.contract.health import Health
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Wanted
from tests.clips import repeated
from tests.fakes.aws import FakeRefusals
from tests.fakes.registry import FakeRegistry
from tests.system.faults import kill, raised
from tests.system.footage import first_visitor
from tests.system.judge import THING, Judge
from tests.system.rig import INFERENCE, PATIENCE_S, Rig, running, until
from tools.alerts.arming import parser_of, run
from tools.build.suite import DEMO_BUNDLE, build_suite

pytestmark = pytest.mark.slow
HEAD_START_S = 20
"""Time for the processes to start on a busy machine, and for their first sign of life."""
ROUND_S = 22
"""The visitor comes 9 s after each round's beginning, and is gone after 20 s."""


@dataclass(frozen=True, slots=True)
class Line:
    """The way to the device, as the cloud's function has it."""

    judge: Judge

    def send(self, thing: ThingName, wanted: Wanted) -> None:
        self.judge.send(ack_topic(thing), wanted.to_json())


class FleetJudge(Judge):
    """Hears signs of life, and answers them by the cloud's own code."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.registry = FakeRegistry()
        self.line = Line(self)
        self.hearing = Hearing(self.registry, FakeRefusals(), self.line)
        self.healths: list[Health] = []

    def do(self, verb: str, *words: str) -> int:
        """What a person does with `smartcam arm` and `smartcam disarm`."""
        return run(verb, parser_of(verb).parse_args(words), self.registry, self.line, now())

    def _take(self, connection: ssl.SSLSocket, body: bytes, qos: int) -> None:
        before = len(self.published)
        super()._take(connection, body, qos)
        for topic, payload in self.published[before:]:
            if topic.endswith("/health"):
                self.healths.append(Health.from_json(payload))
                self.hearing.take(Sign(THING, payload, now()))


def now() -> UtcNs:
    return UtcNs(time.time_ns())


def disarm_for_a_round(rig: Rig, judge: FleetJudge) -> UtcNs:
    """Disarm the device until the second round; when that is."""
    assert until(lambda: any(status.opened_at for status in rig.statuses()), PATIENCE_S), rig.logs()
    assert until(lambda: bool(judge.healths), PATIENCE_S), rig.logs()
    again = UtcNs(rig.clip_began() + ROUND_S * NS_PER_S)
    assert judge.do("disarm", THING, "--for", f"{(again - now()) // NS_PER_S}s") == 0
    assert until(lambda: "wanted_taken" in rig.log(INFERENCE), PATIENCE_S), rig.logs()
    return again


def test_a_disarmed_device_stays_so_through_a_kill_and_without_a_cloud_until_its_time_is_over(tmp_path: Path) -> None:
    clip = repeated(first_visitor(tmp_path / "once.mp4"), tmp_path / "twice.mp4", 2)
    built, camera = build_suite(tmp_path / "build", DEMO_BUNDLE), CameraId(f"a{os.getpid()}")
    with FleetJudge(tmp_path / "papers") as judge:
        deployment = DemoDeployment(
            built, judge.identity, clip, camera, camera_settings={"start_delay_s": HEAD_START_S}
        )
        with running(deployment, tmp_path / "device") as rig:
            again = disarm_for_a_round(rig, judge)
            judge.cut()
            kill(rig, INFERENCE)
            assert until(lambda: now() >= again, ROUND_S + PATIENCE_S)
            assert raised(rig) == []
            assert until(lambda: bool(raised(rig)), PATIENCE_S), rig.logs()
            judge.mend()
            assert until(lambda: len(judge.events()) == 1, PATIENCE_S), rig.logs()
            assert until(lambda: judge.healths[-1].wanted_revision == 1, PATIENCE_S), rig.logs()
            assert [one.armed for one in judge.healths[-1].cameras] == [True]
            [event] = judge.events().values()
            assert event.started_at >= again
