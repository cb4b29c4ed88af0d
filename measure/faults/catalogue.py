"""The faults, each with what it does to a device; it returns when the fault is over."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import cv2

from measure.demo.device import CONSOLE
from measure.faults.victim import EMPTY, FPS, MOST_KILLS, SHORTLY_VALID_S, STAYS, THEN_EMPTY, RtspSource, Victim
from smartcam.edge.ring.sealed import DEFAULT_FOLDER
from smartcam.vision.picture import Picture
from tests.pipeline.visitor import visits
from tests.rtsp.camera import record
from tests.system.rig import CAPTURE, INFERENCE, until

Dice = random.Random
Inflict = Callable[[Victim, Dice], None]
DAY_S: Final = 86_400.0
LARGE: Final = (640, 480)
_BLOCK: Final = 4096
_FLIPS: Final = 64


@dataclass(frozen=True, slots=True)
class Harm:
    """`blinds`: a visit may pass unseen meanwhile. `place`: the kind of device that it needs.

    `kills`: the components that it kills; `most`: how often each may have been killed before, so that it is started
    again. `renews`: all that runs is started anew, and the nucleus counts from the beginning.
    """

    inflict: Inflict
    blinds: bool = True
    place: str = "any"
    kills: tuple[str, ...] = ()
    most: int = MOST_KILLS - 1
    renews: bool = False

    @property
    def cost(self) -> int:
        """How long it takes, by about: a restart twice as long as all else, and one after a minute's waiting longer."""
        return 1 + (bool(self.kills) or self.renews) + 3 * (self.most == 0)


def _kill(*components: str, place: str = "any", blinds: bool = True) -> Harm:
    def inflict(victim: Victim, _: Dice) -> None:
        victim.kill(*components)

    return Harm(inflict, blinds=blinds, place=place, kills=components)


def _freeze(component: str, seconds: float) -> Inflict:
    def inflict(victim: Victim, _: Dice) -> None:
        victim.rig.send(component, signal.SIGSTOP)
        time.sleep(seconds)
        victim.rig.send(component, signal.SIGCONT)

    return inflict


def _ipc(victim: Victim, dice: Dice) -> None:
    """A component that has been started twice within an hour would wait for the next one, so none was killed before."""
    del dice
    victim.kill_ipc()


def _cut(victim: Victim, dice: Dice) -> None:
    victim.judge.cut()
    time.sleep(dice.uniform(2, 12))
    victim.judge.mend()


def _cut_too_long(victim: Victim, dice: Dice) -> None:
    """Longer than an event alarms: what comes late is recorded, as after a week."""
    victim.judge.cut()
    time.sleep(SHORTLY_VALID_S + dice.uniform(8, 15))
    victim.judge.mend()


def _flap(victim: Victim, dice: Dice) -> None:
    for _ in range(6):
        victim.judge.drop()
        time.sleep(dice.uniform(0.2, 1.5))


def _forget(victim: Victim, dice: Dice) -> None:
    victim.judge.forgets = True
    time.sleep(dice.uniform(4, 9))
    victim.judge.forgets = False


def _hold(victim: Victim, dice: Dice) -> None:
    victim.judge.holds = True
    time.sleep(dice.uniform(8, 16))
    victim.judge.let_go()


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is left on the file system of this folder."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(_BLOCK))
    try:
        yield
    finally:
        filler.unlink()


def _disk_full(victim: Victim, dice: Dice) -> None:
    with full(victim.disk):
        time.sleep(dice.uniform(4, 9))


def _disk_full_at_start(victim: Victim, dice: Dice) -> None:
    with full(victim.disk):
        victim.kill(INFERENCE)
        victim.back(INFERENCE)
        time.sleep(dice.uniform(4, 9))


def _read_only_at_start(victim: Victim, dice: Dice) -> None:
    """The kernel mounts a disk for reading only where nobody writes: while inference is dead."""
    victim.kill(INFERENCE)
    _remounted(victim.disk, "ro")
    victim.back(INFERENCE)
    time.sleep(dice.uniform(4, 9))
    _remounted(victim.disk, "rw")


def _remounted(folder: Path, how: str) -> None:
    command = ("mount", "-o", f"remount,{how}", str(folder))
    if not until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, 5):  # noqa: S603
        raise TimeoutError(f"{folder}: cannot be mounted {how}")


def _memory_full(victim: Victim, dice: Dice) -> None:
    victim.kill(CAPTURE)
    for ring in DEFAULT_FOLDER.glob("smartcam*"):
        ring.unlink(missing_ok=True)
    with full(DEFAULT_FOLDER):
        victim.back(CAPTURE)
        time.sleep(dice.uniform(4, 9))


def _rings_removed(_: Victim, __: Dice) -> None:
    for ring in DEFAULT_FOLDER.glob("smartcam*"):
        ring.unlink(missing_ok=True)


def _rings_damaged(_: Victim, dice: Dice) -> None:
    for ring in DEFAULT_FOLDER.glob("smartcam*"):
        damage(ring, dice)


def damage(path: Path, dice: Dice) -> None:
    """Flip bits all over a file, in place, as a card does that wears out."""
    with suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for _ in range(_FLIPS if size else 0):
            at = dice.randrange(size)
            before = os.pread(file.fileno(), 1, at)
            os.pwrite(file.fileno(), bytes((before[0] ^ 1 << dice.randrange(8),)), at)


def _outbox(victim: Victim) -> list[Path]:
    return list(victim.disk.glob("outbox.sqlite3*"))


def _outbox_damaged(victim: Victim, dice: Dice) -> None:
    """While nothing waits: what a damaged page held is gone, and counted in health."""
    for path in _outbox(victim):
        damage(path, dice)


def _outbox_damaged_dead(victim: Victim, dice: Dice) -> None:
    victim.kill(INFERENCE)
    _outbox_damaged(victim, dice)


def _outbox_removed(victim: Victim, _: Dice) -> None:
    for path in _outbox(victim):
        path.unlink(missing_ok=True)


def _outbox_removed_dead(victim: Victim, dice: Dice) -> None:
    victim.kill(INFERENCE)
    _outbox_removed(victim, dice)


def _step(seconds: float) -> Inflict:
    def inflict(victim: Victim, dice: Dice) -> None:
        victim.clock.step(seconds)
        time.sleep(dice.uniform(4, 9))
        victim.clock.step(0)

    return inflict


def _reconfigure(victim: Victim, dice: Dice) -> None:
    victim.reconfigure(keep_alive_s=dice.choice((0.4, 0.6, 0.8)), event_valid_s=dice.randrange(600, 7200))


def _below(victim: Victim, *folders: str) -> list[Path]:
    work = victim.rig.folder / "work"
    found = [path for folder in folders for path in sorted((work / folder).rglob("*")) if path.is_file()]
    if not found:
        raise FileNotFoundError(f"{work}: there is nothing to damage in {', '.join(folders)}")
    return found


def _bundle_damaged(victim: Victim, dice: Dice) -> None:
    """The installed model flips bits, and inference is started on it. Later tests get it back."""
    before = {path: path.read_bytes() for path in _below(victim, "smartcam.Model/current")}
    for path in before:
        damage(path, dice)
    victim.kill(INFERENCE)
    victim.back(INFERENCE)
    time.sleep(dice.uniform(4, 9))
    for path, content in before.items():
        path.write_bytes(content)


def _history_damaged(victim: Victim, dice: Dice) -> None:
    for path in _below(victim, f"{INFERENCE}/history"):
        damage(path, dice)


def _clips_damaged(victim: Victim, dice: Dice) -> None:
    for path in _below(victim, f"{CAPTURE}/clips"):
        damage(path, dice)


def _memories_damaged(victim: Victim, dice: Dice) -> None:
    """All that the two have learnt and keep, besides outbox and pictures, damaged between two lives."""
    victim.kill(CAPTURE, INFERENCE)
    for path in _below(victim, CAPTURE, INFERENCE):
        if not path.name.startswith("outbox"):
            damage(path, dice)


def _flood(victim: Victim, dice: Dice) -> None:
    victim.flood(dice.uniform(4, 9))


def _camera(victim: Victim) -> RtspSource:
    return cast("RtspSource", victim.source)


def _camera_killed(victim: Victim, dice: Dice) -> None:
    _camera(victim).kill()
    time.sleep(dice.uniform(1, 15))
    _camera(victim).revive()


def _camera_stalled(victim: Victim, dice: Dice) -> None:
    _camera(victim).camera.stall()
    time.sleep(dice.uniform(4, 15))
    _camera(victim).camera.go_on()


def _camera_resized(victim: Victim, dice: Dice) -> None:
    camera = _camera(victim)
    pictures = (cv2.resize(picture.to_bgr(), LARGE) for picture in visits(EMPTY, STAYS, THEN_EMPTY))
    record(camera.folder / "large.h264", (Picture.from_bgr(bgr.astype("uint8")) for bgr in pictures), fps=FPS)
    camera.show("large.h264")
    time.sleep(dice.uniform(4, 9))
    camera.show("visit.h264")


def _camera_garbled(victim: Victim, dice: Dice) -> None:
    camera = _camera(victim)
    (camera.folder / "garbled.h264").write_bytes(flipped((camera.folder / "visit.h264").read_bytes(), dice))
    camera.show("garbled.h264")
    time.sleep(dice.uniform(4, 9))
    camera.show("visit.h264")


def flipped(clip: bytes, dice: Dice) -> bytes:
    """A recorded clip with bits flipped in its access units; the lengths before them are left alone."""
    found, at = bytearray(clip), 0
    while at < len(found):
        size = int.from_bytes(found[at : at + 4])
        for _ in range(dice.randrange(4)):
            found[at + 4 + dice.randrange(size)] ^= 1 << dice.randrange(8)
        at += 4 + size
    return bytes(found)


FAULTS: Final[Mapping[str, Harm]] = {
    "capture-killed": _kill(CAPTURE),
    "inference-killed": _kill(INFERENCE),
    "both-killed": _kill(CAPTURE, INFERENCE),
    "capture-frozen": Harm(_freeze(CAPTURE, 12)),
    "inference-frozen": Harm(_freeze(INFERENCE, 12)),
    "nucleus-killed": Harm(lambda victim, _: victim.restart(signal.SIGKILL), renews=True),
    "nucleus-restarted": Harm(lambda victim, _: victim.restart(signal.SIGTERM), renews=True),
    "ipc-restarted": Harm(_ipc, kills=(CAPTURE, INFERENCE), most=0),
    "cloud-away": Harm(_cut, blinds=False),
    "cloud-flapping": Harm(_flap, blinds=False),
    "cloud-forgets": Harm(_forget, blinds=False),
    "answers-late-reordered-doubled": Harm(_hold, blinds=False),
    "disk-full": Harm(_disk_full, blinds=False),
    "disk-full-at-start": Harm(_disk_full_at_start, kills=(INFERENCE,)),
    "disk-read-only-at-start": Harm(_read_only_at_start, kills=(INFERENCE,)),
    "memory-full": Harm(_memory_full, kills=(CAPTURE,)),
    "rings-removed": Harm(_rings_removed),
    "rings-damaged": Harm(_rings_damaged),
    "outbox-damaged": Harm(_outbox_damaged, blinds=False),
    "outbox-damaged-between-lives": Harm(_outbox_damaged_dead, kills=(INFERENCE,)),
    "outbox-removed": Harm(_outbox_removed, blinds=False),
    "outbox-removed-between-lives": Harm(_outbox_removed_dead, kills=(INFERENCE,)),
    "clock-a-day-ahead": Harm(_step(DAY_S), blinds=False),
    "clock-a-day-back": Harm(_step(-DAY_S), blinds=False),
    "configured-again": Harm(_reconfigure, renews=True),
    "bundle-damaged": Harm(_bundle_damaged, kills=(INFERENCE,)),
    "history-damaged": Harm(_history_damaged, blinds=False),
    "memories-damaged": Harm(_memories_damaged, kills=(CAPTURE, INFERENCE)),
    "cloud-away-too-long": Harm(_cut_too_long, blinds=False, place="guests"),
    "console-killed": _kill(CONSOLE, place="guests", blinds=False),
    "clips-damaged": Harm(_clips_damaged, blinds=False, place="guests"),
    "neighbour-floods": Harm(_flood, blinds=False, place="guests"),
    "camera-killed": Harm(_camera_killed, place="rtsp"),
    "camera-stalled": Harm(_camera_stalled, place="rtsp"),
    "camera-resized": Harm(_camera_resized, place="rtsp"),
    "camera-garbled": Harm(_camera_garbled, place="rtsp"),
}
"""By name, in the order of the table."""


def spared(faults: Mapping[str, Harm]) -> Sequence[str]:
    """An order of these in which nothing is killed oftener than a nucleus starts it again, as far as there is one.

    What starts everything anew waits until something has been killed too often for what is left.
    """
    kills = Counter[str]()
    left = sorted(faults, key=lambda name: faults[name].most)
    found: list[str] = []
    while left:
        mild = (name for name in left if not faults[name].renews and not is_worn(faults[name], kills))
        anew = (name for name in left if faults[name].renews)
        found.append(next(mild, None) or next(anew, left[0]))
        left.remove(found[-1])
        fault = faults[found[-1]]
        if fault.renews or is_worn(fault, kills):
            kills.clear()
        kills.update(fault.kills)
    return found


def is_worn(fault: Harm, kills: Mapping[str, int]) -> bool:
    """Whether a component that it kills has been killed too often to be started again."""
    return any(kills.get(name, 0) > fault.most for name in fault.kills)
