"""A day's highlights: which clips, which seconds of them, and what is drawn into them."""

import json
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.recording import highlights
from smartcam.capture.recording.highlights import Highlights, clips_of_day, make_highlights, most_active
from smartcam.capture.sources.encoding import PictureEncoder
from smartcam.capture.sources.file import open_clip
from smartcam.contract.errors import CameraEnded
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, new_event_id
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs, format_utc
from smartcam.edge.clip_name import ClipName
from smartcam.edge.muxing import ClipWriter
from smartcam.vision.picture import Picture
from tests.clip_events import YARD, event_of
from tests.clips import picture_of
from tests.unit.capture.recording.test_clip_folder import files_of_at_most

MIDNIGHT = UtcNs(1_772_323_200 * NS_PER_S)
"""Of 1 March 2026."""
DAY = date(2026, 3, 1)
FPS = 10
SIDES = 256, 144


def grey(level: int, sides: tuple[int, int] = SIDES) -> Picture:
    return picture_of(np.full((sides[1], sides[0]), level, np.uint8), 128, 128)


def at(hours: float, camera: CameraId = YARD) -> Event:
    """An event so many hours after midnight, UTC."""
    started = UtcNs(MIDNIGHT + round(hours * 3600 * NS_PER_S))
    return replace(
        event_of(1, camera), event_id=new_event_id(started, bytes(10)), started_at=started, expires_at=started
    )


def keep(folder: Path, event: Event, pictures: Sequence[Picture], part: int = 1, facts: str = "") -> Path:
    """A clip as capture writes them, which begins with its event; with other facts in it if there are some."""
    folder.mkdir(exist_ok=True)
    path = folder / str(ClipName(event.event_id, event.camera_id, part))
    usual = {"part": part, "begins_at": format_utc(event.started_at), "event": json.loads(event.to_json())}
    encoder, writer = PictureEncoder(), None
    with path.open("wb", buffering=0) as file:
        for number, picture in enumerate(pictures):
            for packet in encoder.encode(picture, event.started_at, MonotonicNs(number * NS_PER_S // FPS)):
                if writer is None:
                    writer = ClipWriter(file, packet, "", facts or json.dumps(usual))
                else:
                    writer.write(packet)
        if writer is not None:
            writer.close()
    return path


def quiet_then_busy(seconds: int, busy_from: int, busy_for: int) -> list[Picture]:
    """A picture that flickers only for some seconds; its brightness says in which second it is."""
    busy = range(busy_from * FPS, (busy_from + busy_for) * FPS)
    return [grey(100 + 2 * (n // FPS) + 40 * (n in busy and n // 3 % 2)) for n in range(seconds * FPS)]


def made(tmp_path: Path, place: timezone = UTC) -> list[Highlights]:
    return list(make_highlights(tmp_path / "clips", tmp_path / "out", DAY, place))


def pictures(path: Path) -> list[Picture]:
    clip, found = open_clip(path), []
    try:
        while True:
            shown = clip.next().picture
            found.append(Picture(shown.y.copy(), shown.u.copy(), shown.v.copy()))
    except CameraEnded:
        return found
    finally:
        clip.close()


def test_a_day_becomes_a_film_and_a_page_for_each_camera(tmp_path: Path) -> None:
    gate = CameraId("gate")
    for event in (at(3), at(20), at(9, gate)):
        keep(tmp_path / "clips", event, quiet_then_busy(3, 1, 1))
    found = made(tmp_path)
    assert [(each.camera, each.clips, each.left_out) for each in found] == [(gate, 1, ()), (YARD, 2, ())]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{DAY}.{camera}.{kind}" for camera in ("gate", "yard") for kind in ("jpg", "mp4")]
    for path in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_a_long_clip_the_seconds_are_shown_in_which_most_happens(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), quiet_then_busy(30, 17, 4))
    (found,) = made(tmp_path)
    assert found.film is not None
    levels = [int(np.median(picture.y[: SIDES[1] // 2])) for picture in pictures(found.film)]
    assert 5 * FPS <= len(levels) <= 7 * FPS
    # In the seconds 17 to 21 it flickers, and nothing of before the 14th or after the 24th is in it.
    assert min(levels) >= 100 + 2 * 14 - 2
    assert max(levels) <= 100 + 2 * 24 + 40 + 2
    assert max(levels) - min(levels) > 30


def test_time_and_label_stand_in_the_film_and_on_the_page(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), quiet_then_busy(2, 0, 1))
    (found,) = made(tmp_path)
    assert found.film is not None
    last = pictures(found.film)[-1].y
    assert int(np.median(last[-8:])) < 60
    assert int(last[-16:].max()) > 180
    assert int(last[:-20].min()) > 80


def test_a_day_is_that_of_the_place(tmp_path: Path) -> None:
    for hours in (-0.5, 0.5, 22.5, 23.5):
        keep(tmp_path / "clips", at(hours), [grey(120)] * FPS)
    assert [each.clips for each in made(tmp_path)] == [3]
    assert [each.clips for each in made(tmp_path, timezone(timedelta(hours=1)))] == [3]
    assert [each.clips for each in made(tmp_path, timezone(timedelta(hours=-1)))] == [2]
    assert [each.clips for each in made(tmp_path, timezone(timedelta(hours=12)))] == [2]


def test_of_an_event_in_parts_its_beginning_is_shown(tmp_path: Path) -> None:
    event = at(3)
    keep(tmp_path / "clips", event, [grey(60)] * FPS, part=2)
    keep(tmp_path / "clips", event, [grey(200)] * FPS, part=1)
    (found,) = made(tmp_path)
    assert found.film is not None
    assert int(np.median(pictures(found.film)[0].y)) > 190


def test_a_camera_that_changed_its_resolution_has_one_film(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    keep(tmp_path / "clips", at(4), [grey(150, (320, 240))] * FPS)
    (found,) = made(tmp_path)
    assert (found.clips, found.film is not None) == (2, True)
    assert found.film is not None
    assert {(picture.width, picture.height) for picture in pictures(found.film)} == {SIDES}


def test_a_clip_whose_words_are_no_utf_8_keeps_no_other_from_being_shown(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    bad = keep(tmp_path / "clips", at(4), [grey(100)] * FPS)
    bad.write_bytes(bad.read_bytes().replace(b"begins_at", b"begins_\xff\xfe"))
    (found,) = made(tmp_path)
    assert found.clips == 1


@pytest.mark.parametrize("damage", ["empty", "noise", "cut", "no comment", "link"])
def test_what_cannot_be_shown_is_left_out_and_said(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    bad = keep(tmp_path / "clips", at(4), [grey(100)] * FPS)
    content = bad.read_bytes()
    if damage == "link":
        bad.unlink()
        bad.symlink_to(good)
    else:
        bad.write_bytes(
            {
                "empty": b"",
                "noise": b"\x07" * 5000,
                "cut": content[: content.index(b"moof")],
                "no comment": content.replace(b"begins_at", b"begins_xx"),
            }[damage]
        )
    (found,) = made(tmp_path)
    assert found.clips == 1
    assert damage == "link" or bad.name in caplog.text + "".join(found.left_out)


def test_a_day_without_clips_gives_nothing_and_without_a_playable_one_no_film(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    assert made(tmp_path) == []
    bad = keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    content = bad.read_bytes()
    bad.write_bytes(content[: content.index(b"moof")])
    (found,) = made(tmp_path)
    assert (found.film, found.clips, found.left_out) == (None, 0, (bad.name,))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_leaves_the_film_that_was_there(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), quiet_then_busy(2, 0, 1))
    (found,) = made(tmp_path)
    assert found.film is not None
    before = found.film.read_bytes()

    with files_of_at_most(1000), pytest.raises(OSError, match="large"):
        made(tmp_path)
    assert found.film.read_bytes() == before
    assert not list((tmp_path / "out").glob("*.part"))


def test_many_events_are_shown_more_shortly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(highlights, "LONGEST_FILM_S", 8.0)
    for hours in range(1, 5):
        keep(tmp_path / "clips", at(hours), quiet_then_busy(5, 1, 3))
    (found,) = made(tmp_path)
    assert found.film is not None
    assert found.clips == 4
    assert len(pictures(found.film)) <= 10 * FPS


@given(st.lists(st.floats(0, 255, width=16), max_size=60), st.integers(1, 40))
def test_nowhere_else_is_there_more_activity(activity: list[float], looks: int) -> None:
    first = most_active(activity, looks)
    best = sum(activity[first : first + looks])
    assert 0 <= first <= max(len(activity) - looks, 0)
    assert all(sum(activity[n : n + looks]) <= best + 1e-3 for n in range(len(activity)))


def test_clips_of_other_days_and_other_files_are_none_of_the_day(tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(30), [grey(100)] * FPS)
    (tmp_path / "clips" / "notes.txt").write_text("no clip")
    assert clips_of_day(tmp_path / "clips", MIDNIGHT, UtcNs(MIDNIGHT + 24 * 3600 * NS_PER_S)) == {}


@pytest.mark.parametrize("facts", ["[" * 100_000, '{"begins_at": 7, "event": {}}', "[]", '{"event": "x"}'])
def test_a_clip_with_strange_facts_costs_no_other_clip(facts: str, tmp_path: Path) -> None:
    keep(tmp_path / "clips", at(3), [grey(100)] * FPS)
    strange = keep(tmp_path / "clips", at(4), [grey(100)] * FPS, facts=facts)
    listed = keep(tmp_path / "clips", at(5), [grey(100)] * FPS, facts='{"begins_at": "x", "event": ["kind"]}')
    (found,) = clips_of_day(tmp_path / "clips", MIDNIGHT, UtcNs(MIDNIGHT + 24 * 3600 * NS_PER_S)).values()
    assert len(found) == 1
    assert found[0].path not in (strange, listed)
