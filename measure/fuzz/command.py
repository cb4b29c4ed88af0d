"""`make fuzz`: each target for some minutes from the kept corpus, then how much of its decoder the corpus reaches.

The minutes are the time that the fuzzing process has had on a processor. What the fuzzer finds on the way lies in
build/fuzz and is gone on with; a finding is written there too, and said.
"""

import argparse
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.fuzz.catalogue import TARGETS, module_of
from measure.fuzz.covering import FEWEST, Covered, cover, minimal
from measure.fuzz.had import SPENT, Had, keep_had, read_had, still_to_have
from measure.fuzz.kept import read_corpus, write_corpus
from smartcam.edge.arguments import whole
from standins.cloud.leashed import kill_leashed, start_leashed
from tools.command_line import ROOT, complain

FOLDER: Final = ROOT / "build" / "fuzz"
SECONDS: Final = 120
LONGEST_BYTES: Final = 8192
"""Longer inputs are slow and find the same."""
_SLOW_S: Final = 60
"""By the clock, for one input: the machine may be busy."""
_MOST_WAITING: Final = 10
"""How many times as long as its time on a processor a target may take by the clock."""
_GRACE_S: Final = 600.0
"""For reading the corpus, too, which may have grown large."""
_MEMORY_MB: Final = 2048
_TAIL: Final = 12


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """How the fuzzing of a target ended."""

    name: str
    had: Had
    """In this run."""
    finding: Path | None
    words: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, then count. 0 when nothing was found, nothing is left and each corpus reaches enough of its decoder."""
    chosen = _parser().parse_args(arguments)
    logging.disable()  # damage is said again and again
    if chosen.list:
        print("\n".join(TARGETS))
        return 0
    names = list(dict.fromkeys(chosen.target)) or list(TARGETS)
    if chosen.seconds and not _has_atheris():
        return complain("fuzz", "atheris is missing; remedy: make setup, on Linux with x86-64")
    found = _fuzz_all(chosen, names) if chosen.seconds else []
    lacking = [name for name in names if name not in found and not _covers(chosen, name)]
    hungry = [name for name in names if name not in found and read_had(chosen.folder, name).cpu_s < chosen.seconds]
    if found:
        complain("fuzz", f"findings: {', '.join(found)}; remedy: a test with the input, then the decoder")
    if hungry:
        complain("fuzz", f"the machine had too little time for {', '.join(hungry)}; remedy: run it again, it goes on")
    if lacking:
        complain("fuzz", f"the corpus reaches less than {FEWEST:.0%} of {', '.join(lacking)}; remedy: seeds, or --keep")
    return 1 if found or hungry or lacking else 0


def _fuzz_all(chosen: argparse.Namespace, names: Sequence[str]) -> Sequence[str]:
    """Give each what it still is to have, and say how it ended. Returns the names of those with findings."""
    left = still_to_have(chosen.folder, names, chosen.seconds)
    began, found = time.monotonic(), []
    with ThreadPoolExecutor(chosen.beside) as pool:
        ended = pool.map(lambda each: _fuzz(chosen.folder, *each), left.items())
        for number, fuzzed in enumerate(ended, 1):
            left_s = (time.monotonic() - began) / number * (len(left) - number)
            said = f"FOUND {fuzzed.finding}" if fuzzed.finding else f"{fuzzed.had.tries:,} tries, nothing found"
            print(
                f"{fuzzed.name}: {fuzzed.had.cpu_s:g} s of a processor, {said}; about {left_s / 60:.0f} min left",
                flush=True,
            )
            if fuzzed.finding:
                print(fuzzed.words, flush=True)
                found.append(fuzzed.name)
    return found


def _covers(chosen: argparse.Namespace, name: str) -> bool:
    target = TARGETS[name]
    if chosen.keep:
        grown = (path.read_bytes() for path in sorted(_corpus(chosen.folder, name).iterdir()))
        write_corpus(name, minimal(target, (b"", *read_corpus(name), *grown)))
    covered: Covered = cover(target, read_corpus(name))
    missing = f" not: {' '.join(covered.missing)}" if chosen.missing else ""
    had = read_had(chosen.folder, name)
    print(
        f"| {name} | {had.cpu_s:.0f} | {had.tries:,} | {covered.branches} | {covered.share:.0%} |{missing}", flush=True
    )
    return covered.share >= FEWEST


def _fuzz(folder: Path, name: str, seconds: float) -> Fuzzed:
    """Fuzz one target in a process of its own, from what is kept and what earlier runs found; keep what it has had."""
    corpus, findings, scratch = _corpus(folder, name), folder / "findings" / name, folder / "scratch" / name
    for data in read_corpus(name):
        (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    shutil.rmtree(scratch, ignore_errors=True)  # libFuzzer ends a process without asking Python to tidy up
    for each in (findings, scratch):
        each.mkdir(parents=True, exist_ok=True)
    known = set(findings.iterdir())
    longest_s = seconds * _MOST_WAITING
    options = [f"-max_len={LONGEST_BYTES}", f"-timeout={_SLOW_S}", f"-rss_limit_mb={_MEMORY_MB}"]
    options += ["-print_final_stats=1", f"-artifact_prefix={findings}/", str(corpus)]
    command = [sys.executable, "-m", "measure.fuzz.child", module_of(name), name, f"{seconds:g}", f"{longest_s:g}"]
    log = scratch / "words"
    with log.open("wb") as output:
        process = start_leashed([*command, *options], {**os.environ, "TMPDIR": str(scratch)}, ROOT, output)
        try:
            code = process.wait(longest_s + _GRACE_S)
        except subprocess.TimeoutExpired:
            code = 1
        finally:
            kill_leashed(process)
    words = log.read_text(errors="replace")
    shutil.rmtree(scratch, ignore_errors=True)
    new = sorted(set(findings.iterdir()) - known)
    finding = new[0] if new else findings if code else None
    had = Had.of_words(words)
    # What is mended after a finding is another decoder, which has had nothing yet.
    keep_had(folder, name, Had() if finding else read_had(folder, name).and_then(had))
    return Fuzzed(name, had, finding, "\n".join(ended_lines(words)))


def ended_lines(words: str) -> Sequence[str]:
    """What of the fuzzer's words tells what it has found: the trace, without its progress."""
    lines = [line for line in words.splitlines() if not line.startswith(("#", "INFO", "stat::", SPENT))]
    at = next((number for number, line in enumerate(lines) if "Uncaught Python exception" in line), None)
    return lines[at : at + 4 * _TAIL] if at is not None else lines[-_TAIL:]


def _corpus(folder: Path, name: str) -> Path:
    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    return corpus


def _has_atheris() -> bool:
    try:
        import atheris  # noqa: F401, PLC0415 - there are no wheels for every machine
    except ImportError:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description="Feed decoders with bytes that nobody meant.")
    parser.add_argument("--target", action="append", default=[], choices=list(TARGETS), help="this one; repeatable")
    parser.add_argument(
        "--seconds",
        type=whole(0),
        default=SECONDS,
        help="of a processor, for each target, whatever else runs (default: %(default)s); 0: only count branches",
    )
    parser.add_argument("--beside", type=whole(1), default=2, help="how many run at once (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="write what reaches something new into the kept corpus")
    parser.add_argument("--missing", action="store_true", help="say which branches are not reached")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the corpus grows (default: build/fuzz)")
    parser.add_argument("--list", action="store_true", help="name the targets")
    return parser
