"""The device's health messages: every few minutes, on every change, and a last one at the end."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from smartcam.contract.errors import BusError, BusRefused, ContractError
from smartcam.contract.health import (
    HEALTH_EVERY_S,
    LONGEST_REASON,
    MOST_CAMERAS,
    CameraCondition,
    CameraHealth,
    DeviceState,
    FrameHealth,
    Health,
    OutboxHealth,
)
from smartcam.contract.ids import ThingName
from smartcam.contract.reading import printable
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import LOCAL_HEALTH, health_topic
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import Bus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

LEAST_GAP_S: Final = 10.0
"""Least time between two messages: a camera that comes and goes must not cost one each time."""
_SAY_EVERY_S: Final = 60.0
"""How often the device is told, where nothing changes."""
_CHECK_EVERY_S: Final = 2.0
_AT_ONCE: Final = MonotonicNs(0)
_FIRST: Final = (CameraCondition.LOST, CameraCondition.AWAITED, CameraCondition.RUNNING, CameraCondition.ENDED)
"""Which cameras are named first if there is not room for all."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The state of the component at one moment."""

    cameras: tuple[CameraHealth, ...] = ()
    model_name: str | None = None
    model_version: str | None = None
    analysed: int = 0
    failed: int = 0
    outbox: OutboxHealth = field(default_factory=OutboxHealth)
    snapshots_waiting: int = 0
    every_s: int = HEALTH_EVERY_S
    frames: FrameHealth = field(default_factory=FrameHealth)
    bundle_refused: str = ""
    configuration_refused: str = ""
    capture_version: str = ""
    clip_key: str = ""
    release_refused: str = ""
    wanted_revision: int | None = None
    cloud_takes: tuple[str, ...] | None = None
    cameras_left_out: int = 0
    """Cameras that are announced, and not analysed for want of a place."""

    @property
    def news(self) -> object:
        """What is worth a message as soon as it changes: no counters and no rates."""
        conditions = tuple((one.camera_id, one.condition, one.armed, *_told_at_once(one)) for one in self.cameras)
        runs = self.model_name, self.model_version, self.capture_version, self.clip_key
        refused = self.bundle_refused, self.configuration_refused, self.release_refused, self.outbox.refused > 0
        outbox = self.outbox.waiting is None, self.outbox.unreadable > 0
        cloud = self.wanted_revision, self.cloud_takes
        return conditions, runs, refused, outbox, self.every_s, cloud, self.cameras_left_out > 0


@dataclass(slots=True)
class _Hearer:
    """Who is told of the device's health: when the next time, and what was news the last time."""

    due_at: MonotonicNs = _AT_ONCE
    not_before: MonotonicNs = _AT_ONCE
    reported: object = None

    def is_due(self, now: MonotonicNs, news: object) -> bool:
        return now >= self.not_before and (now >= self.due_at or news != self.reported)

    def told(self, news: object, due_at: MonotonicNs, not_before: MonotonicNs) -> None:
        self.reported, self.due_at, self.not_before = news, due_at, not_before

    def missed(self, again_at: MonotonicNs) -> None:
        self.due_at = self.not_before = again_at


class HealthReporter:
    """Publishes the device's health, to the cloud and on the device.

    `facts` may be called from this service's thread at any time.

    `run` names this process, so that the cloud can tell its messages from another's. What is said on the device has the
    number of the last message to the cloud.
    """

    def __init__(
        self,
        bus: Bus,
        thing: ThingName,
        clock: Clock,
        facts: Callable[[], Facts],
        *,
        run: str,
        version: str,
        random: Callable[[], float],
    ) -> None:
        self._bus = bus
        self._thing = thing
        self._clock = clock
        self._facts = facts
        self._run = run
        self._version = version
        self._random = random
        self._backoff = Backoff(LEAST_GAP_S, 60.0, random)
        self._began_at = clock.monotonic()
        self._cloud, self._device = _Hearer(), _Hearer()
        self._seq = 0
        self._is_unsent = self._is_unsaid = False
        self.newest: Health | None = None
        """How the device was when that was last looked at, every two seconds; for whoever asks."""

    def run(self, stop: StopToken) -> None:
        """Report until `stop` is set, then report that the component is stopping."""
        while not stop.is_set():
            self.step()
            stop.wait(_CHECK_EVERY_S)
        if self._seq:
            self._seq += 1
            payload = _fitting(self._health(self._facts(), DeviceState.STOPPING))
            self._say(payload)
            self._send(payload, DeviceState.STOPPING)

    def step(self) -> None:
        """Publish if it is time to, or if something has changed."""
        now = self._clock.monotonic()
        facts = self._facts()
        health = self.newest = self._health(facts, DeviceState.RUNNING)
        if now < min(self._cloud.not_before, self._device.not_before):
            return
        to_cloud, to_device = (each.is_due(now, facts.news) for each in (self._cloud, self._device))
        if not to_cloud and not to_device:
            return
        self._seq += to_cloud
        payload = _fitting(replace(health, seq=self._seq))
        if to_device:  # first: the cloud may have to be waited for
            gap_at = self._after(LEAST_GAP_S)
            if self._say(payload):
                self._device.told(facts.news, self._after(_SAY_EVERY_S), gap_at)
            else:
                self._device.missed(gap_at)
        if to_cloud:
            self._tell_cloud(payload, facts)

    def _tell_cloud(self, payload: bytes, facts: Facts) -> None:
        if not self._send(payload, DeviceState.RUNNING):
            self._cloud.missed(self._after(self._backoff.next()))
            return
        # The devices of a site start together after a power cut, and must not go on reporting together.
        share = 0.5 + 0.5 * self._random() if self._cloud.reported is None else 1.0
        self._cloud.told(facts.news, self._after(facts.every_s * share), self._after(LEAST_GAP_S))
        self._backoff.reset()

    def _after(self, seconds: float) -> MonotonicNs:
        return MonotonicNs(self._clock.monotonic() + round(seconds * NS_PER_S))

    def _say(self, payload: bytes) -> bool:
        """Whether it was said on the device."""
        try:
            self._bus.publish_local(LOCAL_HEALTH, payload)
        except BusError as error:
            level = logging.DEBUG if self._is_unsaid else logging.INFO
            self._is_unsaid = True
            log(logger, level, "health_not_said", error=error)
            return False
        self._is_unsaid = False
        return True

    def _send(self, payload: bytes, state: DeviceState) -> bool:
        """Whether it was sent to the cloud."""
        try:
            self._bus.publish_cloud(health_topic(self._thing), payload)
        except BusRefused as error:
            log(logger, logging.ERROR, "health_refused", error=error)
            return False
        except BusError as error:
            # The first of an outage; the sender says when the cloud is reachable again.
            level = logging.DEBUG if self._is_unsent else logging.INFO
            self._is_unsent = True
            log(logger, level, "health_not_sent", state=state, error=error)
            return False
        self._is_unsent = False
        log(logger, logging.DEBUG, "health_sent", state=state, seq=self._seq)
        return True

    def _health(self, facts: Facts, state: DeviceState) -> Health:
        ranked = sorted(facts.cameras, key=lambda one: (_FIRST.index(one.condition), one.camera_id))
        return Health(
            thing=self._thing,
            state=state,
            run=self._run,
            seq=self._seq,
            sent_at=self._clock.utc(),
            clock_synced=self._clock.synced(),
            uptime_s=(self._clock.monotonic() - self._began_at) // NS_PER_S,
            version=self._version,
            capture_version=facts.capture_version or None,
            clip_key=facts.clip_key or None,
            release_refused=facts.release_refused[:LONGEST_REASON] or None,
            every_s=facts.every_s,
            model_name=facts.model_name,
            model_version=facts.model_version,
            bundle_refused=reason(facts.bundle_refused),
            configuration_refused=reason(facts.configuration_refused),
            analysed=facts.analysed,
            failed=facts.failed,
            snapshots_waiting=facts.snapshots_waiting,
            frames=facts.frames,
            outbox=facts.outbox,
            cameras=tuple(ranked[:MOST_CAMERAS]),
            cameras_left_out=max(0, len(ranked) - MOST_CAMERAS) + facts.cameras_left_out,
            wanted_revision=facts.wanted_revision,
            cloud_takes=facts.cloud_takes,
        )


def _told_at_once(one: CameraHealth) -> tuple[object, ...]:
    scene = () if one.scene is None else (one.scene.stage, one.scene.drift)
    return one.collects_footage, one.model, *scene


def _fitting(health: Health) -> bytes:
    """The message. Where it would be too large, cameras do not say their models, then the last ones not their scenes.

    If that is not enough, the last cameras are only counted: a camera is worth more than what it has learnt.
    """
    with suppress(ContractError):
        return health.to_json()
    health = replace(health, cameras=tuple(replace(one, model=None) for one in health.cameras))
    while health.cameras:
        with suppress(ContractError):
            return health.to_json()
        health = _shorter(health)
    return health.to_json()


def _shorter(health: Health) -> Health:
    """Without the scene of the last camera that has one; where none has, without the last camera."""
    cameras = list(health.cameras)
    told = [place for place, one in enumerate(cameras) if one.scene is not None]
    if told:
        cameras[told[-1]] = replace(cameras[told[-1]], scene=None)
        return replace(health, cameras=tuple(cameras))
    return replace(health, cameras=tuple(cameras[:-1]), cameras_left_out=health.cameras_left_out + 1)


def reason(text: str) -> str | None:
    """Why something was refused, cut to fit into a message. Its beginning, mostly a path, is cut first."""
    plain = printable(text).encode("ascii", "replace").decode()
    return (plain if len(plain) <= LONGEST_REASON else "..." + plain[3 - LONGEST_REASON :]) or None
