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
from smartcam.contract.ids import CameraId, EventId, ThingName
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import ack_topic
from smartcam.contract.wanted import Wanted
from tests.clips import repeated
from tests.fakes.aws import FakeRefusals
from tests.fakes.registry import FakeRegistry
from tests.system.faults import kill, raised
from tests.system.footage import first_visitor
from tests.system.judge import THING, Judge
from tests.system.rig import INFERENCE, Rig, running, until
from tests.waiting import PATIENCE_S
from tools.alerts.arming import parser_of, run
from tools.build.suite import DEMO_BUNDLE, build_suite

pytestmark = pytest.mark.slow
HEAD_START_S = 20
"""Time for the processes to start on a busy machine, and for their first sign of life."""
ROUND_S, LEAST_S = 22, 5
"""The visitor comes 9 s after each round's beginning, and is gone after 20 s. It is disarmed for so long at least."""


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


def disarm_for_a_round(rig: Rig, judge: FleetJudge) -> tuple[UtcNs, UtcNs]:
    """Disarm the device until another round begins, the second if the machine is quick; from when until when it is."""
    assert until(lambda: any(status.opened_at for status in rig.statuses()), PATIENCE_S), rig.logs()
    assert until(lambda: bool(judge.healths), PATIENCE_S), rig.logs()
    began = rig.clip_began()
    rounds = (now() + LEAST_S * NS_PER_S - began) // (ROUND_S * NS_PER_S) + 1
    again = UtcNs(began + rounds * ROUND_S * NS_PER_S)
    assert judge.do("disarm", THING, "--for", f"{(again - now()) // NS_PER_S}s") == 0
    assert until(lambda: "wanted_taken" in rig.log(INFERENCE), PATIENCE_S), rig.logs()
    return now(), again


def test_a_disarmed_device_stays_so_through_a_kill_and_without_a_cloud_until_its_time_is_over(tmp_path: Path) -> None:
    clip = repeated(first_visitor(tmp_path / "once.mp4"), tmp_path / "often.mp4", 6)
    built, camera = build_suite(tmp_path / "build", DEMO_BUNDLE), CameraId(f"a{os.getpid()}")
    with FleetJudge(tmp_path / "papers") as judge:
        deployment = DemoDeployment(
            built, judge.identity, clip, camera, camera_settings={"start_delay_s": HEAD_START_S}
        )
        with running(deployment, tmp_path / "device") as rig:
            disarmed, again = disarm_for_a_round(rig, judge)
            before = len(raised(rig))
            judge.cut()
            kill(rig, INFERENCE)
            assert until(lambda: len(raised(rig)) > before, PATIENCE_S), rig.logs()
            first = EventId(raised(rig)[before])
            judge.mend()
            assert until(lambda: first in judge.events(), PATIENCE_S), rig.logs()
            assert until(lambda: judge.healths[-1].wanted_revision == 1, PATIENCE_S), rig.logs()
            assert [one.armed for one in judge.healths[-1].cameras] == [True]
            assert judge.events()[first].started_at >= again
            assert [one for one in judge.events().values() if disarmed <= one.started_at < again] == []
