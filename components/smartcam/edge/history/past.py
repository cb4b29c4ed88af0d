"""What is known of one event that has been: its newest state, put together from its records."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from sys import intern
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import SCHEMA, ClipPart, Event, EventKind, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import Fields
from smartcam.edge.history.records import SaidOfEvent

_RANKS: Final = (Phase.RECORDED, Phase.RAISED, Phase.CLEARED)
"""What tells more of an event comes later."""


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event as it is known now.

    `event` is the cleared one if it has ended, else the newest raised one; of an event whose other records are gone it
    is the recorded one. Either says in `held_back` whether the newest raised one was held back. `clips`: the parts of
    its clip that its newest record names. `verdict`: whether somebody has called it true or false.
    """

    event: Event
    clips: tuple[ClipPart, ...] = ()
    verdict: bool | None = None
    has_picture: bool = False


@dataclass(frozen=True, slots=True)
class EventChoice:
    """Which events are looked for; None: any. `least_score`: 0 to 1."""

    camera: CameraId | None = None
    kind: EventKind | None = None
    zone: str | None = None
    least_score: float = 0.0


class KnownEvent:
    """What of an event has been read so far. Its lines are looked at more closely only where it is asked for."""

    __slots__ = (
        "_camera", "_clips", "_clips_revision", "_held_back", "_kind", "_of_cloud", "_raised_revision", "_rank",
        "_score", "_told", "_verdict", "_zone", "newest",
    )  # fmt: skip

    def __init__(self) -> None:
        self.newest = Path()
        """The file with the newest of its records."""
        self._verdict: bool | None = None
        self._of_cloud: bool | None = None
        self._told = self._clips = b""
        self._rank = (-1, 0)
        self._raised_revision = self._clips_revision = -1
        self._held_back: str | None = None
        self._camera = self._kind = self._zone = ""
        self._score = 0.0

    @property
    def is_told(self) -> bool:
        """Whether there is more of it than a verdict."""
        return bool(self._told)

    def judge(self, judged: SaidOfEvent) -> None:
        """Somebody has said something of it. The cloud repeats itself: only what it has not said before is news."""
        if judged.of_cloud and judged.true == self._of_cloud:
            return
        self._of_cloud = judged.true if judged.of_cloud else self._of_cloud
        self._verdict = judged.true

    def tell(self, document: Mapping[str, object], line: bytes) -> None:
        """One of its phases, as it stands in a line. Raises ContractError for one that this version does not know."""
        fields = Fields(document)
        if fields.integer("schema") != SCHEMA:
            raise ContractError("schema", f"must be {SCHEMA}")
        phase, revision = fields.choice("phase", Phase), fields.optional_integer("revision") or 0
        if phase is Phase.RECORDED and revision >= self._clips_revision:
            self._clips, self._clips_revision = line, revision
        if phase is Phase.RAISED and revision >= self._raised_revision:
            # A process that goes on with it says it once more, and does not know.
            known = self._held_back if revision == self._raised_revision else None
            self._held_back, self._raised_revision = fields.optional_text("held_back") or known, revision
        rank = _RANKS.index(phase), revision
        if rank >= self._rank:
            self._camera, self._kind = intern(fields.text("camera_id")), intern(fields.text("kind"))
            self._zone = intern(fields.optional_text("zone") or "")
            self._score = fields.number("score", 0, 1)
            self._rank, self._told = rank, line

    def fits(self, chosen: EventChoice) -> bool:
        """Whether it is one of those that are looked for."""
        return (
            self.is_told
            and chosen.camera in {None, self._camera}
            and chosen.kind in {None, self._kind}
            and chosen.zone in {None, self._zone}
            and self._score >= chosen.least_score
        )

    def past(self) -> PastEvent:
        """All that is known of it, but for its picture. Raises ContractError if its lines are not an event's."""
        event = Event.from_json(self._told)
        clips = Event.from_json(self._clips).clips if self._clips else ()
        held_back = event.held_back if self._raised_revision < 0 else self._held_back
        return PastEvent(replace(event, held_back=held_back), clips, self._verdict)
