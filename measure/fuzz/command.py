"""`make fuzz`: each target for some minutes from the kept corpus, then how much of its decoder the corpus reaches.

What the fuzzer finds on the way lies in build/fuzz and is gone on with; a finding is written there too, and said.
"""

import argparse
import hashlib
import logging
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from measure.fuzz.catalogue import TARGETS
from measure.fuzz.covering import FEWEST, Covered, cover, minimal
from measure.fuzz.kept import read_corpus, write_corpus
from smartcam.edge.arguments import whole
from tools.command_line import ROOT, complain

FOLDER: Final = ROOT / "build" / "fuzz"
SECONDS: Final = 120
LONGEST_BYTES: Final = 8192
"""Longer inputs are slow and find the same."""
_SLOW_S: Final = 10
_GRACE_S: Final = 600.0
"""For reading the corpus, too, which may have grown large."""
_MEMORY_MB: Final = 2048
_TAIL: Final = 12


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """How the fuzzing of a target ended."""

    name: str
    tries: int
    finding: Path | None
    words: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz, then count. 0 when nothing was found and each corpus reaches enough of its decoder."""
    chosen = _parser().parse_args(arguments)
    logging.disable()  # damage is said again and again
    if chosen.list:
        print("\n".join(TARGETS))
        return 0
    names = list(dict.fromkeys(chosen.target)) or list(TARGETS)
    if chosen.seconds and not _has_atheris():
        return complain("fuzz", "atheris is missing; remedy: make setup, on Linux with x86-64")
    began, found = time.monotonic(), []
    with ThreadPoolExecutor(chosen.beside) as pool:
        for number, fuzzed in enumerate(pool.map(lambda name: _fuzz(chosen.folder, name, chosen.seconds), names), 1):
            left_s = (time.monotonic() - began) / number * (len(names) - number)
            said = f"FOUND {fuzzed.finding}" if fuzzed.finding else f"{fuzzed.tries:,} tries, nothing found"
            print(f"{fuzzed.name}: {said}; about {left_s / 60:.0f} min left", flush=True)
            if fuzzed.finding:
                print(fuzzed.words, flush=True)
                found.append(fuzzed.name)
    lacking = [name for name in names if name not in found and not _covers(chosen, name)]
    if found:
        complain("fuzz", f"findings: {', '.join(found)}; remedy: a test with the input, then the decoder")
    if lacking:
        complain("fuzz", f"the corpus reaches less than {FEWEST:.0%} of {', '.join(lacking)}; remedy: seeds, or --keep")
    return 1 if found or lacking else 0


def _covers(chosen: argparse.Namespace, name: str) -> bool:
    target = TARGETS[name]
    if chosen.keep:
        grown = (path.read_bytes() for path in sorted(_corpus(chosen.folder, name).iterdir()))
        write_corpus(name, minimal(target, (b"", *read_corpus(name), *grown)))
    covered: Covered = cover(target, read_corpus(name))
    missing = f" not: {' '.join(covered.missing)}" if chosen.missing else ""
    print(f"| {name} | {covered.branches} | {covered.share:.0%} |{missing}", flush=True)
    return covered.share >= FEWEST


def _fuzz(folder: Path, name: str, seconds: int) -> Fuzzed:
    """Run one target in a process of its own. Each kept input is tried, too, where there is no time for more."""
    corpus = _corpus(folder, name)
    for data in read_corpus(name):
        (corpus / hashlib.sha256(data).hexdigest()).write_bytes(data)
    if not seconds:
        return Fuzzed(name, 0, None, "")
    findings = folder / "findings" / name
    findings.mkdir(parents=True, exist_ok=True)
    known = set(findings.iterdir())
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", f"-timeout={_SLOW_S}"]
    options += [f"-rss_limit_mb={_MEMORY_MB}", "-print_final_stats=1", f"-artifact_prefix={findings}/"]
    try:
        ended = subprocess.run(  # noqa: S603  our own module, by an argument list
            [sys.executable, "-m", "measure.fuzz.child", name, *options, str(corpus)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds + _GRACE_S,
            check=False,
        )
        words, code = ended.stdout + ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as expired:
        words, code = str(expired), 1
    new = sorted(set(findings.iterdir()) - known)
    finding = new[0] if new else findings if code else None
    return Fuzzed(name, _tries(words), finding, "\n".join(ended_lines(words)))


def ended_lines(words: str) -> Sequence[str]:
    """What of the fuzzer's words tells what it has found: the trace, without its progress."""
    lines = [line for line in words.splitlines() if not line.startswith(("#", "INFO", "stat::"))]
    at = next((number for number, line in enumerate(lines) if "Uncaught Python exception" in line), None)
    return lines[at : at + 4 * _TAIL] if at is not None else lines[-_TAIL:]


def _tries(words: str) -> int:
    for line in words.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return int(line.split()[-1])
    return 0


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
        help="for each target (default: %(default)s); 0: only count branches",
    )
    parser.add_argument("--beside", type=whole(1), default=2, help="how many run at once (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="write what reaches something new into the kept corpus")
    parser.add_argument("--missing", action="store_true", help="say which branches are not reached")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the corpus grows (default: build/fuzz)")
    parser.add_argument("--list", action="store_true", help="name the targets")
    return parser
