"""Who reads the history while somebody writes it."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.wanted import Verdict
from smartcam.edge.history import reading
from smartcam.edge.history.folder import HistorySettings
from smartcam.edge.history.past import EventChoice
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.pictures.folder import PictureFolder
from smartcam.edge.segments import content_of
from tests.unit.edge.history.sample import Shelf, cleared, raised, recorded, the_id

YARD = CameraId("yard")


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "work" / "history")


def test_events_are_found_newest_first_each_once_in_its_newest_state(shelf: Shelf) -> None:
    shelf.write(raised(1))
    shelf.write(raised(3), raised(2))
    shelf.write(cleared(raised(1)), recorded(raised(3)))
    shelf.reader.refresh()
    page = shelf.reader.page()
    assert [past.event.event_id for past in page.events] == [the_id(3), the_id(2), the_id(1)]
    assert [past.event.phase for past in page.events] == [Phase.RAISED, Phase.RAISED, Phase.CLEARED]
    assert [len(past.clips) for past in page.events] == [1, 0, 0]
    assert not page.more


def test_a_refresh_names_what_has_changed_in_its_order_and_what_was_not_there_before(shelf: Shelf) -> None:
    shelf.write(raised(2), raised(1), cleared(raised(1)))
    shelf.reader.refresh()
    assert list(shelf.reader.changed.items()) == [(the_id(2), True), (the_id(1), True)]
    shelf.write(cleared(raised(2)), raised(0))
    shelf.reader.refresh()
    assert list(shelf.reader.changed.items()) == [(the_id(2), False), (the_id(0), True)]
    shelf.reader.refresh()
    assert shelf.reader.changed == {}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 7])
def test_page_after_page_gives_every_event_once(shelf: Shelf, limit: int) -> None:
    shelf.write(*(raised(number) for number in range(7)))
    shelf.reader.refresh()
    found: list[EventId] = []
    before, more = None, True
    while more:
        page = shelf.reader.page(before=before, limit=limit)
        more = page.more
        assert len(page.events) == (limit if more else min(limit, 7 - len(found)))
        found += [past.event.event_id for past in page.events]
        before = found[-1]
    assert found == [the_id(number) for number in range(6, -1, -1)]


def test_an_event_that_is_gone_still_says_where_the_next_page_begins(shelf: Shelf) -> None:
    shelf.write(raised(1), raised(5))
    shelf.reader.refresh()
    assert [past.event.event_id for past in shelf.reader.page(before=the_id(3)).events] == [the_id(1)]


@pytest.mark.parametrize("limit", [0, -5, 10**9])
def test_a_page_has_at_least_one_event_and_at_most_a_thousand(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(reading, "MOST_OF_A_PAGE", 3)
    shelf.write(*(raised(number) for number in range(5)))
    shelf.reader.refresh()
    page = shelf.reader.page(limit=limit)
    assert (len(page.events), page.more) == (3 if limit > 0 else 1, True)


def test_only_what_is_looked_for_is_on_a_page(shelf: Shelf) -> None:
    street = replace(raised(1, EventKind.VEHICLE, "street"), zone="drive", score=0.55)
    shelf.write(street, raised(2), raised(3))
    shelf.reader.refresh()
    for chosen in (
        EventChoice(camera=CameraId("street")),
        EventChoice(kind=EventKind.VEHICLE),
        EventChoice(zone="drive"),
    ):
        page = shelf.reader.page(chosen)
        assert ([past.event for past in page.events], page.more) == ([street], False)
    assert len(shelf.reader.page(EventChoice(least_score=0.6)).events) == 2
    assert shelf.reader.page(EventChoice(kind=EventKind.ANIMAL)).events == ()


def test_what_is_appended_is_found_without_reading_again_what_was_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write(*(raised(number) for number in range(100)))
    shelf.reader.refresh()
    read: list[int] = []

    def counted(path: Path, begin: int = 0) -> bytes:
        content = content_of(path, begin)
        read.append(len(content))
        return content

    monkeypatch.setattr("smartcam.edge.history.reading.content_of", counted)
    assert not shelf.reader.refresh()
    assert read == []
    shelf.write(cleared(raised(7)))
    assert shelf.reader.refresh()
    assert len(read) == 1
    assert read[0] < 1000
    past = shelf.reader.event(the_id(7))
    assert past is not None
    assert past.event.phase is Phase.CLEARED
    assert not shelf.reader.refresh()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_block_that_is_only_half_there_is_read_once_it_is_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("history"))
    shelf.write(raised(1))
    shelf.write(raised(2))
    (file,) = shelf.files()
    content = file.read_bytes()
    part = data.draw(st.integers(0, len(content)))
    file.write_bytes(content[:part])
    shelf.reader.refresh()
    file.write_bytes(content)
    assert shelf.ids() == [the_id(2), the_id(1)]


def _happen(shelf: Shelf, what: str, number: int) -> None:
    event = raised(number, EventKind.MOTION)
    if what == "tear":
        for file in shelf.files()[-1:] if shelf.folder.exists() else ():
            with file.open("ab") as torn:
                torn.write(file.read_bytes()[: number * 37])
        shelf.begin()
    elif what == "restart":
        shelf.begin()
    elif what == "cloud":
        shelf.history.take_verdicts([Verdict(event.event_id, true=number % 2 == 0)])
    elif what == "here":
        shelf.history.judge(event.event_id, true=[True, False, None][number % 3])
    else:
        named = replace(event, kind=EventKind.PERSON, revision=1)
        changes = {"raise": event, "name": named, "clear": cleared(named), "record": recorded(named, number % 3 + 1)}
        shelf.history.add(changes[what])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["raise", "name", "clear", "record", "cloud", "here", "restart", "tear", "store", "read"]),
            st.integers(0, 5),
        ),
        max_size=40,
    )
)
def test_who_has_followed_all_along_knows_what_a_newcomer_reads(
    tmp_path_factory: pytest.TempPathFactory, story: list[tuple[str, int]]
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("history"))
    for what, number in story:
        if what == "read":
            shelf.reader.refresh()
        elif what == "store":
            shelf.write()
        else:
            _happen(shelf, what, number)
    shelf.write()
    newcomer = PastEvents(shelf.folder)
    for reader in (shelf.reader, newcomer):
        reader.refresh()
    assert shelf.reader.page() == newcomer.page()
    assert len({past.event.event_id for past in newcomer.page().events}) == len(newcomer.page().events)


def test_what_has_become_too_old_is_gone_for_the_reader_too(shelf: Shelf) -> None:
    shelf.write(raised(1))
    assert shelf.ids() == [the_id(1)]
    shelf.clock.advance(40 * 86_400)
    shelf.write(raised(2))
    assert shelf.ids() == [the_id(2)] == shelf.ids(PastEvents(shelf.folder))
    assert shelf.reader.event(the_id(1)) is None


def test_a_history_that_was_deleted_and_is_wanted_again_is_another_one(shelf: Shelf) -> None:
    shelf.write(raised(1))
    assert shelf.ids() == [the_id(1)]
    shelf.history.configure(HistorySettings(keep=False))
    shelf.history.configure(HistorySettings())
    for number in (2, 3, 4):
        shelf.history.add(raised(number))
        shelf.history.store()
    assert shelf.ids() == [the_id(4), the_id(3), the_id(2)]


def test_a_history_that_was_deleted_or_cut_is_begun_anew(shelf: Shelf) -> None:
    shelf.write(raised(1))
    shelf.write(raised(2))
    assert len(shelf.ids()) == 2
    (file,) = shelf.files()
    file.write_bytes(file.read_bytes()[:-3])
    assert shelf.ids() == [the_id(1)]
    shutil.rmtree(shelf.folder)
    assert shelf.ids() == []


def test_damage_costs_what_was_hit_and_is_told_once(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2, 3):
        shelf.write(raised(number))
    (file,) = shelf.files()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    for _ in range(3):
        assert shelf.ids() == [the_id(3), the_id(1)]
    shelf.write(raised(4))
    assert shelf.ids() == [the_id(4), the_id(3), the_id(1)]
    assert caplog.text.count("history_damaged") == 1


@pytest.mark.parametrize("thing", ["noise", "link", "pipe", "folder", "empty"])
def test_whatever_else_lies_in_the_folder_is_no_event_and_nothing_to_wait_for(
    shelf: Shelf, tmp_path: Path, thing: str
) -> None:
    shelf.write(raised(1))
    theirs = Shelf(tmp_path / "theirs")
    theirs.write(raised(2))
    odd = shelf.folder / "00000009-5.rows"
    if thing == "noise":
        odd.write_bytes(os.urandom(5000))
    elif thing == "link":
        odd.symlink_to(theirs.files()[0])
    elif thing == "pipe":
        os.mkfifo(odd)
    elif thing == "folder":
        odd.mkdir()
    else:
        odd.touch()
    assert shelf.ids() == [the_id(1)]


def test_no_folder_is_an_empty_history(tmp_path: Path) -> None:
    reader = PastEvents(tmp_path / "nowhere")
    assert not reader.refresh()
    assert reader.page().events == ()


def test_a_folder_that_cannot_be_read_is_told_of_once_and_costs_nothing_that_is_known(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write(raised(1))
    shelf.reader.refresh()

    def refuse(_: Path) -> object:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "iterdir", refuse)
    for _ in range(3):
        assert not shelf.reader.refresh()
    assert [record.levelname for record in caplog.records if "history_not_read" in record.message].count("WARNING") == 1
    assert len(shelf.reader.page().events) == 1


def test_a_verdict_is_a_part_of_its_event_also_where_it_came_first(shelf: Shelf) -> None:
    shelf.history.take_verdicts([Verdict(the_id(1), true=False), Verdict(the_id(9), true=True)])
    shelf.write(raised(1), raised(2))
    shelf.history.judge(the_id(2), true=True)
    shelf.write()
    shelf.reader.refresh()
    assert [past.verdict for past in shelf.reader.page().events] == [True, False]
    shelf.history.judge(the_id(2), true=None)
    shelf.write()
    shelf.reader.refresh()
    assert [past.verdict for past in shelf.reader.page().events] == [None, False]


def test_a_picture_is_the_one_that_was_kept_of_the_event_and_no_other_file(tmp_path: Path) -> None:
    album = PictureFolder(tmp_path / "pictures")
    shelf = Shelf(tmp_path / "history")
    reader = PastEvents(shelf.folder, tmp_path / "pictures")
    shelf.write(raised(1), raised(2), raised(3))
    album.keep(YARD, the_id(1), b"jpeg of 1")
    album.keep(CameraId("street"), the_id(2), b"of another camera")
    secret = tmp_path / "secret"
    secret.write_bytes(b"theirs")
    (tmp_path / "pictures" / f"{the_id(3)}.yard.jpg").symlink_to(secret)
    reader.refresh()
    assert reader.picture(the_id(1)) == b"jpeg of 1"
    assert [reader.picture(the_id(number)) for number in (2, 3, 4)] == [None, None, None]
    assert [past.has_picture for past in reader.page().events] == [False, False, True]


def test_a_record_of_tomorrow_hides_no_event_of_today(shelf: Shelf) -> None:
    class OfTomorrow(Event):
        def to_json(self) -> bytes:
            return cleared(raised(1)).to_json().replace(b'"schema":1', b'"schema":2')

    shelf.write(raised(1))
    shelf.history.add(OfTomorrow(**{name: getattr(raised(5), name) for name in Event.__dataclass_fields__}))
    shelf.write(raised(2))
    shelf.reader.refresh()
    assert [past.event for past in shelf.reader.page().events] == [raised(2), raised(1)]


def test_a_thousand_events_are_read_and_how_long_that_takes_is_reported(
    tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    shelf = Shelf(tmp_path, HistorySettings())
    for start in range(0, 1000, 100):
        shelf.write(*(raised(number) for number in range(start, start + 100)))
        shelf.write(*(cleared(raised(number)) for number in range(start, start + 100)))
    took = []
    for _ in range(3):  # the machine is shared
        reader = PastEvents(shelf.folder)
        began = time.process_time()
        reader.refresh()
        assert len(reader.page(limit=1000).events) == 1000
        took.append(time.process_time() - began)
    record_testsuite_property("thousand_events_read_ms", round(min(took) * 1e3))
