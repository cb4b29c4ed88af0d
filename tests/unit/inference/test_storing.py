"""From changes to the disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.event import Event, EventKind, NormalBox
from smartcam.contract.ids import CameraId, EventId
from smartcam.edge.backoff import Backoff
from smartcam.edge.outbox.outbox import Episode, Outbox
from smartcam.inference.events import Change, EpisodePicture, Trigger
from smartcam.inference.storing import ChangeStore
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import maker

MAKER = maker()


class FickleDisk(Outbox):
    """An outbox that takes nothing while it is full, and no person while it refuses them."""

    is_full = False
    refuses_people = False

    def put(self, event: Event, episode: Episode | None = None) -> None:
        if self.is_full:
            raise OutboxError("database or disk is full")
        if self.refuses_people and event.kind is EventKind.PERSON:
            raise ContractError("event", "has 5000 bytes, at most 4096 are allowed")
        super().put(event, episode)


class Shop:
    """A store of changes with its disk; time is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.outbox = FickleDisk(folder / "outbox.sqlite3", self.clock)
        self.told = 0
        self.pictures: list[tuple[CameraId, EventId, bytes]] = []
        backoff = Backoff(1.0, 30.0, lambda: 1.0)
        self.store = ChangeStore(self.outbox, self.clock, backoff, self._tell, [self._keep])

    def raised(self, kind: EventKind = EventKind.PERSON, *, jpeg: bytes | None = None) -> Change:
        box = NormalBox(0.1, 0.1, 0.2, 0.2)
        _, change = MAKER.raised(Trigger(kind, 0.8, 0.6, box), self.clock.utc(), self.clock.monotonic())
        assert change.event is not None
        picture = None if jpeg is None else EpisodePicture(change.event.camera_id, change.event.event_id, jpeg)
        return Change(change.event, change.episode, picture)

    def kinds(self) -> list[str]:
        return [str(due.event.kind) for due in self.outbox.due(100)]

    def _tell(self) -> None:
        self.told += 1

    def _keep(self, camera: CameraId, event: EventId, jpeg: bytes) -> None:
        self.pictures.append((camera, event, jpeg))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_changes_are_stored_in_order_and_their_pictures_kept(shop: Shop) -> None:
    first, second = shop.raised(jpeg=b"one"), shop.raised(EventKind.VEHICLE)
    shop.store.keep([first, second])
    assert (shop.kinds(), shop.store.unstored, shop.told) == ([], 2, 0)
    shop.store.store()
    assert (shop.kinds(), shop.store.unstored, shop.told) == (["person", "vehicle"], 0, 1)
    assert first.event is not None
    assert shop.pictures == [(first.event.camera_id, first.event.event_id, b"one")]
    shop.store.store()
    assert shop.told == 1


def test_what_is_raised_and_what_is_cleared_is_counted_and_the_state_of_an_episode_is_neither(shop: Shop) -> None:
    episode, raised = MAKER.raised(Trigger(EventKind.PERSON, 0.8, 0.6), shop.clock.utc(), shop.clock.monotonic())
    cleared = MAKER.cleared(episode, shop.clock.utc())
    shop.store.keep([raised, Change(None, raised.episode), cleared])
    assert (shop.store.raised, shop.store.cleared) == (1, 1)
    shop.store.store()
    assert len(shop.outbox.open_episodes()) == 0


def test_who_takes_note_hears_of_a_change_as_it_is_sent_and_at_once_whatever_the_outbox_takes(shop: Shop) -> None:
    noted: list[Event] = []
    backoff = Backoff(1.0, 30.0, lambda: 1.0)
    store = ChangeStore(
        shop.outbox,
        shop.clock,
        backoff,
        lambda: None,
        judged=lambda event: replace(event, held_back="mine 1"),
        noted=noted.append,
    )
    shop.outbox.is_full = True
    change = shop.raised()
    store.keep([change, Change(None, change.episode)])
    assert change.event is not None
    assert noted == [replace(change.event, held_back="mine 1")]
    store.store()
    shop.outbox.is_full = False
    shop.clock.advance(1.0)
    store.store()
    assert len(noted) == 1


def test_a_full_disk_is_asked_again_later_and_its_pictures_wait_with_their_events(shop: Shop) -> None:
    shop.outbox.is_full = True
    shop.store.keep([shop.raised(jpeg=b"one")])
    shop.store.store()
    shop.outbox.is_full = False
    shop.store.store()
    assert (shop.kinds(), shop.pictures, shop.store.unstored) == ([], [], 1)
    shop.clock.advance(1.0)
    shop.store.store()
    assert (shop.kinds(), len(shop.pictures), shop.store.unstored) == (["person"], 1, 0)


def test_what_no_outbox_can_hold_is_told_and_holds_up_no_other(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.outbox.refuses_people = True
    shop.store.keep([shop.raised(), shop.raised(EventKind.VEHICLE)])
    shop.store.store()
    assert (shop.kinds(), shop.store.unstored) == (["vehicle"], 0)
    assert caplog.text.count("event_not_storable") == 1


def test_only_a_few_pictures_wait_in_memory(shop: Shop) -> None:
    shop.outbox.is_full = True
    shop.store.keep([shop.raised(jpeg=b"%d" % number) for number in range(20)])
    shop.outbox.is_full = False
    shop.store.store()
    assert [jpeg for _, _, jpeg in shop.pictures] == [b"%d" % number for number in range(16)]
    assert shop.outbox.counts().waiting == 20


def test_more_changes_at_once_than_memory_keeps_are_stored_on_the_way(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    changes = [shop.raised(EventKind.CAMERA_LOST) for _ in range(1100)]
    shop.store.keep(changes)
    shop.store.store()
    assert "change_lost" not in caplog.text
    assert shop.outbox.counts().waiting == 1100
    shop.outbox.is_full = True
    shop.clock.advance(60)
    shop.store.keep(changes)
    lost = [line for line in caplog.text.splitlines() if "change_lost" in line]
    assert len(lost) == 100
    assert "the outbox takes nothing" in lost[0]
    assert changes[0].event is not None
    assert f"event_id={changes[0].event.event_id} camera=yard kind=camera_lost" in lost[0]
    assert shop.store.unstored == 1000
