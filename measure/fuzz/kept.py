"""The corpus that is kept in the repository: a file for each target, a line of base64 for each input."""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tools.command_line import ROOT

CORPUS: Final = ROOT / "tests" / "fuzz" / "corpus"


def corpus_file(name: str, folder: Path = CORPUS) -> Path:
    """Where the inputs of a target are kept."""
    return folder / f"{name}.txt"


def read_corpus(name: str, folder: Path = CORPUS) -> tuple[bytes, ...]:
    """The kept inputs of a target; none where none are kept yet. A line that begins with # is a remark."""
    try:
        lines = corpus_file(name, folder).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(base64.b64decode(line, validate=True) for line in lines if not line.startswith("#"))


def write_corpus(name: str, inputs: Iterable[bytes], folder: Path = CORPUS) -> None:
    """Keep these, the shortest first; the remarks go with what they stand above, so they are kept at the top."""
    path = corpus_file(name, folder)
    remarks = (
        [line for line in path.read_text(encoding="ascii").splitlines() if line.startswith("#")]
        if path.exists()
        else []
    )
    kept = sorted(set(inputs), key=lambda one: (len(one), one))
    lines = [*remarks, *(base64.b64encode(one).decode() for one in kept)]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
