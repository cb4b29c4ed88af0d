"""Where a learned scene is kept: the whole now and then, what has changed since, and what another version has kept."""

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.vision.normal.changes import WholeStored, changes_since, with_changes
from smartcam.vision.normal.learner import LearningPlan, SceneLearner
from smartcam.vision.normal.stored import FAMILY, MARK, from_bytes, to_bytes

logger = logging.getLogger(__name__)

_CHANGES: Final = ".changes"
_ASIDE: Final = ".aside"
_DIGEST_BYTES: Final = 16
_LONGEST_FACTS: Final = 1 << 16
MOST_RAISED: Final = 2000


@dataclass(slots=True)
class KeptScene:
    """A learner, the shape of its pictures and the minutes in which it has raised something."""

    learner: SceneLearner
    aspect: int
    raised: list[int]

    @classmethod
    def from_bytes(cls, content: bytes, plan: LearningPlan, width: int) -> "KeptScene | None":
        """What was kept as a whole; None if it is damaged, or of another format or encoder."""
        facts, _, stored = content.partition(b"\n")
        learner, found = from_bytes(stored, plan, width), _facts(facts)
        return None if learner is None or found is None else cls(learner, *found)

    def to_bytes(self) -> bytes:
        """The content of a memory file."""
        facts = json.dumps({"aspect": self.aspect, "raised": self.raised}).encode()
        return facts + b"\n" + to_bytes(self.learner)


class SceneMemory:
    """One camera's. The changes name the very whole that they belong to: no order of power cuts can mix two of them."""

    def __init__(self, file: MemoryFile, camera: CameraId) -> None:
        self._file = file
        self._changes = file.beside(_CHANGES)
        self._aside = file.beside(_ASIDE)
        self._camera = camera
        self._whole: WholeStored | None = None
        self._digest = b""

    def recall(self, plan: LearningPlan, width: int) -> KeptScene | None:
        """What was kept last, with the plan of today; None if nothing can be used, which is said.

        What another version or another encoder has kept is not lost: it is put aside, and is taken back by who can
        use it, after an upgrade that was rolled back.

        Raises:
            OSError: it cannot be put aside; it is still there.
        """
        kept = self._usable(self._file, plan, width)
        if kept is not None:
            return kept
        is_there = os.path.lexists(self._file.path)
        kept = self._usable(self._aside, plan, width)
        if kept is not None:
            self._aside.path.replace(self._file.path)
            log(logger, logging.INFO, "scene_taken_back", camera=self._camera, from_file=self._aside.path.name)
        elif is_there:
            self._put_aside()
            reason = "its memory is damaged, or of another version or encoder"
            log(logger, logging.WARNING, "scene_begins_anew", camera=self._camera, reason=reason)
        return kept

    def keep(self, kept: KeptScene, *, whole: bool) -> None:
        """Store it so that a power cut costs nothing: the changes alone unless the `whole` is wanted, or due.

        Raises:
            OSError: the disk takes nothing; what was stored before is still there.
        """
        learner = kept.learner
        if not whole and self._whole is not None and not self._whole.is_due(learner):
            # What was raised since is not in it: an episode makes the whole due.
            self._changes.store(self._digest + changes_since(self._whole, learner), durable=True)
            return
        content = kept.to_bytes()
        self._file.store(content, durable=True)
        self._whole, self._digest = WholeStored.of(learner), _digest(content)
        self._changes.path.unlink(missing_ok=True)

    def forget_aside(self) -> None:
        """What was put aside is of another view. Raises OSError."""
        self._aside.path.unlink(missing_ok=True)

    def _usable(self, file: MemoryFile, plan: LearningPlan, width: int) -> KeptScene | None:
        content = file.load()
        kept = KeptScene.from_bytes(content, plan, width)
        if kept is not None:
            self._whole, self._digest = WholeStored.of(kept.learner), _digest(content)
            self._bring_up_to_date(kept)
        return kept

    def _bring_up_to_date(self, kept: KeptScene) -> None:
        if not os.path.lexists(self._changes.path):
            return
        content = self._changes.load()
        digest, changes = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if content and digest != self._digest:
            return  # they are of the whole before
        if not with_changes(kept.learner, changes):
            log(logger, logging.WARNING, "scene_changes_lost", camera=self._camera, costs="half an hour at most")

    def _put_aside(self) -> None:
        """Unless it is a damaged one of this version's own."""
        _, _, stored = self._file.beginning(_LONGEST_FACTS).partition(b"\n")
        if stored.startswith(FAMILY) and (not stored.startswith(MARK) or self._file.load()):
            self._file.path.replace(self._aside.path)
            log(logger, logging.WARNING, "scene_put_aside", camera=self._camera, to_file=self._aside.path.name)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()


def _facts(line: bytes) -> tuple[int, list[int]] | None:
    try:
        facts = json.loads(line)
        return int(facts["aspect"]), [int(each) for each in facts["raised"]][-MOST_RAISED:]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
