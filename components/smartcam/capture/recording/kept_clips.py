"""Says which clips there are of one camera's events, until inference has heard it; a restart forgets nothing."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.contract.clip import ClipHeard, ClipKept
from smartcam.contract.errors import ContractError
from smartcam.contract.event import MOST_CLIPS, ClipPart, Event, Phase
from smartcam.contract.ids import CameraId
from smartcam.contract.reading import parse_object
from smartcam.contract.times import NS_PER_S
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile

logger = logging.getLogger(__name__)

_AGAIN_NS: Final = 20 * NS_PER_S
_MOST: Final = 256
"""Events of which clips are unheard; beyond that the oldest are not said any more."""


@dataclass(slots=True)
class _Unheard:
    """An event with clips; `kept` is None until there is a finished one, or where it has to be made anew."""

    event: Event
    kept: ClipKept | None = None
    say_at: int = 0
    is_open: bool = False


class KeptClips:
    """For one thread. `say` hands a message to inference, which may be away."""

    def __init__(
        self,
        camera: CameraId,
        folder: ClipFolder,
        say: Callable[[ClipKept], None],
        clock: Clock,
        memory: MemoryFile | None = None,
    ) -> None:
        """`memory` keeps what is unheard for the next process, which finishes what this one has begun."""
        self._camera = camera
        self._folder = folder
        self._say = say
        self._clock = clock
        self._memory = memory
        self._unheard = {event.event_id: _Unheard(event) for event in _read(b"" if memory is None else memory.load())}

    def begun(self, event: Event) -> None:
        """A clip of the event is being written."""
        self._unheard[event.event_id] = _Unheard(event, is_open=True)
        while len(self._unheard) > _MOST:
            del self._unheard[next(iter(self._unheard))]
        self._store()

    def finished(self, event: Event) -> None:
        """A part of its clip is there."""
        self._unheard[event.event_id] = _Unheard(event)

    def heard(self, message: ClipHeard) -> None:
        """Inference knows; not yet of what has come since."""
        one = self._unheard.get(message.event_id)
        if one is not None and not one.is_open and one.kept and one.kept.event.revision <= message.revision:
            del self._unheard[message.event_id]
            self._store()

    def step(self) -> None:
        """Say what is unheard, when it is time to. Raises OSError where a clip cannot be read."""
        now = self._clock.monotonic()
        for event_id, one in list(self._unheard.items()):
            if one.is_open or now < one.say_at:
                continue
            one.say_at = now + _AGAIN_NS
            one.kept = one.kept or self._record(one.event)
            if one.kept is None:  # it has made room for others meanwhile
                del self._unheard[event_id]
                self._store()
            else:
                self._say(one.kept)

    def _record(self, event: Event) -> ClipKept | None:
        parts = self._folder.parts(self._camera, event.event_id)
        for most in (MOST_CLIPS, MOST_CLIPS // 4, 1):
            if parts:
                record = _recorded(event, parts[-most:], self._folder.key)
                if record is not None:
                    return ClipKept(record)
        return None

    def _store(self) -> None:
        if self._memory is None:
            return
        events = [parse_object(one.event.to_json(), "event") for one in self._unheard.values()]
        try:
            self._memory.store(json.dumps(events).encode())
        except OSError as error:
            log(logger, logging.WARNING, "clips_unheard_not_stored", camera=self._camera, error=error)


def _recorded(event: Event, parts: Sequence[ClipPart], key: str | None) -> Event | None:
    """The event's record with these parts; None where it would be too large."""
    record = replace(
        event, phase=Phase.RECORDED, ended_at=None, revision=parts[-1].part, clips=tuple(parts), clip_key=key
    )
    try:
        record.to_json()
    except ContractError:
        return None
    return record


def _read(content: bytes) -> list[Event]:
    """The events that are stored; none where this version cannot read them."""
    try:
        documents = json.loads(content or b"[]")
        return [Event.from_json(json.dumps(each)) for each in documents]
    except (ValueError, TypeError, RecursionError, ContractError):
        return []
