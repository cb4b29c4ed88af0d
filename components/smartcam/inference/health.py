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
from smartcam.contract.topics import health_topic
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import CloudBus
from smartcam.edge.clock import Clock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

LEAST_GAP_S: Final = 10.0
"""Least time between two messages: a camera that comes and goes must not cost one each time."""
_CHECK_EVERY_S: Final = 2.0
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
    release_refused: str = ""
    wanted_revision: int | None = None
    cameras_left_out: int = 0
    """Cameras that are announced, and not analysed for want of a place."""

    @property
    def news(self) -> object:
        """What is worth a message as soon as it changes: no counters and no rates."""
        conditions = tuple((one.camera_id, one.condition, one.armed) for one in self.cameras)
        runs = self.model_name, self.model_version, self.capture_version
        refused = self.bundle_refused, self.configuration_refused, self.release_refused, self.outbox.refused > 0
        outbox = self.outbox.waiting is None, self.outbox.unreadable > 0
        return conditions, runs, refused, outbox, self.every_s, self.wanted_revision, self.cameras_left_out > 0


class HealthReporter:
    """Publishes the device's health. `facts` may be called from this service's thread at any time.

    `run` names this process, so that the cloud can tell its messages from another's.
    """

    def __init__(
        self,
        bus: CloudBus,
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
        self._due_at = MonotonicNs(0)
        self._not_before = MonotonicNs(0)
        self._reported: object = None
        self._seq = 0
        self._is_unsent = False

    def run(self, stop: StopToken) -> None:
        """Report until `stop` is set, then report that the component is stopping."""
        while not stop.is_set():
            self.step()
            stop.wait(_CHECK_EVERY_S)
        if self._seq:
            self._publish(self._facts(), DeviceState.STOPPING)

    def step(self) -> None:
        """Publish if it is time to, or if something has changed."""
        now = self._clock.monotonic()
        if now < self._not_before:
            return
        facts = self._facts()
        if now < self._due_at and facts.news == self._reported:
            return
        if self._publish(facts, DeviceState.RUNNING):
            first, self._reported = self._reported is None, facts.news
            # The devices of a site start together after a power cut, and must not go on reporting together.
            wait_s = facts.every_s * (0.5 + 0.5 * self._random() if first else 1.0)
            self._due_at = self._after(wait_s)
            self._not_before = self._after(LEAST_GAP_S)
            self._backoff.reset()
        else:
            self._due_at = self._not_before = self._after(self._backoff.next())

    def _after(self, seconds: float) -> MonotonicNs:
        return MonotonicNs(self._clock.monotonic() + round(seconds * NS_PER_S))

    def _publish(self, facts: Facts, state: DeviceState) -> bool:
        self._seq += 1
        health = self._health(facts, state)
        try:
            self._bus.publish_cloud(health_topic(self._thing), _fitting(health))
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
        )


def _fitting(health: Health) -> bytes:
    """The message. Where long names and reasons make it too large, the last cameras are counted, but not named."""
    while health.cameras:
        with suppress(ContractError):
            return health.to_json()
        left_out = health.cameras_left_out + 1
        health = replace(health, cameras=health.cameras[:-1], cameras_left_out=left_out)
    return health.to_json()


def reason(text: str) -> str | None:
    """Why something was refused, cut to fit into a message. Its beginning, mostly a path, is cut first."""
    plain = printable(text).encode("ascii", "replace").decode()
    return (plain if len(plain) <= LONGEST_REASON else "..." + plain[3 - LONGEST_REASON :]) or None
