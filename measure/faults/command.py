"""`make faults`: every fault, so many times each, on devices of real processes side by side; what is lost is a failure.

Each device runs in mounts of its own, so that its shared memory and its disk can be filled while nobody else's are.
Results are kept per fault in build/faults; a run goes on where the last one was stopped.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from measure.faults.catalogue import FAULTS, Harm, is_worn, spared
from measure.faults.kept import keep, kept
from measure.faults.tally import Injection, LastVisit, table, tally
from measure.faults.victim import ANOMALY, EVERY_S, PATIENCE_S, Victim, suffering
from smartcam.edge.arguments import whole
from tests.system.rig import INFERENCE, until
from tools.command_line import ROOT, complain

FOLDER: Final = ROOT / "build" / "faults"
TIMES: Final = 20
DEVICES: Final = 4
_BUSY: Final = 4.0
"""Processes that want to run, on average of a minute and for each core."""
_MOUNT: Final = 'mount -t tmpfs -o size=16m none /dev/shm || exit 77; exec "$@"'
_DISK: Final = ("mount", "-t", "tmpfs", "-o", "size=48m", "none")
_NO_MOUNTS: Final = 77
_MOST_FAILURES: Final = 3
"""A device that has failed so often is not tried again: something is wrong with the machine."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing was lost or doubled and every device came back, in this run and in those that it goes on with."""
    chosen = _parser().parse_args(arguments)
    if chosen.list:
        print("\n".join(FAULTS))
        return 0
    names = list(dict.fromkeys(chosen.fault)) or list(FAULTS)
    if chosen.inside:
        return suffer(chosen.folder, chosen.inside, names, chosen.times)
    if chosen.fresh:
        for name in names:
            (chosen.folder / f"{name}.json").unlink(missing_ok=True)
    if shutil.which("unshare") is None:
        return complain("faults", "unshare is missing; remedy: apt-get install util-linux")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    left = {name: FAULTS[name] for name in names if len(kept(chosen.folder, name)) < chosen.times}
    codes = suffer_beside([_outside(chosen, *shift) for shift in shifts(left, chosen.devices)], chosen.devices)
    found = {name: kept(chosen.folder, name) for name in names}
    print(f"\n{table(found)}")
    if _NO_MOUNTS in codes:
        return complain("faults", "nothing can be mounted here; remedy: run it as root, or allow user namespaces")
    is_whole = all(len(injections) >= chosen.times for injections in found.values())
    return 0 if is_whole and all(one.is_good for injections in found.values() for one in injections) else 1


def shifts(faults: Mapping[str, Harm], devices: int) -> Sequence[tuple[str, Sequence[str]]]:
    """Which fault is played on which of so many devices: the places that it needs have one each, the others the rest.

    The longest first, each on the device that has least to do.
    """
    special = {place: [name for name, fault in faults.items() if fault.place == place] for place in ("guests", "rtsp")}
    special = {place: names for place, names in special.items() if names}
    plain = sorted(
        (name for name, fault in faults.items() if fault.place == "any"), key=lambda name: -faults[name].cost
    )
    found: list[tuple[str, list[str]]] = [("any", []) for _ in range(max(devices - len(special), 1))]
    for name in plain:
        _, least = min(found, key=lambda one: sum(faults[each].cost for each in one[1]))
        least.append(name)
    return [(place, names) for place, names in (*found, *special.items()) if names]


def suffer(folder: Path, place: str, names: Sequence[str], times: int) -> int:
    """Inside the mounts: inject what is left, with a fresh device where one has not come back."""
    failures = 0
    while (left := remaining(folder, names, times)) and failures < _MOST_FAILURES:
        try:
            with _device(folder, place) as victim:
                began = time.monotonic()
                for done, name in enumerate(left, 1):
                    number = len(kept(folder, name))
                    injection = inject(victim, name, number)
                    keep(folder, name, injection)
                    left_min = (len(left) - done) * (time.monotonic() - began) / done / 60
                    print(f"{name} {number + 1}/{times}: {_said(injection)}; about {left_min:.0f} min left", flush=True)
                    if not injection.is_good:
                        _save_logs(folder, name, number, victim)
                    if injection.recovered_s is None:
                        raise TimeoutError(f"{name}: the device did not come back")
        except (TimeoutError, AssertionError) as error:
            failures += 1
            print(f"a device has failed: {str(error)[-3000:]}", flush=True)
    return 1 if remaining(folder, names, times) else 0


def inject(victim: Victim, name: str, number: int) -> Injection:
    """Once, at any moment between two visits; the same moment for the same number."""
    dice = random.Random(f"{name} {number}")  # noqa: S311  a moment, no secret
    fault = FAULTS[name]
    if is_worn(fault, victim.kills):
        victim.rest()
    sight = (
        None if fault.blinds else LastVisit(max(one.began_s for one in victim.told() if one.kind == ANOMALY), EVERY_S)
    )
    before = {one.event_id for one in victim.told()} | victim.raised()
    time.sleep(dice.uniform(0, EVERY_S))
    try:
        fault.inflict(victim, dice)
        recovered_s = victim.has_recovered(time.time())
    except TimeoutError:
        recovered_s = None
    until(lambda: victim.raised() <= {one.event_id for one in victim.told()}, PATIENCE_S)
    told = [one for one in victim.told() if one.event_id not in before]
    if os.getloadavg()[0] > _BUSY * (os.cpu_count() or 1):
        sight = None  # somebody who passes meanwhile may be missed for want of a processor
    return tally(victim.raised() - before, told, recovered_s, sight)


def remaining(folder: Path, names: Sequence[str], times: int) -> Sequence[str]:
    """What is still to be injected, one fault after the other: a run that is stopped has some of each."""
    done = {name: len(kept(folder, name)) for name in names}
    order = spared({name: FAULTS[name] for name in names})
    return [name for number in range(times) for name in order if number >= done[name]]


@contextmanager
def _device(folder: Path, place: str) -> Iterator[Victim]:
    """A device below a folder of its own, which ends with it; inference has a small disk for itself."""
    own = folder / f"device-{place}-{os.getpid()}"
    disk = own / "device" / "work" / INFERENCE
    disk.mkdir(parents=True)
    try:
        subprocess.run([*_DISK, str(disk)], check=True)  # noqa: S603  a folder of ours
        with suffering(own, is_rtsp=place == "rtsp", has_guests=place == "guests") as victim:
            yield victim
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)  # noqa: S603, S607  a folder of ours
        shutil.rmtree(own, ignore_errors=True)


def _said(injection: Injection) -> str:
    back = "not back" if injection.recovered_s is None else f"back after {injection.recovered_s:.1f} s"
    return f"{injection.raised} raised, {injection.lost} lost, {injection.doubled} doubled, {back}"


def _save_logs(folder: Path, name: str, number: int, victim: Victim) -> None:
    logs = folder / "logs" / f"{name}-{number}"
    shutil.rmtree(logs, ignore_errors=True)
    shutil.copytree(victim.rig.folder / "logs", logs)
    story = [f"{one.began_s:.1f} {one.kind} {one.event_id}" for one in victim.told()]
    (logs / "told.txt").write_text("\n".join(story))


def suffer_beside(commands: Sequence[Sequence[str]], devices: int) -> Sequence[int]:
    """Run so many at once, and give their exit codes; who interrupts this has them end their devices first."""
    running: list[subprocess.Popen[bytes]] = []

    def run(command: Sequence[str]) -> int:
        # In a session of its own: Ctrl-C in the terminal comes here alone.
        with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:  # noqa: S603  this module, in its mounts
            running.append(process)
            return process.wait()

    with ThreadPoolExecutor(devices) as beside:  # more shifts than that wait for a device that is done
        try:
            return list(beside.map(run, commands))
        except BaseException:
            beside.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise


def _outside(chosen: argparse.Namespace, place: str, names: Sequence[str]) -> Sequence[str]:
    """What runs a device inside mounts of its own, which end with it."""
    faults = [part for name in names for part in ("--fault", name)]
    command = [sys.executable, "-m", "measure.faults", "--inside", place, "--times", str(chosen.times)]
    command += ["--folder", str(chosen.folder), *faults]
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", _MOUNT, "sh", *command]


def _folder(text: str) -> Path:
    """Devices run elsewhere, and lead back to it."""
    return Path(text).resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faults", description="Hurt a device, and count what is lost.")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), default=[], help="this one only; repeatable")
    parser.add_argument("--times", type=whole(1), default=TIMES, help="how often each (default: %(default)s)")
    parser.add_argument(
        "--devices", type=whole(1, 8), default=DEVICES, help="how many run at once (default: %(default)s)"
    )
    parser.add_argument("--folder", type=_folder, default=FOLDER, help="where results are kept")
    parser.add_argument("--fresh", action="store_true", help="forget earlier results of these faults")
    parser.add_argument("--list", action="store_true", help="name the faults")
    parser.add_argument("--inside", choices=("any", "guests", "rtsp"), help=argparse.SUPPRESS)
    return parser
