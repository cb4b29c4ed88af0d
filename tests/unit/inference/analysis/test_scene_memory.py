"""Where a learned scene is kept: little is written, nothing is mixed, and what another version has kept is not lost."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.scene_memory import KeptScene, SceneMemory
from smartcam.vision.normal.learner import LearningPlan
from tests.unit.inference.stage import YARD
from tests.unit.vision.normal.filled import filled, fullest, watched_on

WIDTH = 4
SHIPPED_WIDTH = 36
PLAN = LearningPlan()
MOST_A_DAY = 200_000_000
KEEP_S = 50
DAY_S = 86_400


def memory(folder: Path) -> SceneMemory:
    return SceneMemory(MemoryFile(folder / "normal-yard"), YARD)


def recalled(folder: Path, width: int = WIDTH) -> KeptScene | None:
    return memory(folder).recall(PLAN, width)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def of_later_format(kept: KeptScene) -> bytes:
    return kept.to_bytes().replace(b"SCNORM03", b"SCNORM04")


class CountedFile(MemoryFile):
    """Counts what is written by all files of a test."""

    written: ClassVar[int] = 0
    stored: ClassVar[tuple[str, ...]] = ()

    def store(self, content: bytes, *, durable: bool = False) -> None:
        assert durable
        CountedFile.written += len(content)
        CountedFile.stored += (self.path.name,)


def test_a_day_writes_less_than_200_megabytes_also_of_the_fullest_memory() -> None:
    learner = fullest(SHIPPED_WIDTH)
    kept, where = KeptScene(learner, 64, [10**7] * 2000), SceneMemory(CountedFile(Path("/nowhere/normal-yard")), YARD)
    known = next(iter(learner.known.values()))
    for second in range(0, DAY_S, KEEP_S):
        watched_on(learner, 2, seed=second)
        known.memory.looks += KEEP_S // 2 - 1
        known.usual.learn(known.usual.peak, KEEP_S - 2.0)
        where.keep(kept, whole=False)
    assert len(CountedFile.stored) == DAY_S // KEEP_S
    assert CountedFile.stored.count("normal-yard") <= 1 + DAY_S / 1800
    assert CountedFile.written < MOST_A_DAY


def test_what_was_kept_since_the_whole_comes_back_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    kept, where = KeptScene(filled(WIDTH), 64, [3]), memory(tmp_path)
    where.keep(kept, whole=False)
    assert files(tmp_path) == {"normal-yard"}, "the first is a whole one"
    watched_on(kept.learner, 20)
    where.keep(kept, whole=False)
    assert files(tmp_path) == {"normal-yard", "normal-yard.changes"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    back = recalled(tmp_path)
    assert back is not None
    assert (back.learner.seconds, back.raised, back.aspect) == (kept.learner.seconds, [3], 64)
    assert back.learner.minutes.numbers.tolist() == kept.learner.minutes.numbers.tolist()
    where.keep(kept, whole=True)
    assert files(tmp_path) == {"normal-yard"}


def test_a_process_that_goes_on_keeps_changes_of_the_whole_that_it_found(tmp_path: Path) -> None:
    kept = KeptScene(filled(WIDTH), 64, [])
    memory(tmp_path).keep(kept, whole=True)
    for _ in range(3):
        where = memory(tmp_path)
        back = where.recall(PLAN, WIDTH)
        assert back is not None
        watched_on(back.learner, 4)
        where.keep(back, whole=False)
        again = recalled(tmp_path)
        assert again is not None
        assert again.learner.seconds == back.learner.seconds


def test_changes_of_an_earlier_whole_are_not_mixed_with_a_later_one(tmp_path: Path) -> None:
    kept, where = KeptScene(filled(WIDTH), 64, []), memory(tmp_path)
    where.keep(kept, whole=True)
    watched_on(kept.learner, 10)
    where.keep(kept, whole=False)
    changes = (tmp_path / "normal-yard.changes").read_bytes()
    watched_on(kept.learner, 10)
    where.keep(kept, whole=True)
    (tmp_path / "normal-yard.changes").write_bytes(changes)  # as a power cut in between leaves it
    back = recalled(tmp_path)
    assert back is not None
    assert back.learner.seconds == kept.learner.seconds


@pytest.mark.parametrize("damage", ["cut", "spoilt", "empty", "link", "of nonsense"])
def test_damaged_changes_cost_the_time_since_the_whole_alone_and_are_said(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, where = KeptScene(filled(WIDTH), 64, []), memory(tmp_path)
    where.keep(kept, whole=True)
    before = kept.learner.seconds
    watched_on(kept.learner, 10)
    where.keep(kept, whole=False)
    path = tmp_path / "normal-yard.changes"
    content = path.read_bytes()
    if damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    elif damage == "of nonsense":
        MemoryFile(path).store(content[4:20] + b"[]")
    else:
        path.write_bytes({"cut": content[:-5], "spoilt": content[:99] + b"?" + content[100:], "empty": b""}[damage])
    back = recalled(tmp_path)
    assert back is not None
    assert back.learner.seconds == before
    assert caplog.text.count("scene_changes_lost") == 1


def test_a_memory_of_a_later_format_is_put_aside_and_taken_back_by_its_own_version(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = of_later_format(KeptScene(filled(WIDTH), 64, [5]))
    MemoryFile(tmp_path / "normal-yard").store(later)
    where = memory(tmp_path)
    assert where.recall(PLAN, WIDTH) is None
    assert caplog.text.count("scene_put_aside") == caplog.text.count("scene_begins_anew") == 1
    where.keep(KeptScene(filled(WIDTH), 64, [6]), whole=True)
    assert recalled(tmp_path) is not None
    assert MemoryFile(tmp_path / "normal-yard.aside").load() == later
    assert files(tmp_path) == {"normal-yard", "normal-yard.aside"}
    for module in ("smartcam.vision.normal.stored", "smartcam.inference.analysis.scene_memory"):
        monkeypatch.setattr(f"{module}.MARK", b"SCNORM04")
    back = recalled(tmp_path)
    assert back is not None
    assert back.raised == [5]
    assert files(tmp_path) == {"normal-yard"}


def test_only_one_memory_is_put_aside(tmp_path: Path) -> None:
    kept = KeptScene(filled(WIDTH), 64, [])
    for _ in range(3):
        MemoryFile(tmp_path / "normal-yard").store(of_later_format(kept))
        assert recalled(tmp_path) is None
    assert files(tmp_path) == {"normal-yard.aside"}


def test_a_later_format_that_is_larger_than_any_of_this_version_is_put_aside_too(tmp_path: Path) -> None:
    (tmp_path / "normal-yard").write_bytes(b"1234{}\nSCNORM17" + bytes(5 << 20))
    assert recalled(tmp_path) is None
    assert (tmp_path / "normal-yard.aside").stat().st_size > 5 << 20


def test_what_another_encoder_has_learnt_is_put_aside_until_it_can_be_used_again(tmp_path: Path) -> None:
    memory(tmp_path).keep(KeptScene(filled(WIDTH), 64, [5]), whole=True)
    by_hand = memory(tmp_path)
    assert by_hand.recall(PLAN, WIDTH + 1) is None
    by_hand.keep(KeptScene(filled(WIDTH + 1), 64, []), whole=True)
    back = recalled(tmp_path)
    assert back is not None
    assert back.raised == [5]


def test_a_damaged_memory_of_this_version_displaces_nothing_that_was_put_aside(tmp_path: Path) -> None:
    later = of_later_format(KeptScene(filled(WIDTH), 64, []))
    MemoryFile(tmp_path / "normal-yard.aside").store(later)
    memory(tmp_path).keep(KeptScene(filled(WIDTH), 64, []), whole=True)
    whole = (tmp_path / "normal-yard").read_bytes()
    for damaged in (whole[:-1], b"", b"whatever"):
        (tmp_path / "normal-yard").write_bytes(damaged)
        assert recalled(tmp_path) is None
        assert MemoryFile(tmp_path / "normal-yard.aside").load() == later


def test_a_memory_that_cannot_be_put_aside_is_still_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = of_later_format(KeptScene(filled(WIDTH), 64, []))
    MemoryFile(tmp_path / "normal-yard").store(later)

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match="Read-only"):
        recalled(tmp_path)
    assert MemoryFile(tmp_path / "normal-yard").load() == later


_KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.scene_memory import SceneMemory
from smartcam.vision.normal.learner import LearningPlan
chance, plan, width, seen = random.Random(17), LearningPlan(), int(sys.argv[2]), 0.0
for _ in range(int(sys.argv[3])):
    where = SceneMemory(MemoryFile(Path(sys.argv[1])), "yard")
    kept = where.recall(plan, width)
    assert kept is not None and kept.learner.seconds >= seen, (kept, seen)
    assert kept.learner.held[0].last == int(kept.learner.seconds), "what was kept together comes back together"
    seen = kept.learner.seconds
    writer = os.fork()
    if not writer:
        while True:
            kept.learner.seconds += 1
            kept.learner.held[0].last = int(kept.learner.seconds)
            where.keep(kept, whole=chance.random() < 0.3)
    time.sleep(chance.uniform(0, 0.02))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
"""


def test_a_process_that_is_killed_at_any_moment_leaves_a_whole_and_changes_that_belong_together(
    tmp_path: Path,
) -> None:
    learner = filled(WIDTH)
    learner.held[0].last = int(learner.seconds)
    memory(tmp_path).keep(KeptScene(learner, 64, []), whole=True)
    command = [sys.executable, "-c", _KILLER, str(tmp_path / "normal-yard"), str(WIDTH), "100"]
    subprocess.run(command, check=True)
    assert files(tmp_path) <= {"normal-yard", "normal-yard.part", "normal-yard.changes", "normal-yard.changes.part"}
