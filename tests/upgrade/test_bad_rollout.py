"""A bad release rolled out to two devices, the canary of real processes on classic: it never leaves the canary.

What devices of lite make of a release is test_bad_release's.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from infra.fleet.runtime.hearing import Hearing, Sign
from smartcam.contract.ids import ThingName
from smartcam.contract.times import UtcNs
from standins.greengrass_api.plane import DeploymentEnd
from tests.fakes.aws import FakeRefusals
from tests.fakes.fleet import BUCKET, REGION, Account, accounts
from tests.fakes.registry import FakeAnswers, FakeRegistry
from tests.fakes.shops import Shop
from tests.system.footage import first_visitor
from tests.system.lone_site import Site
from tests.system.rig import INFERENCE
from tests.unit.standins.nucleus.broker import Broker, make_papers
from tests.upgrade.releases import SWAPS_ITS_ANSWERS, next_release
from tools.build.suite import DEMO_BUNDLE, Built, build_suite
from tools.release import verbs
from tools.release.publish import publish_build

pytestmark = pytest.mark.slow
OLD, BAD, GOOD = "0.1.0", "0.2.0", "0.3.0"
CANARY, OTHER = "porch", "yard"


@dataclass
class Yard:
    """The porch, and a device that only says what runs on it; the cloud deploys to both and hears their health."""

    there: Account
    built: Built
    porch: Site
    other: Shop = field(default_factory=lambda: Shop(OTHER, every_s=1, installs_in_s=1))
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    deployed: dict[str, list[str]] = field(default_factory=dict)
    ended: list[Future[dict[str, object]]] = field(default_factory=list)
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def take(self, thing: str, components: Mapping[str, Any], _: DeploymentEnd | None) -> None:
        version = str(components[INFERENCE]["componentVersion"])
        self.deployed.setdefault(thing, []).append(version)
        if thing == CANARY:
            self.ended.append(self.worker.submit(self.porch.deploy, version))
        else:
            self.other.take(components, int(time.monotonic()))

    def hear(self, stop: threading.Event) -> None:
        """Hand every health message to the fleet's own code, as the broker's rule does."""
        hearing, heard = Hearing(self.registry, FakeRefusals(), FakeAnswers()), 0
        while not stop.wait(0.2):
            messages = list(self.porch.broker.published)[heard:]
            heard += len(messages)
            for topic, payload in messages:
                if topic.endswith("/health"):
                    hearing.take(Sign(ThingName(CANARY), payload, UtcNs(time.time_ns())))
            if self.other.tick(int(time.monotonic())):
                hearing.take(Sign(ThingName(OTHER), self.other.health().to_json(), UtcNs(time.time_ns())))

    def roll_out(self, version: str, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(verbs, "connect", lambda _: self.there.aws)
        monkeypatch.setattr(verbs, "find_built", lambda _: replace(self.built, version=version))
        monkeypatch.setattr(verbs, "find_fleet", lambda *_: self.fleet)
        groups = ["--canary", "canary", "--group", "rest"]
        # Health comes every five minutes; the unit tests have a simulated clock for those.
        return verbs.deploy(["--region", REGION, *groups, "--yes", "--wait", "400", "--steady", "0"])

    def fleet(self) -> Mapping[str, Any]:
        return {device.thing: device for device in self.registry.devices()}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    next_release(built, BAD, dict([SWAPS_ITS_ANSWERS]))
    next_release(built, GOOD)
    clip, papers = first_visitor(tmp_path / "visitor.mp4"), make_papers(tmp_path)
    with ExitStack() as stack:
        broker = stack.enter_context(Broker(papers))
        porch = Site("classic", tmp_path / CANARY, built, clip, papers, broker, thing=CANARY)
        yard = Yard(stack.enter_context(accounts())(), built, porch)
        stack.callback(porch.stop)
        stack.callback(yard.worker.shutdown)
        stop = threading.Event()
        hearing = threading.Thread(target=yard.hear, args=(stop,))
        hearing.start()
        stack.callback(hearing.join)
        stack.callback(stop.set)
        yield yard


def begin(yard: Yard) -> None:
    """Both run the old release, by their groups' deployments."""
    for version in (OLD, BAD, GOOD):
        publish_build(
            replace(yard.built, version=version), BUCKET, yard.there.aws, lambda _: None, sleep=lambda _: None
        )
    components = {name: {"componentVersion": OLD} for name in verbs.release_of(yard.built).components}
    yard.porch.start(OLD)
    yard.other.take(components, 0)
    for group, things in {"canary": [CANARY], "rest": [OTHER]}.items():
        arn = yard.there.group(group, *things)
        yard.there.aws.greengrass.create_deployment(targetArn=arn, components=components)
    yard.porch.has_come_to_run(OLD, OLD, "")
    yard.there.devices.on_sent = yard.take


def test_a_bad_release_never_leaves_the_canary_and_a_good_one_reaches_both(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(yard)
    assert yard.roll_out(BAD, monkeypatch) == 1
    said = capsys.readouterr().out
    assert re.search(f"canary: failed: porch: .*refused the release: {BAD}: {INFERENCE}: .*golden output differs", said)
    yard.porch.has_come_to_run(OLD, OLD, "")
    assert yard.deployed == {CANARY: [BAD, OLD]}
    assert yard.other.versions == [OLD]
    assert yard.roll_out(GOOD, monkeypatch) == 0, capsys.readouterr().out
    yard.porch.has_come_to_run(GOOD, GOOD, "")
    assert yard.other.versions == [OLD, GOOD]
    # No nucleus has called any of it a failure.
    assert {str(each.result()["event"]) for each in yard.ended} == {"deployment_succeeded"}
