"""The cloud in memory: the alerting on fakes, with a clock, timers that ring, and crashes where wanted."""

import json
from collections import Counter
from dataclasses import dataclass, field

from infra.alerts.runtime.alerting import Outcome
from infra.alerts.runtime.assembling import Outside, assembled
from infra.alerts.runtime.audience import Audience, Group
from infra.alerts.runtime.delivery import Delivery
from infra.alerts.runtime.facts import PictureLink
from infra.alerts.runtime.jobs import Job, job_from_json, job_to_json
from infra.alerts.runtime.timekeeping import Timekeeping
from infra.alerts.runtime.words.render import Purpose
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event
from smartcam.contract.times import NS_PER_S, UtcNs
from tests.fakes.aws import (
    Crash,
    FakeDigests,
    FakeGuards,
    FakeHistory,
    FakeLimits,
    FakeMeter,
    FakeNotifier,
    FakeRefusals,
    FakeReplies,
    FakeTimers,
    FakeTroubles,
    FakeTurns,
    FakeWindows,
    Interruption,
    Published,
)
from tests.infra.sample import Deliveries, Now

RETRY_S = 60  # how long the queue hides an event, and Lambda waits before it tries an invocation again
VISIBILITY_S = 60  # how long the queue waits before it hands a job out again
EVERYONE = Group("everyone", "arn:everyone", emails=1, phones=1)


@dataclass
class FakePictures:
    picture: PictureLink | None = None
    recording: PictureLink | None = None

    def link(self, event: Event) -> PictureLink | None:
        del event
        return self.picture

    def clip(self, event: Event) -> PictureLink | None:
        return self.recording if event.clip_object else None


@dataclass
class Cloud:
    """`deliver` is one invocation, `tick` lets time go by with its timers."""

    cooldown_s: int = 0
    audience: Audience = field(default_factory=lambda: Audience((EVERYONE,)))
    now: Now = field(default_factory=Now)
    history: FakeHistory = field(default_factory=FakeHistory)
    windows: FakeWindows = field(default_factory=FakeWindows)
    digests: FakeDigests = field(default_factory=FakeDigests)
    limits: FakeLimits = field(default_factory=FakeLimits)
    turns: FakeTurns = field(default_factory=FakeTurns)
    guards: FakeGuards = field(default_factory=FakeGuards)
    timers: FakeTimers = field(default_factory=FakeTimers)
    replies: FakeReplies = field(default_factory=FakeReplies)
    refusals: FakeRefusals = field(default_factory=FakeRefusals)
    pictures: FakePictures = field(default_factory=FakePictures)
    meter: FakeMeter = field(default_factory=FakeMeter)
    troubles: FakeTroubles = field(default_factory=FakeTroubles)

    def __post_init__(self) -> None:
        self.notifier = FakeNotifier(self.now)
        self.published = self.wire(Interruption())  # one process that remembers what it has denied

    def wire(self, between: Interruption) -> Timekeeping:
        outside = Outside(
            history=between.around(self.history),
            windows=between.around(self.windows),
            digests=between.around(self.digests),
            limits=between.around(self.limits),
            turns=between.around(self.turns),
            guards=between.around(self.guards),
            timers=between.around(self.timers),
            notifier=between.around(self.notifier),
            replies=between.around(self.replies),
            refusals=between.around(self.refusals),
            pictures=self.pictures,
            meter=self.meter,
            troubles=self.troubles,
        )
        return assembled(outside, self.audience, self.cooldown_s, self.now)

    def publish(self, event: Event) -> str:
        """An event by way of the broker, within its thing's bound."""
        return self.take_published(Deliveries(self.now).of(event))

    def take_published(self, delivered: Delivery) -> str:
        [answer] = self.published.admit(delivered.thing, [delivered])
        return self.published.take_admitted(delivered, answer)

    def run(self, delivered: Delivery, interruption: Interruption | None = None) -> Outcome:
        return self.wire(interruption or Interruption()).alerting.take(delivered)

    def deliver(self, event: Event, interruption: Interruption | None = None) -> Outcome:
        return self.run(Deliveries(self.now).of(event), interruption)

    def do(self, due: UtcNs, job: Job, interruption: Interruption | None = None) -> str:
        """One job, by way of its words on the wire; what crashes or fails is handed out again later."""
        arrived, same = job_from_json(job_to_json(due, job))
        try:
            return self.wire(interruption or Interruption()).do(arrived, same)
        except Crash:
            self.timers.ring(UtcNs(self.now() + VISIBILITY_S * NS_PER_S), same)
            return "crashed"

    def tick(self, seconds: float = 0, interruption: Interruption | None = None) -> list[str]:
        """Let time go by; returns what the timers that rang led to."""
        until, done = UtcNs(self.now() + int(seconds * NS_PER_S)), list[str]()
        while due := min((each[0] for each in self.timers.set if each[0] <= until), default=None):
            self.now.at = max(self.now(), due)
            for at, job in self.timers.due(due):
                done.append(self.do(at, job, interruption))
        self.now.at = max(self.now(), until)
        return done

    def acknowledged(self, event: Event) -> bool:
        wanted = (
            event.thing,
            Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision),
        )
        return wanted in self.replies.sent

    def alerts_of(self, event: Event) -> list[str]:
        return [one.alert.number for one in self.notifier.published if one.event_id == event.event_id]

    def sent(self, purpose: Purpose) -> list[Published]:
        return self.notifier.of(purpose)

    def told_ids(self) -> Counter[str]:
        """How often each event was told of, in whatever message."""
        documents = [one.alert.document for one in self.notifier.all]
        return Counter(found for document in documents for found in ids_in(document))


def ids_in(document: str) -> list[str]:

    ids: list[str] = json.loads(document)["event_ids"]
    return ids
