"""The event filter: holds back what this user calls false, and in every doubt lets it go out."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from smartcam.contract.errors import ContractError
from smartcam.contract.event import HELD_BACK, Event, Phase
from smartcam.contract.reading import LARGEST_INTEGER
from smartcam.contract.wish import FilterPreview
from smartcam.edge.clock import Clock
from smartcam.edge.history.folder import EventHistory
from smartcam.edge.history.past import PastEvent
from smartcam.edge.history.raised import newest_raised
from smartcam.edge.logs import log
from smartcam.inference.bundles import Keeper
from smartcam.model.rows.bundle import RowBundle, open_filter
from smartcam.model.rows.known import event_row

logger = logging.getLogger(__name__)

MOST_PREVIEWED = 200
"""Events; each costs the network once, in the thread that analyses frames."""


class EventJudge:
    """Judges events as they are raised. Without a folder, or with one that is refused, none is held back.

    `takes` gives what the cloud takes: one that does not know the field would alert people. For one thread.
    """

    def __init__(self, clock: Clock, random: Callable[[], float], takes: Callable[[], tuple[str, ...]]) -> None:
        self._keeper = Keeper[RowBundle](None, clock, random, open_filter)
        self._takes = takes
        self._path: Path | None = None
        self._on_trial = False
        self._is_failing = False

    @property
    def refused(self) -> str:
        """Why the configured filter is not in use; empty if it is, or if there is none. For any thread."""
        return f"filter: {self._keeper.refused}" if self._path is not None and self._keeper.refused else ""

    def use(self, path: Path | None, trusted_key: bytes | None, *, on_trial: bool = False) -> None:
        """Take the filter from this folder from now on; if a key is given, only if it has signed the bundle.

        `on_trial`: it holds nothing back, and only says what it would.
        """
        self._path, self._on_trial = path, on_trial
        self._keeper.use(path, trusted_key)

    def refresh(self) -> None:
        """Check the folder if it is time to."""
        if self._path is not None:
            self._keeper.refresh()

    @property
    def _bundle(self) -> RowBundle | None:
        """The filter to judge by."""
        return None if self._path is None or self._keeper.refused else self._keeper.model

    def judged(self, event: Event) -> Event:
        """The event, with the filter's name if it is held back."""
        bundle = self._bundle
        if bundle is None or self._on_trial or HELD_BACK not in self._takes():
            return event
        manifest = bundle.manifest
        try:
            if not _holds_back(bundle, event):
                return event
            held = replace(event, held_back=f"{manifest.name} {manifest.version}")
            replace(held, age_ms=LARGEST_INTEGER).to_json()  # raises where there is no room for the name
        except Exception as error:  # noqa: BLE001  the edge of the loop: no filter may cost an alert
            level = logging.DEBUG if self._is_failing else logging.ERROR
            self._is_failing = True
            log(logger, level, "filter_failed", filter=manifest.name, event_id=event.event_id, error=error)
            return event
        self._is_failing = False
        log(logger, logging.INFO, "event_held_back", event_id=event.event_id, filter=held.held_back)
        return held

    def preview(self, past: Iterable[PastEvent]) -> FilterPreview:
        """What the filter makes of events as they were raised. Raises ContractError where none can judge."""
        bundle = self._bundle
        if bundle is None:
            raise ContractError("filter", self.refused.removeprefix("filter: ") or "is not set")
        events = list(past)
        try:
            held = [one for one in events if _holds_back(bundle, one.event)]
        except Exception as error:  # whoever asks must not stop what watches
            raise ContractError("filter", f"fails: {error}") from error
        manifest = bundle.manifest
        return FilterPreview(
            manifest.name,
            manifest.version,
            self._on_trial,
            events=len(events),
            false=sum(one.verdict is False for one in events),
            true=sum(one.verdict is True for one in events),
            held=len(held),
            held_false=sum(one.verdict is False for one in held),
            held_true=sum(one.verdict is True for one in held),
        )


def previewing(judge: EventJudge, history: EventHistory | None) -> Callable[[], FilterPreview]:
    """What makes a preview of the device's own history. It raises ContractError where there is no filter to judge."""
    return lambda: judge.preview([] if history is None else newest_raised(history.folder, MOST_PREVIEWED))


def _holds_back(bundle: RowBundle, event: Event) -> bool:
    """By a wrong clock, a false event's hour would be another's."""
    return event.phase is Phase.RAISED and event.clock_synced and bundle.holds_back(event_row(event))
