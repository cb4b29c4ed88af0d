"""What components remember in files of their work folders."""

import hashlib
from contextlib import suppress
from typing import Final, cast

from measure.fuzz.device import PLAN, WIDTH, hurt, kept_scene, scene_changes
from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, decoding
from smartcam.capture.recording.clip_folder import ClipFolder
from smartcam.capture.recording.kept_clips import KeptClips
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, ThingName
from smartcam.doctor.settings import CAPTURE, INFERENCE, read_understood
from smartcam.edge.clock import SystemClock
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.clip_uploader import ClipUploader
from smartcam.edge.pictures.s3 import PieceStore
from smartcam.edge.replaced import FILE as REPLACED
from smartcam.edge.replaced import last_replacement
from smartcam.edge.starts import Starts
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.homeassistant.kept import KeptByBroker
from smartcam.inference.analysis.scene_memory import SceneMemory
from smartcam.inference.wanted import FILE as WANTED
from smartcam.inference.wanted import HERE_FILE, wanted_of_the_device

_CAMERA: Final = CameraId("yard")
_DIGEST_BYTES: Final = 16
_HURTS_WHOLE, _HAS_CHANGES, _HURTS_CHANGES, _HAS_ASIDE, _IS_DAMAGED, _IS_GONE = (1 << bit for bit in range(6))
"""The bits of the first byte: what there is of a scene, and what the edits behind it hurt."""


class _Boot(SystemClock):
    """Always the same one, so that what is stored may be of it."""

    def boot_id(self) -> str:
        return "boot"


def _remembered(data: bytes) -> object:
    """The same in the memory of each: where a disk has mixed them up, each starts all the same."""
    folder, clock = file_with("memories/here", b"").parent, _Boot()

    def memory(name: str) -> MemoryFile:
        file = MemoryFile(folder / name)
        file.path.parent.mkdir(exist_ok=True)
        file.store(data)
        return file

    for name in (REPLACED, WANTED, HERE_FILE, f"{CAPTURE}/{UNDERSTOOD}", f"{INFERENCE}/{UNDERSTOOD}"):
        memory(name)
    last_replacement(folder)
    wanted_of_the_device(clock, folder).current()
    with suppress(SettingsError):
        read_understood(folder)
    Starts(memory("starts"), clock).note()
    KeptByBroker(memory("topics")).tell({}, lambda _topic, _payload: None, all_of_it=True)
    KeptClips(_CAMERA, ClipFolder(folder / "clips", clock), lambda _: None, clock, memory("clips-unheard")).step()
    ClipUploader(folder, ThingName("yard"), cast("PieceStore", None), float, memory("uploads"))
    return None


def _scene(data: bytes) -> object:
    flags, edits = (data[0], data[1:]) if data else (0, b"")
    file = MemoryFile(file_with("scenes/scene", b""))
    changes, aside = file.beside(".changes"), file.beside(".aside")
    for each in (file, changes, aside):
        each.path.unlink(missing_ok=True)
    whole, (_, changed) = kept_scene(), scene_changes()
    content = hurt(whole, edits) if flags & _HURTS_WHOLE else whole
    if not flags & _IS_GONE:
        file.store(content)
    if flags & _IS_DAMAGED:
        file.path.write_bytes(content)
    if flags & _HAS_CHANGES:
        digest = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
        changes.store(digest + (hurt(changed, edits) if flags & _HURTS_CHANGES else changed))
    if flags & _HAS_ASIDE:
        aside.store(whole)
    return SceneMemory(file, _CAMERA).recall(PLAN, WIDTH)


TARGETS: Final = {
    "memories": FuzzTarget(
        decoding(_remembered, ()),
        (
            "smartcam.edge.memory_file",
            "smartcam.edge.replaced:last_replacement",
            "smartcam.edge.starts",
            "smartcam.capture.recording.kept_clips:_read",
            "smartcam.doctor.settings",
            "smartcam.edge.pictures.clip_uploader:_read",
            "smartcam.homeassistant.kept:_topics_in",
            "smartcam.inference.wanted:_read",
            "smartcam.inference.wanted:_read_here",
            "smartcam.inference.said_here:SaidHere.from_json",
        ),
    ),
    "scene-memory": FuzzTarget(
        decoding(_scene, ()),
        (
            "smartcam.inference.analysis.scene_memory:SceneMemory.recall",
            "smartcam.inference.analysis.scene_memory:SceneMemory._usable",
            "smartcam.inference.analysis.scene_memory:SceneMemory._bring_up_to_date",
            "smartcam.inference.analysis.scene_memory:SceneMemory._put_aside",
            "smartcam.inference.analysis.scene_memory:_facts",
        ),
    ),
}
