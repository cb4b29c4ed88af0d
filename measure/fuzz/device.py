"""What a device keeps: blocks of its journal and history, what a scene has taught, clips, and the outbox's file."""

import hashlib
import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from typing import Final

import numpy as np

from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.capture.recording.fragments import playable_bytes
from smartcam.capture.recording.seal import ClipStatement, Sealer, SealError, check_seal
from smartcam.capture.recording.segment_name import SegmentName
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.history.reading import PastEvents
from smartcam.edge.journal.blocks import pack_block, unpack_blocks
from smartcam.edge.outbox.outbox import Episode, Outbox
from smartcam.edge.outbox.pages import log_of
from smartcam.edge.outbox.salvage import salvage, take_in
from smartcam.inference.analysis.scene_memory import KeptScene
from smartcam.vision.memory import unpack_planes
from smartcam.vision.normal.changes import WholeStored, changes_since, with_changes
from smartcam.vision.normal.learner import Held, LearningPlan, SceneLearner
from smartcam.vision.normal.look import PLACES, Regime

PLAN: Final = LearningPlan()
WIDTH: Final = 2
"""Features of a place."""
_HURTS_FILE, _HAS_LOG, _HURTS_LOG, _HAS_NO_FILE, _IS_NEW = (1 << bit for bit in range(5))
_EDIT: Final = 3
"""Bytes of an edit: two for the place and one for what stands there then."""
EVENT: Final = (
    b'{"schema":1,"event_id":"%s","thing":"yard","camera_id":"door","kind":"person","phase":"raised",'
    b'"severity":"warning","started_at":"2026-11-30T09:22:16.000Z","expires_at":"2026-11-30T10:22:16.000Z","score":0.9,'
    b'"threshold":0.5,"clock_synced":true}'
)
"""An event, but for its id."""


def hurt(whole: bytes, edits: bytes) -> bytes:
    """The whole with edits of three bytes each; a rest of one or two cuts it off at the place that they name."""
    content = bytearray(whole)
    for at in range(0, len(edits) // _EDIT * _EDIT, _EDIT):
        content[int.from_bytes(edits[at : at + 2]) % len(content)] = edits[at + 2]
    rest = edits[len(edits) // _EDIT * _EDIT :]
    return bytes(content[: int.from_bytes(rest) % len(content)] if rest else content)


@cache
def _outbox() -> tuple[bytes, bytes]:
    """An outbox's file, and a log that goes with it."""
    path = file_with("made/outbox.db", b"")
    path.unlink()
    with closing(Outbox(path, SystemClock())) as outbox:
        for number in range(3):
            event = Event.from_json(EVENT % b"0193%04x-0000-7000-8000-000000000000" % number)
            outbox.put(event, Episode("door", event.camera_id, event.event_id, {"number": number}))
        outbox.acknowledge(Acknowledgement(event.event_id, event.phase, AckStatus.REFUSED, "why", event.revision))
        log = path.with_name(f"{path.name}-wal").read_bytes()
    return path.read_bytes(), log


def _learner() -> SceneLearner:
    learner = SceneLearner(PLAN, WIDTH)
    learner.held.append(Held("event", Regime.DAY, 1, 2, [np.zeros((PLACES, WIDTH), np.float32)], 0.0))
    return learner


@cache
def kept_scene() -> bytes:
    """A scene as it is kept as a whole."""
    return KeptScene(_learner(), 1, [3, 5]).to_bytes()


def scene_changes() -> tuple[SceneLearner, bytes]:
    """The learner that `kept_scene` holds, and what has changed of it since."""
    learner = _learner()
    whole = WholeStored.of(learner)
    for known in learner.known.values():
        known.seconds = 9.0
    return learner, changes_since(whole, learner)


@cache
def _clip() -> bytes:
    body = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08moov" + b"\0\0\0\x08moof" + b"\0\0\0\x0cmdatpics"
    said = ClipStatement("clip.mp4", "yard", len(body), hashlib.sha256(body).hexdigest(), "2026-11-30T09:22:16Z")
    return body + Sealer(bytes(range(32))).seal(said)


def _salvaged(data: bytes) -> object:
    """The first byte says what there is besides the file, and what the edits behind it hurt."""
    flags, edits = (data[0], data[1:]) if data else (0, b"")
    whole, log = _outbox()
    path = file_with("salvaged/outbox.db", hurt(whole, edits) if flags & _HURTS_FILE else whole)
    beside = path.with_name(f"{path.name}-wal")
    beside.unlink(missing_ok=True)
    if flags & _HAS_LOG:
        file_with(f"salvaged/{beside.name}", hurt(log, edits) if flags & _HURTS_LOG else log)
    if flags & _HAS_NO_FILE:
        path.unlink()
    found = salvage(path)
    # Into an outbox that has the newest events already: what is older must not replace them.
    with closing(sqlite3.connect(file_with("salvaged/new.db", whole))) as new:
        if flags & _IS_NEW:
            new.execute("DELETE FROM waiting")
        return take_in(new, found)


def _kept_scene(data: bytes) -> object:
    kept = KeptScene.from_bytes(hurt(kept_scene(), data), PLAN, WIDTH)
    if kept is not None and KeptScene.from_bytes(kept.to_bytes(), PLAN, WIDTH) is None:
        raise Unfaithful("a scene that was read is not read again")
    return kept


def _changed_scene(data: bytes) -> object:
    learner, changes = scene_changes()
    return with_changes(learner, hurt(changes, data))


def _journal(data: bytes) -> object:
    """Rows that are read may be written again."""
    for rows in unpack_blocks(data):
        if rows:
            pack_block(rows)
    return None


def _history(data: bytes) -> object:
    path = file_with("history/00000001-0.rows", data)
    past = PastEvents(path.parent)
    past.refresh()
    return past.page()


def _clip_name(data: bytes) -> object:
    text = data.decode(errors="replace")
    for kind in (ClipName, SegmentName):
        name = kind.read(text)
        if name is not None and kind.read(str(name)) != name:
            raise Unfaithful(f"{name} is not read again")
    return None


def _whatever(decode: Callable[[bytes], object], *reads: str) -> FuzzTarget:
    """A reader that refuses nothing: what is damaged is left out."""
    return FuzzTarget(decoding(decode, ()), reads)


TARGETS: Final = {
    "journal": _whatever(
        _journal,
        "smartcam.edge.journal.blocks:unpack_blocks",
        "smartcam.edge.journal.blocks:_rows",
        "smartcam.edge.journal.blocks:_unpacked",
        "smartcam.edge.blocks",
    ),
    "history": _whatever(_history, "smartcam.edge.history.records", "smartcam.edge.history.past:KnownEvent.tell"),
    "scene": _whatever(
        _kept_scene,
        "smartcam.inference.analysis.scene_memory:KeptScene.from_bytes",
        "smartcam.vision.normal.stored:_read",
        "smartcam.vision.normal.stored:_emptied",
    ),
    "scene-changes": _whatever(_changed_scene, "smartcam.vision.normal.changes:_put"),
    "planes": _whatever(lambda data: unpack_planes(data, b"smcgate1", 3), "smartcam.vision.memory:unpack_planes"),
    "outbox": _whatever(
        _salvaged,
        "smartcam.edge.outbox.salvage",
        "smartcam.edge.outbox.pages",
    ),
    "outbox-log": _whatever(lambda data: log_of(hurt(_outbox()[1], data)), "smartcam.edge.outbox.pages:log_of"),
    "clip-seal": FuzzTarget(
        decoding(lambda data: check_seal(io.BytesIO(hurt(_clip(), data))), SealError),
        ("smartcam.capture.recording.seal:check_seal", "smartcam.capture.recording.seal:_last_box"),
    ),
    "clip-boxes": _whatever(lambda data: playable_bytes(io.BytesIO(data)), "smartcam.capture.recording.fragments"),
    "clip-name": _whatever(
        _clip_name, "smartcam.edge.clip_name", "smartcam.capture.recording.segment_name:SegmentName.read"
    ),
}
