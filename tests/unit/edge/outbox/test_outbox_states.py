"""Whatever happens in whatever order: nothing is lost, and nothing is let go but by the counted policy."""

import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.errors import OutboxError
from smartcam.contract.event import Event, EventKind, Phase, Severity
from smartcam.contract.ids import CameraId, EventId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_MS, NS_PER_S, UtcNs
from smartcam.edge.outbox.outbox import Episode, Outbox, OutboxLimits
from tests.fakes.clock import FakeClock

LIMITS = OutboxLimits(max_events=6, max_age_s=1000, max_refused=3)
RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
MEMORY = Path("/dev/shm")  # noqa: S108  durability is not tested here, and thousands of syncs take their time
Key = tuple[EventId, Phase]


@dataclass
class Kept:
    """What the machine knows of a row: `turn` tells young from old, `at_ns` is the true time of its storing."""

    severity: Severity
    turn: int
    at_ns: int
    base_ms: int
    revision: int


class Story(RuleBasedStateMachine):
    """A device's life: events, acknowledgements, tries, restarts, reboots, clocks that are wrong and come right."""

    raised: Bundle[Event] = Bundle("raised")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        self.clock = FakeClock()
        self.true_ns = 0
        self.error_ns = 0
        self.kept: dict[Key, Kept] = {}
        self.open: dict[EventId, str] = {}
        self.turn = 0
        self.dropped = 0
        self.refused = 0
        self.box = self._opened()

    def teardown(self) -> None:
        self.box.close()
        shutil.rmtree(self.folder)

    def _opened(self) -> Outbox:
        self.dropped = 0
        return Outbox(self.folder / "outbox.sqlite", self.clock, LIMITS, random=lambda: 1.0)

    def _put(self, event: Event, episode: Episode | None) -> None:
        try:
            self.box.put(event, episode)
        except OutboxError:  # the disk is full: it was told, and from now on there is memory
            self.box.put(event, episode)
        key = event.event_id, event.phase
        self.turn += 1
        turn = self.kept[key].turn if key in self.kept else self.turn
        self.kept[key] = Kept(event.severity, turn, self.true_ns, event.age_ms or 0, event.revision)
        while len(self.kept) > LIMITS.max_events:
            first = min(
                self.kept, key=lambda k: (k[1] is Phase.RAISED, RANKS[self.kept[k].severity], self.kept[k].turn)
            )
            del self.kept[first]
            self.dropped += 1

    def _worth(self, key: Key) -> tuple[bool, int, int]:
        kept = self.kept[key]
        return key[1] is Phase.RAISED, RANKS[kept.severity], kept.turn

    @rule(
        target=raised,
        number=st.integers(0, 2**63 - 1),
        severity=st.sampled_from(Severity),
        age_ms=st.none() | st.integers(0, 5000),
        with_episode=st.booleans(),
    )
    def an_episode_is_raised(self, number: int, severity: Severity, age_ms: int | None, with_episode: bool) -> Event:  # noqa: FBT001
        start = self.clock.utc() // NS_PER_MS * NS_PER_MS
        event = Event(
            event_id=new_event_id(UtcNs(start), number.to_bytes(10)),
            thing=ThingName("door"),
            camera_id=CameraId("yard"),
            kind=EventKind.PERSON,
            phase=Phase.RAISED,
            severity=severity,
            started_at=UtcNs(start),
            expires_at=UtcNs(start + 3600 * NS_PER_S),
            score=0.9,
            threshold=0.5,
            clock_synced=self.clock.synced(),
            age_ms=age_ms,
        )
        episode = (
            Episode(str(event.event_id), CameraId("yard"), event.event_id, {"n": number}) if with_episode else None
        )
        self._put(event, episode)
        if episode is not None:
            self.open[event.event_id] = episode.key
        return event

    @rule(event=consumes(raised))
    def it_is_cleared(self, event: Event) -> None:
        self._put(replace(event, phase=Phase.CLEARED, ended_at=event.started_at), None)
        self.open.pop(event.event_id, None)

    @rule(target=raised, event=consumes(raised), severity=st.sampled_from(Severity))
    def a_later_label_upgrades_it(self, event: Event, severity: Severity) -> Event:
        better = replace(event, severity=severity, label="person", revision=event.revision + 1)
        self._put(better, None)
        return better

    @rule(
        event=raised,
        phase=st.sampled_from(Phase),
        status=st.sampled_from(AckStatus),
        revision=st.none() | st.integers(0, 3),
    )
    def the_cloud_answers(self, event: Event, phase: Phase, status: AckStatus, revision: int | None) -> None:
        known = self.box.acknowledge(Acknowledgement(event.event_id, phase, status, "because", revision))
        kept = self.kept.get((event.event_id, phase))
        assert known == (kept is not None and (revision is None or kept.revision <= revision))
        if known:
            del self.kept[event.event_id, phase]
        if known and status is AckStatus.REFUSED:
            self.refused = min(self.refused + 1, LIMITS.max_refused)

    @rule(most=st.integers(1, 8))
    def everything_due_is_tried(self, most: int) -> None:
        self._expire()
        for due in self.box.due(most):
            kept = self.kept[due.event.event_id, due.event.phase]
            true_age = kept.base_ms + (self.true_ns - kept.at_ns) // NS_PER_MS
            assert due.event.age_ms in (None, true_age)
            assert due.event.clock_synced == self.clock.synced()
            self.box.attempted(due)

    @rule(seconds=st.integers(1, 400))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.true_ns += seconds * NS_PER_S

    @rule()
    def the_disk_has_no_more_room(self) -> None:
        if self.box._database.connection is not None:
            (pages,) = self.box._database.connection.execute("PRAGMA page_count").fetchone()
            self.box._database.connection.execute(f"PRAGMA max_page_count = {pages}")

    @rule()
    def the_process_restarts(self) -> None:
        self.box.close()
        self.box = self._opened()

    @rule(error_s=st.sampled_from((0, -7200)))
    def the_power_fails(self, error_s: int) -> None:
        self.box.close()
        self.clock.reboot(utc_error_s=error_s)
        self.error_ns += error_s * NS_PER_S
        self.clock.is_synced = False
        self.box = self._opened()

    @rule()
    def the_clock_comes_right(self) -> None:
        self.clock.step_utc(-self.error_ns / NS_PER_S)
        self.error_ns = 0
        self.clock.is_synced = True

    def _expire(self) -> None:
        """The outbox may let go of what truly is too old, and of nothing else."""
        self.box.retry_now()
        there = {(due.event.event_id, due.event.phase) for due in self.box.due(100)}
        for key in set(self.kept) - there:
            assert self.true_ns - self.kept[key].at_ns > LIMITS.max_age_s * NS_PER_S
            del self.kept[key]
            self.dropped += 1

    @invariant()
    def nothing_is_lost_and_nothing_comes_from_nowhere(self) -> None:
        self._expire()
        there = {(due.event.event_id, due.event.phase) for due in self.box.due(100)}
        counts = self.box.counts()
        assert there == set(self.kept)
        assert counts.waiting == len(self.kept)
        assert counts.dropped_by_size + counts.dropped_by_age == self.dropped
        assert counts.refused == self.refused
        assert {episode.event_id: episode.key for episode in self.box.open_episodes()} == self.open
        assert counts.set_aside == 0


Story.TestCase.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_nothing_is_lost = Story.TestCase
