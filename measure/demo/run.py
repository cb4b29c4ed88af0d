"""The demo itself: everything up, the clip through it, everything down, the report."""

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.demo.cloud import DemoCloud, running_cloud
from measure.demo.device import DemoDeployment, DemoDevice, running_device
from measure.demo.inference_log import last_counts, left_in_outbox
from measure.demo.normal_yard import learned_yard
from measure.demo.pictures import Moment, write_pictures
from measure.demo.plan import CLIP_FOLDER, OWN, DemoError, DemoPlan, clip_seconds, free_port
from measure.demo.report import CHANNELS, DemoReport, FrameTotals, RunObservations, settle
from measure.demo.story import Story
from smartcam.contract.event import Phase
from tools.build.own_folder import empty_own
from tools.build.suite import Built, build_suite, find_built
from tools.command_line import Say
from tools.setup import setup_cloud, setup_console

_POLL_S: Final = 0.1
# To unpack and install all packages of a build takes a busy machine minutes. What breaks is told at once.
_START_LIMIT_S: Final = 300.0
# After the clip: the last episode clears some seconds later, and its event goes to the cloud and back.
_SETTLE_S: Final = 3.0
_SETTLE_LIMIT_S: Final = 120.0
_PROGRESS_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A planned run with its clip."""

    plan: DemoPlan
    clip: Path
    say: Say

    def run(self) -> DemoReport:
        """From nothing to the report.

        Raises:
            DemoError, LocalCloudError, DeployError, BuildError, ToolsError: what failed, and the remedy.
            OSError: the folder cannot be written, or holds what is no demo's.
        """
        begun = time.monotonic()
        folder = self.plan.folder
        empty_own(folder, OWN.__contains__)
        folder.mkdir(parents=True)
        toolchain = setup_cloud(say=self.say)
        if self.plan.console:
            setup_console(say=self.say)
        ready = self.plan.built
        built = find_built(ready) if ready else build_suite(folder / "greengrass-build", self.plan.bundle)
        with (
            learned_yard(CLIP_FOLDER, self.say) if self.plan.knows_its_yard else nullcontext(lambda: None) as learned,
            running_cloud(toolchain, folder, self.plan.cooldown_s, self.say) as cloud,
        ):
            report = self._play(cloud, built, learned())
        moments = [Moment(each.event, report.clip_seconds(each.event)) for each in report.raised]
        pictures = write_pictures(self.clip, moments, folder / "events")
        self.say(f"{len(pictures)} annotated pictures: {folder / 'events'}")
        report.write(folder / "report.json")
        self.say(f"the whole run took {time.monotonic() - begun:.0f} s")
        return report

    def _play(self, cloud: DemoCloud, built: Built, scene_memory: Path | None) -> DemoReport:
        port = free_port() if self.plan.console else None
        deployment = DemoDeployment(
            built,
            cloud.identity,
            self.clip,
            self.plan.camera,
            profile=self.plan.profile,
            # A build that is deployed as it is brings its packages.
            python="" if self.plan.built else sys.executable,
            console_port=port,
            scene_memory=scene_memory,
        )
        story = Story()
        device_folder = self.plan.folder / "device"
        self.say("starting the nucleus stand-in with the recipes")
        with running_device(deployment, device_folder) as device:
            if port is not None:
                self.say(f"the console, as soon as its component runs: http://127.0.0.1:{port}/")
            RunFollower(device, cloud, story, self.say).follow(clip_seconds(self.clip))
            if port is not None and sys.stdin.isatty():
                self.say("the clip is over; look around in the console as long as you like, then press Enter")
                sys.stdin.readline()
        counts = last_counts(device_folder / "logs" / "smartcam.Inference.log")
        status = story.status
        frames = FrameTotals(
            read=status.frames_read if status else 0,
            announced=status.frames_announced if status else 0,
            analysed=counts.analysed,
            dropped=counts.dropped,
        )
        observed = RunObservations(
            clip_started_at=story.clip_started_at,
            frames=frames,
            held=cloud.held() if self.plan.cooldown_s else frozenset(),
            unsent=counts.unstored + left_in_outbox(device_folder / "work" / "smartcam.Inference" / "outbox.sqlite3"),
            refused=len(story.refused),
            faults=tuple(story.faults),
        )
        return settle(story.published, story.alerts, observed)


class RunFollower:
    """Follows a run until everything has finished."""

    def __init__(self, device: DemoDevice, cloud: DemoCloud, story: Story, say: Say) -> None:
        self._device = device
        self._cloud = cloud
        self._story = story
        self._say = say
        self._next_progress = 0.0

    def follow(self, length_s: float) -> None:
        """Until the clip has ended and every event became an alert, or the time is up.

        Raises:
            DemoError: the clip never began, or a component broke before it ended.
        """
        start_limit = time.monotonic() + _START_LIMIT_S
        while not self._story.clip_started_at:
            self._look()
            if time.monotonic() > start_limit:
                raise DemoError("no frame came within five minutes; see the logs in the demo's folder, device/logs")
        clip_limit = time.monotonic() + length_s + _START_LIMIT_S
        while not self._story.ended and time.monotonic() < clip_limit:
            self._look()
            self._progress(length_s)
        if not self._story.ended:
            raise DemoError("the clip did not come to its end; see the logs in the demo's folder, device/logs")
        self._say("the clip has ended; waiting for what is on its way")
        self._settle()

    def _settle(self) -> None:
        limit = time.monotonic() + _SETTLE_LIMIT_S
        quiet_since = time.monotonic()
        seen = -1
        while time.monotonic() < limit:
            self._look()
            story = self._story
            count = len(story.published) + len(story.alerts) + len(story.acknowledged)
            if count != seen:
                seen, quiet_since = count, time.monotonic()
            if time.monotonic() - quiet_since > _SETTLE_S and self._nothing_awaited():
                return

    def _nothing_awaited(self) -> bool:
        story = self._story
        raised = {each.event.event_id for each in story.published if each.event.phase is Phase.RAISED}
        cleared = {each.event.event_id for each in story.published if each.event.phase is Phase.CLEARED}
        arrived = {(alert.event_id, alert.channel) for alert in story.alerts}
        expected = {(event_id, channel) for event_id in raised for channel in CHANNELS}
        missing = {event_id for event_id, _ in expected - arrived}
        if missing and not missing <= self._cloud.held():
            return False
        return not story.unacknowledged() and raised <= cleared

    def _look(self) -> None:
        time.sleep(_POLL_S)
        story = self._story
        faults = len(story.faults)
        for entry in self._device.entries():
            for line in story.take(entry):
                self._say(line)
        alerts = self._cloud.alerts()
        known = set(story.alerts)
        for alert in alerts:
            if alert not in known:
                for line in story.deliver(alert):
                    self._say(line)
        if len(story.faults) > faults:
            raise DemoError(f"{story.faults[-1]}; see the logs in the demo's folder, device/logs")

    def _progress(self, length_s: float) -> None:
        now = time.monotonic()
        status = self._story.status
        if now < self._next_progress or status is None:
            return
        self._next_progress = now + _PROGRESS_S
        self._say(
            f"... {status.frames_read} frames read, {self._story.announced} announced,"
            f" {self._story.moving} with motion (the clip has {length_s:.0f} s)"
        )
