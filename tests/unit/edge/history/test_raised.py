"""The newest events as they were when they were raised."""

from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.edge.history import raised as under_test
from smartcam.edge.history.raised import newest_raised
from smartcam.edge.segments import content_of, segments_in
from tests.unit.edge.history.sample import Shelf, cleared, raised, recorded, the_id


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "work" / "history")


def test_an_event_is_as_it_was_raised_last_whatever_came_later(shelf: Shelf) -> None:
    better = replace(raised(1), label="fox", revision=1)
    shelf.write(raised(1), raised(2), better)
    shelf.write(replace(cleared(raised(1)), score=0.99, revision=1), recorded(raised(2)))
    shelf.history.judge(the_id(1), true=False)
    shelf.history.store()
    first, second = newest_raised(shelf.folder, 10)
    assert (first.event, first.verdict) == (raised(2), None)
    assert (second.event, second.verdict) == (better, False)
    assert [past.event for past in newest_raised(shelf.folder, 1)] == [raised(2)]


def test_no_more_of_the_history_is_read_than_is_asked_for(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        shelf.write(raised(number))
        shelf.begin()
    read = []

    def reading(path: Path) -> bytes:
        read.append(path)
        return content_of(path)

    monkeypatch.setattr(under_test, "content_of", reading)
    assert [past.event for past in newest_raised(shelf.folder, 2)] == [raised(5), raised(4)]
    assert len(read) == 2


def test_where_there_is_no_history_there_are_none(tmp_path: Path) -> None:
    assert newest_raised(tmp_path / "none", 10) == []
    (tmp_path / "file").write_bytes(b"")
    assert newest_raised(tmp_path / "file", 10) == []


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.7, 1.0])
def test_what_is_damaged_is_left_out(shelf: Shelf, share: float) -> None:
    shelf.write(raised(1))
    shelf.write(raised(2))
    (segment,) = segments_in(shelf.folder)
    content = content_of(segment.path)
    place = int(share * len(content))
    segment.path.write_bytes(content[:place] + b"noise" + content[place:])
    found = [past.event for past in newest_raised(shelf.folder, 10)]
    assert found in ([raised(2)], [raised(1)], [raised(2), raised(1)])
