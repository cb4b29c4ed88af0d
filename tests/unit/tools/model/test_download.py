"""A file comes whole and right, or not at all, whatever the server does."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.file_server import FileServer, serving
from tools.model.download import LARGEST, ExactFile, Fetching, download
from tools.model.errors import FetchError, WrongBytes
from tools.model.http import Pace
from tools.model.partial import PartialFile

CONTENT = bytes(range(256)) * 400
OTHER = CONTENT[::-1]


def exactly(content: bytes, size: int | None = -1) -> ExactFile:
    return ExactFile(hashlib.sha256(content).hexdigest(), len(content) if size == -1 else size)


class Desk:
    """A folder, and what is fetched into it from a server, without waiting between tries."""

    def __init__(self, server: FileServer, folder: Path) -> None:
        self.server, self.target = server, folder / "model.tflite"
        self.pauses: list[float] = []
        self.told: list[tuple[int, int | None]] = []
        self.fetching = Fetching(self.pauses.append, lambda have, size: self.told.append((have, size)))

    def fetch(self, wanted: ExactFile | None = None, path: str = "/m") -> bytes:
        download(self.server.address(path), wanted or exactly(CONTENT), self.target, self.fetching)
        return self.target.read_bytes()

    def there(self) -> list[str]:
        return sorted(path.name for path in self.target.parent.iterdir())

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.server.asked]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving(FileServer({"/m": CONTENT}, tags={"/m": '"one"'})) as server:
        yield Desk(server, tmp_path)


@pytest.mark.parametrize("size", [-1, None])
@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_comes_as_it_is_for_its_user_alone(desk: Desk, size: int | None, says_length: bool) -> None:  # noqa: FBT001
    desk.server.says_length = says_length
    assert desk.fetch(exactly(CONTENT, size)) == CONTENT
    assert desk.there() == ["model.tflite"]
    assert stat.S_IMODE(desk.target.stat().st_mode) == 0o600
    assert desk.told[-1] == (len(CONTENT), None if size is None else len(CONTENT))
    assert desk.server.asked[0][1]["Accept-Encoding"] == "identity"


def test_what_breaks_off_is_gone_on_with(desk: Desk) -> None:
    desk.server.breaks = [30_000, 20_000]
    assert desk.fetch() == CONTENT
    assert desk.ranges() == [None, "bytes=30000-", "bytes=50000-"]
    assert [headers.get("If-Range") for _, headers in desk.server.asked] == [None, '"one"', '"one"']


def test_what_broke_off_is_gone_on_with_another_time(desk: Desk) -> None:
    desk.server.breaks = [40_000, 0, 0]
    with pytest.raises(FetchError, match=rf"/m: broke off after 40000 of {len(CONTENT)} bytes"):
        desk.fetch()
    assert desk.there() == ["model.tflite.origin", "model.tflite.part"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in desk.target.parent.iterdir()} == {0o600}
    desk.server.asked.clear()
    assert desk.fetch() == CONTENT
    assert desk.ranges() == ["bytes=40000-"]
    assert desk.there() == ["model.tflite"]


def test_each_try_that_brings_something_is_followed_by_another(desk: Desk) -> None:
    desk.server.breaks = [5_000] * 15
    assert desk.fetch() == CONTENT
    assert len(desk.server.asked) == 16


def test_three_tries_that_bring_nothing_are_the_end(desk: Desk) -> None:
    desk.server.breaks = [0] * 9
    with pytest.raises(FetchError, match="broke off after 0 of"):
        desk.fetch()
    assert (len(desk.server.asked), desk.pauses) == (3, [1.0, 2.0])
    assert desk.there() == []


def test_a_server_without_ranges_begins_anew(desk: Desk) -> None:
    desk.server.breaks, desk.server.ranges = [30_000], False
    assert desk.fetch() == CONTENT


def test_a_server_without_ranges_that_always_breaks_off_is_left(desk: Desk) -> None:
    desk.server.breaks, desk.server.ranges = [30_000] * 99, False
    with pytest.raises(FetchError, match="broke off after 30000 of"):
        desk.fetch()
    assert len(desk.server.asked) <= 4


@pytest.mark.parametrize(("tag", "dated", "only_if"), [
    ("", "", None),
    ('W/"weak"', "Mon, 30 Nov 2026 00:00:00 GMT", None),
    ("", "Mon, 30 Nov 2026 00:00:00 GMT", "Mon, 30 Nov 2026 00:00:00 GMT"),
    ('"in two\r\n lines"', "", None),
    ('"' + "x" * 5000 + '"', "", None),
])  # fmt: skip
def test_a_server_that_names_its_files_otherwise_is_asked_as_it_can_answer(
    desk: Desk, tag: str, dated: str, only_if: str | None
) -> None:
    desk.server.tags, desk.server.dated, desk.server.breaks = ({"/m": tag} if tag else {}), dated, [30_000]
    assert desk.fetch() == CONTENT
    assert desk.server.asked[1][1].get("If-Range") == only_if
    assert desk.ranges()[1] == "bytes=30000-"


def break_off(desk: Desk, after: int) -> None:
    desk.server.breaks = [after, 0, 0]
    with pytest.raises(FetchError, match="broke off"):
        desk.fetch()
    desk.server.breaks = []
    desk.server.asked.clear()


def test_a_file_that_changed_between_two_parts_is_fetched_whole(desk: Desk) -> None:
    desk.server.files["/m"] = OTHER
    break_off(desk, 40_000)
    desk.server.files["/m"], desk.server.tags["/m"] = CONTENT, '"two"'
    assert desk.fetch() == CONTENT
    assert desk.ranges() == ["bytes=40000-"], "the server sent all of it, because of If-Range"


def test_a_file_that_changed_under_the_same_name_is_fetched_once_more(desk: Desk) -> None:
    desk.server.files["/m"] = OTHER
    break_off(desk, 40_000)
    desk.server.files["/m"] = CONTENT
    assert desk.fetch() == CONTENT
    assert desk.ranges() == ["bytes=40000-", None]


def test_what_came_from_another_address_is_not_gone_on_with(desk: Desk) -> None:
    break_off(desk, 40_000)
    desk.server.files["/n"] = CONTENT
    assert desk.fetch(path="/n") == CONTENT
    assert desk.ranges() == [None]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"address": 1}', b"\xff" * 20_000])
def test_a_note_of_the_origin_that_is_damaged_begins_anew(desk: Desk, damage: bytes) -> None:
    break_off(desk, 40_000)
    desk.target.with_name("model.tflite.origin").write_bytes(damage)
    assert desk.fetch() == CONTENT
    assert desk.ranges() == [None]


def test_the_address_is_not_written_down_because_it_may_hold_a_key(desk: Desk) -> None:
    desk.server.files["/m?key=hunter2"] = CONTENT
    desk.server.breaks = [40_000, 0, 0]
    with pytest.raises(FetchError) as caught:
        desk.fetch(path="/m?key=hunter2")
    assert "hunter2" not in str(caught.value)
    note = desk.target.with_name("model.tflite.origin").read_bytes()
    assert set(json.loads(note)) == {"address", "validator"}
    assert b"hunter2" not in note


def test_all_bytes_that_were_here_already_are_not_fetched_again(desk: Desk) -> None:
    part = PartialFile(desk.target)
    part.begin(desk.server.address("/m"), "")
    part.add(CONTENT)
    part.close()
    assert desk.fetch() == CONTENT
    assert desk.server.asked == []


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_wrong_bytes_that_were_here_already_are_fetched_again(desk: Desk, size: int) -> None:
    part = PartialFile(desk.target)
    part.begin(desk.server.address("/m"), "")
    part.add((OTHER * 2)[:size])
    part.close()
    assert desk.fetch() == CONTENT


@pytest.mark.parametrize("said", [
    "bytes 0-99/102400", "bytes 40001-102399/102400", "bytes */102400", "nonsense", "bytes 4\xb2-5/6",
])  # fmt: skip
def test_a_part_that_was_not_asked_for_is_not_taken(desk: Desk, said: str) -> None:
    break_off(desk, 40_000)
    desk.server.range_answer = lambda _start, _size: said
    assert desk.fetch() == CONTENT
    assert desk.ranges() == ["bytes=40000-", None]


def test_a_part_of_a_file_of_another_size_is_the_wrong_file(desk: Desk) -> None:
    break_off(desk, 40_000)
    desk.server.range_answer = lambda start, size: f"bytes {start}-{size - 1}/{size + 7}"
    with pytest.raises(WrongBytes, match=f"has {len(CONTENT) + 7} bytes, expected {len(CONTENT)}"):
        desk.fetch()
    assert desk.there() == []


def test_a_server_that_has_less_than_was_here_is_asked_for_all(desk: Desk) -> None:
    break_off(desk, 40_000)
    desk.server.files["/m"] = CONTENT[:10]
    with pytest.raises(WrongBytes, match="has 10 bytes"):
        desk.fetch()
    assert desk.there() == []


@pytest.mark.parametrize("says_length", [True, False])
@pytest.mark.parametrize("size", [-1, None])
def test_wrong_bytes_end_in_one_error_and_leave_nothing(desk: Desk, size: int | None, says_length: bool) -> None:  # noqa: FBT001
    desk.server.files["/m"], desk.server.says_length = OTHER, says_length
    wanted = exactly(CONTENT, size)
    with pytest.raises(WrongBytes) as caught:
        desk.fetch(wanted)
    for part in (desk.server.address("/m"), wanted.sha256, hashlib.sha256(OTHER).hexdigest()):
        assert part in str(caught.value)
    assert desk.there() == []
    assert len(desk.server.asked) == 1


@pytest.mark.parametrize("length", [len(CONTENT) - 1, len(CONTENT) + 1, 10 * LARGEST])
def test_a_wrong_length_is_told_before_anything_is_read(desk: Desk, length: int) -> None:
    desk.server.length = length
    with pytest.raises(WrongBytes, match=f"has {length} bytes, expected {len(CONTENT)}"):
        desk.fetch()
    assert desk.there() == []
    assert desk.told == []


def test_a_server_that_sends_for_ever_is_read_no_further_than_the_size(desk: Desk) -> None:
    desk.server.endless = True
    with pytest.raises(WrongBytes, match=f"goes on after {len(CONTENT)} bytes"):
        desk.fetch()
    assert desk.there() == []
    assert max(have for have, _ in desk.told) <= len(CONTENT)


def test_a_file_of_unknown_size_is_read_up_to_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.model.download.LARGEST", 50_000)
    with pytest.raises(WrongBytes, match=f"has {len(CONTENT)} bytes, expected at most 50000"):
        desk.fetch(exactly(CONTENT, None))
    desk.server.endless = True
    with pytest.raises(WrongBytes, match="goes on after 50000 bytes"):
        desk.fetch(exactly(CONTENT, None))
    assert desk.there() == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204, 206])
def test_a_status_that_stays_is_told_at_once(desk: Desk, status: int) -> None:
    desk.server.statuses["/m"] = [status]
    with pytest.raises(FetchError, match=rf"/m: answers {status} \(\w+"):
        desk.fetch()
    assert (desk.there(), len(desk.server.asked)) == ([], 1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_status_that_passes_is_waited_for(desk: Desk, status: int) -> None:
    desk.server.statuses["/m"] = [status, status]
    assert desk.fetch() == CONTENT
    desk.server.statuses["/m"] = [status] * 3
    with pytest.raises(FetchError, match=f"answers {status}"):
        desk.fetch()


def test_a_status_in_the_middle_keeps_what_is_here(desk: Desk) -> None:
    break_off(desk, 40_000)
    desk.server.statuses["/m"] = [404]
    with pytest.raises(FetchError, match="404"):
        desk.fetch()
    assert desk.fetch() == CONTENT
    assert desk.ranges() == ["bytes=40000-"] * 2


def test_packed_bytes_are_not_taken(desk: Desk) -> None:
    desk.server.more = {"Content-Encoding": "gzip"}
    with pytest.raises(FetchError, match="comes packed"):
        desk.fetch()
    assert desk.there() == []


def test_a_slow_server_is_waited_for(desk: Desk) -> None:
    desk.server.slow = (10_000, 0.05)
    desk.fetching = replace(desk.fetching, pace=Pace(window_s=0.3, least_bytes=3_000))
    assert desk.fetch() == CONTENT
    assert len(desk.server.asked) == 1
    assert len({have for have, _ in desk.told}) > 5


def test_a_server_that_drips_is_left(desk: Desk) -> None:
    desk.server.slow = (1, 0.02)
    desk.fetching = replace(desk.fetching, pace=Pace(window_s=0.2, least_bytes=3_000))
    with pytest.raises(FetchError, match=r"broke off after \d+ of .*too slowly"):
        desk.fetch()
    assert len(desk.server.asked) == 3


def test_a_full_disk_is_no_fault_of_the_server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_part: PartialFile, _chunk: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PartialFile, "add", full)
    with pytest.raises(OSError, match="No space left"):
        desk.fetch()
    assert len(desk.server.asked) == 1


def test_what_is_no_regular_file_is_not_written_to(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    part = desk.target.with_name("model.tflite.part")
    part.symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        desk.fetch()
    assert elsewhere.read_text() == "mine"
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(OSError, match="no regular file"):
        desk.fetch()


@given(breaks=st.lists(st.integers(0, len(CONTENT) + 10), max_size=6), ranges=st.booleans(), right=st.booleans())
def test_however_it_breaks_the_file_is_whole_or_not_there(
    tmp_path_factory: pytest.TempPathFactory,
    breaks: list[int],
    ranges: bool,  # noqa: FBT001
    right: bool,  # noqa: FBT001
) -> None:
    content = CONTENT if right else OTHER
    folder = tmp_path_factory.mktemp("any")
    with serving(FileServer({"/m": content}, breaks=breaks, ranges=ranges)) as server:
        desk = Desk(server, folder)
        try:
            assert desk.fetch() == CONTENT
            assert right
        except FetchError:
            assert not desk.target.exists()
        if right:
            breaks.clear()
            assert desk.fetch() == CONTENT
