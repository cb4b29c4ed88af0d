"""`smartcam emulation`: the build installed and run as a Raspberry Pi would, with its own packages."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from measure.demo.yard_clip import yard_clip
from measure.emulation import proof
from measure.emulation.machine import SYSTEMS, System, set_up
from measure.emulation.picamera import bring_picamera, import_picamera
from tools.build.command import WHEEL_FOLDER, fetch_wheels
from tools.build.suite import DEMO_BUNDLE, LARGEST_LOAD_BYTES, BuildError, Built, build_suite
from tools.build.wheels import WheelError, parse_platform
from tools.command_line import ROOT, complain
from tools.setup import ToolsError


def main(argv: Sequence[str]) -> int:
    """Check every named system: 0 when all is well, 1 when something is wrong, 2 when it could not be run."""
    parser = argparse.ArgumentParser(prog="smartcam emulation", description=__doc__)
    names = [system.name for system in SYSTEMS]
    parser.add_argument("systems", nargs="*", default=names, metavar="SYSTEM", help=f"{' or '.join(names)} (both)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "emulation", help="where it installs")
    parser.add_argument("--keep", action="store_true", help="leave what was installed there")
    options = parser.parse_args(argv)
    if unknown := set(options.systems) - set(names):
        parser.error(f"{unknown.pop()} is not a supported system; choose from {', '.join(names)}")
    wanted = [system for system in SYSTEMS if system.name in options.systems]
    try:
        built = build_for(wanted, options.folder / "build")
        proven = [prove(system, built, options.folder, keep=options.keep) for system in wanted]
        return int(not all(proven))
    except (ToolsError, BuildError, WheelError, OSError) as error:
        return complain("emulation", error, 2)
    finally:
        for made in () if options.keep else ("build", "here"):
            shutil.rmtree(options.folder / made, ignore_errors=True)


def build_for(systems: Sequence[System], folder: Path) -> Built:
    """One release for all of these systems. Raises BuildError, WheelError, OSError."""
    begun = time.monotonic()
    platforms = [parse_platform(f"linux-aarch64-{system.lock}") for system in systems]
    wheels = fetch_wheels(platforms, ROOT)
    built = build_suite(folder, DEMO_BUNDLE, wheels=wheels)
    _say(f"built for {' and '.join(system.name for system in systems)} in {time.monotonic() - begun:.0f} s")
    return built


def prove(system: System, built: Built, folder: Path, *, keep: bool = False) -> bool:
    """Install, score, compare and print the results. Raises ToolsError, WheelError, OSError."""
    begun = time.monotonic()
    machine = set_up(system, ROOT, _say)
    device = folder / system.name
    clip = yard_clip(ROOT / "build" / "clips", _say)
    try:
        installed = proof.install(machine, built, device)
        _say(f"{system.name}: installed offline in {installed.seconds:.0f} s (emulated): {installed.megabytes:.0f} MB")
        _say(f"{system.name}: a device loads {installed.loaded_megabytes:.1f} MB of artifacts")
        scored_at, code = time.monotonic(), proof.code_of(built)
        bundle = device / "work" / "smartcam.Model" / "current"
        there = proof.score(installed.python, code, bundle, clip, device / "shm", machine.environment())
        seconds = time.monotonic() - scored_at
        here = proof.score(Path(sys.executable), code, DEMO_BUNDLE, clip, folder / "here", os.environ)
        compared = proof.compare(here, there, DEMO_BUNDLE)
        _say(
            f"{system.name}: {len(there)} frames scored in {seconds:.0f} s (emulated),"
            f" at most {compared.worst:g} steps from this machine's"
        )
        bring_picamera(machine, WHEEL_FOLDER, _say)
        sentence, wrong = import_picamera(machine, installed.python, code[0])
        _say(f"{system.name}: {sentence}")
    finally:
        if not keep:
            shutil.rmtree(device, ignore_errors=True)
    complaints = [*_complaints(installed, compared), *wrong]
    for complaint in complaints:
        print(f"{system.name}: {complaint}", file=sys.stderr)
    _say(f"{system.name}: {'proven' if not complaints else 'NOT proven'} in {time.monotonic() - begun:.0f} s")
    return not complaints


def _complaints(installed: proof.Installed, compared: proof.Compared) -> Sequence[str]:
    found = []
    if installed.megabytes > proof.MOST_INSTALLED_MB:
        found.append(f"takes {installed.megabytes:.0f} MB installed, more than {proof.MOST_INSTALLED_MB}")
    if installed.loaded_megabytes * 1_000_000 > LARGEST_LOAD_BYTES:
        found.append(f"loads {installed.loaded_megabytes:.0f} MB, more than {LARGEST_LOAD_BYTES / 1_000_000:.0f}")
    if len(compared.there) != proof.FRAMES:
        found.append(f"scored {len(compared.there)} frames instead of {proof.FRAMES}")
    if not compared.is_same:
        found.append(f"scores differ by {compared.worst:g} steps, more than {proof.STEPS}, or other frames were seen")
    return found


def _say(line: str) -> None:
    print(line, flush=True)
