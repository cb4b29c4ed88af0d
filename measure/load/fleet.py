"""Ten thousand devices on a simulated clock: the cloud's own code on a table in memory that counts by key.

They speak in turn, and five die one by one; then half of the others lose their power at once, and the power is back.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, cast

from infra.alerts.runtime.agreed import FLEET_PARTITION
from infra.alerts.runtime.aws.dynamo import Table
from infra.fleet.runtime.aws import DynamoRegistry
from infra.fleet.runtime.device import TAKEN
from infra.fleet.runtime.hearing import Hearing, Sign
from infra.fleet.runtime.judging import Policy
from infra.fleet.runtime.watching import Watching
from measure.load.memory_table import MOST_UNITS_A_SECOND, MemoryClient, Tally, size_of
from smartcam.contract.event import WHOLE_FLEET, Event, Phase
from smartcam.contract.health import (
    HEALTH_EVERY_S,
    CameraCondition,
    CameraHealth,
    DeviceState,
    Health,
    SceneHealth,
    SceneStage,
)
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from smartcam.contract.wanted import Wanted

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BEGIN_S: Final = 1_772_366_400
CUT_S: Final = 3 * HEALTH_EVERY_S
BACK_S: Final = CUT_S + 480
END_S: Final = BACK_S + 360
"""The scenes: all is well until the power cut, and the power is back from `BACK_S` on."""
LONE: Final = (0, 2, 4, 6, 8)
"""Devices that die after their first sign of life, without a word of the broker."""
NOTICED_IN_S: Final = 60
"""How long the broker takes to give up the connections of a power cut."""
RETURN_IN_S: Final = 60
"""How long it takes until all of them have started again."""
CHECK_EVERY_S: Final = 60
CALL_S: Final = 0.005
"""How long a call to DynamoDB takes, of which a check makes one after the other: an assumption, rather short."""
CHECK_MOST_S: Final = 30
"""How long a check may take before it is killed; the next one goes on."""


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """One run.

    `calm_units`, `cut_units`, `back_units`: the most write units that the devices' key took in one second of a scene.
    `calm_writes`, `calm_reads`: all units of the calm scene. `signs_per_cpu_s`: how many signs of life a core takes in
    a second. `check_cpu_s`: the longest check of the calm scene. `fleet_late_s`, `device_late_s`: seconds from when a
    silence had lasted too long until somebody was told, of the half, and the longest of those that died one by one.
    `updates_before_told`: what the check wrote before it told of the half.
    `checks_killed`: checks that took longer than they may; the next one goes on with what they left.
    """

    devices: int
    signs: int
    calm_s: int
    calm_signs: int
    item_bytes: int
    calm_units: int
    cut_units: int
    back_units: int
    calm_writes: int
    calm_reads: float
    signs_per_cpu_s: float
    check_cpu_s: float
    checks_killed: int
    fleet_late_s: float
    device_late_s: float
    updates_before_told: int
    alerts: int

    @property
    def is_good(self) -> bool:
        """Whether the key takes less than it may."""
        return max(self.calm_units, self.cut_units, self.back_units) < MOST_UNITS_A_SECOND

    def document(self) -> Mapping[str, object]:
        """As a JSON object."""
        return asdict(self)


@dataclass(slots=True)
class _Desk:
    """Where alerts, answers and refusals go."""

    told: Callable[[ThingName], object]

    def hand_over(self, event: Event) -> None:
        """See Alerts."""
        if event.phase is Phase.RAISED:
            self.told(event.thing)

    def send(self, thing: ThingName, wanted: Wanted) -> None:
        """See Answers."""

    def keep(self, document: Mapping[str, object], reason: str) -> None:
        """See Refusals. Nothing is refused here."""
        raise AssertionError(f"refused: {reason}: {document}")


class _KilledError(Exception):
    """The check has taken too long."""


class Simulation:
    """See the module; every odd device loses its power."""

    def __init__(self, devices: int) -> None:
        """At least three times as many as die one by one."""
        self.devices = devices
        self.second = self.signs = self.killed = 0
        self._check_at: int | None = None
        """How many updates there were when the check began that is under way."""
        self.told: list[tuple[ThingName, float, int]] = []
        """Whose alert was handed over, in which second, and how much the check had written by then."""
        self._hearing_s, self._checks_s = 0.0, list[float]()
        self.client = MemoryClient(Tally(lambda: int(self._clock())))
        registry = DynamoRegistry(Table(cast("DynamoDBClient", self.client), "history"))
        desk = _Desk(lambda thing: self.told.append((thing, self._clock(), self._check_updates())))
        self._hearing = Hearing(registry, desk, desk)
        self._watching = Watching(registry, desk, Policy())

    def run(self) -> FleetFigures:
        """All scenes."""
        tally, policy = self.client.tally, Policy()
        self._until(CUT_S)
        calm_signs, calm_reads, check_s = self.signs, tally.reads, max(self._checks_s)
        self._until(END_S)
        fleet_at, updates = next((at, updates) for thing, at, updates in self.told if thing == WHOLE_FLEET)
        patience_s = 2 * HEALTH_EVERY_S + policy.slack_s
        late = [at - self._phase(int(thing)) - patience_s for thing, at, _ in self.told if thing != WHOLE_FLEET]
        return FleetFigures(
            devices=self.devices,
            signs=self.signs,
            calm_s=CUT_S,
            calm_signs=calm_signs,
            item_bytes=max(map(size_of, self.client.items.values())),
            calm_units=tally.busiest(FLEET_PARTITION, 0, CUT_S),
            cut_units=tally.busiest(FLEET_PARTITION, CUT_S, BACK_S),
            back_units=tally.busiest(FLEET_PARTITION, BACK_S, END_S),
            calm_writes=tally.written(0, CUT_S),
            calm_reads=calm_reads,
            signs_per_cpu_s=round(self.signs / self._hearing_s, 1),
            check_cpu_s=round(check_s, 2),
            checks_killed=self.killed,
            fleet_late_s=round(fleet_at - CUT_S - policy.offline_grace_s, 1),
            device_late_s=round(max(late), 1),
            updates_before_told=updates,
            alerts=len(self.told),
        )

    def _until(self, end: int) -> None:
        while self.second < end:
            began = time.process_time()
            for number in self._speaking():
                self._take(Sign(_name(number), self._health(number).to_json(), self._now()))
            for number in self._noticed():
                self._take(self._presence(number))
            self._hearing_s += time.process_time() - began
            if self.second % CHECK_EVERY_S == 0:
                self._check()
            self.second += 1

    def _check(self) -> None:
        began, self._check_at = time.process_time(), self.client.updates
        try:
            self._watching.check(self._now())
        except _KilledError:
            self.killed += 1
        self._check_at = None
        self._checks_s.append(time.process_time() - began)

    def _check_updates(self) -> int:
        return 0 if self._check_at is None else self.client.updates - self._check_at

    def _clock(self) -> float:
        """Seconds; within a check they go on with each of its writes."""
        if (within := self._check_updates() * CALL_S) > CHECK_MOST_S:
            raise _KilledError
        return self.second + within

    def _take(self, sign: Sign) -> None:
        self.signs += 1
        self._hearing.take(sign)

    def _speaking(self) -> Iterator[int]:
        """Whose time it is: each has a moment of its own, and says a first word when its power is back."""
        for number in self._at(HEALTH_EVERY_S, self.second % HEALTH_EVERY_S):
            if not self._is_dead(number):
                yield number
        if self._is_returning():
            yield from self._at(RETURN_IN_S, self.second - BACK_S, odd=True)

    def _noticed(self) -> Iterator[int]:
        """Of whom the broker says that it has come or gone."""
        if CUT_S <= self.second < CUT_S + NOTICED_IN_S:
            yield from self._at(NOTICED_IN_S, self.second - CUT_S, odd=True)
        if self._is_returning():
            yield from self._at(RETURN_IN_S, self.second - BACK_S, odd=True)

    def _is_returning(self) -> bool:
        return BACK_S <= self.second < BACK_S + RETURN_IN_S

    def _at(self, seconds: int, second: int, *, odd: bool = False) -> Iterator[int]:
        """Those whose turn it is, where all take turns in so many seconds."""
        first, last = (-(-self.devices * at // seconds) for at in (second, second + 1))
        return (number for number in range(first, last) if number % 2 or not odd)

    def _phase(self, number: int) -> int:
        return number * HEALTH_EVERY_S // self.devices

    def _is_dead(self, number: int) -> bool:
        if number in LONE:
            return self.second >= HEALTH_EVERY_S
        return bool(number % 2) and CUT_S <= self.second < BACK_S + RETURN_IN_S

    def _now(self) -> UtcNs:
        return UtcNs((_BEGIN_S + self.second) * NS_PER_S)

    def _health(self, number: int) -> Health:
        run = 1 if self.second < BACK_S or not number % 2 else 2
        scene = SceneHealth(SceneStage.WATCHING, 412.5, 56.0, 1.0, 3, drift=False)
        return Health(
            thing=_name(number),
            state=DeviceState.RUNNING,
            run=f"{number:026x}-{run}",
            seq=self.second + 1,
            sent_at=self._now(),
            clock_synced=True,
            uptime_s=3600,
            version="0.9.0",
            capture_version="0.9.0",
            model_name="ssd-mobilenet-v1",
            model_version="2018-06-29",
            cameras=tuple(
                CameraHealth(CameraId(name), CameraCondition.RUNNING, 25.0, armed=True, scene=scene)
                for name in ("front-door", "back-yard")
            ),
            wanted_revision=0,
            cloud_takes=TAKEN,
        )

    def _presence(self, number: int) -> Sign:
        is_back = self.second >= BACK_S
        word = {
            "eventType": "connected" if is_back else "disconnected",
            "timestamp": self._now() // NS_PER_MS,
            "versionNumber": int(is_back) + 1,
        }
        return Sign(_name(number), json.dumps(word).encode(), self._now(), presence=str(word["eventType"]))


def _name(number: int) -> ThingName:
    return ThingName(f"{number:05}")
