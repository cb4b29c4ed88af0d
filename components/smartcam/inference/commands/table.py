"""`smartcam-inference --table`: without a nucleus, the model of a table answers each row of a CSV."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

from smartcam.contract.errors import ContractError, SmartcamError
from smartcam.contract.written import UnreadableText, csv_of, read_text
from smartcam.model.manifest import ONNX_FILE
from smartcam.model.rows.bundle import open_table
from smartcam.model.rows.columns import Row

_MOST_BYTES: Final = 200_000_000
_SHOWN: Final = 20


def answer_rows(bundle: Path, file: Path, answers: TextIO, errors: TextIO, *, onnx: bool = False) -> int:
    """Answer each row with a line of JSON; the exit code is 1 after the first one that cannot be answered.

    `onnx`: run the bundle's ONNX model instead, for comparing.
    """
    try:
        table = open_table(bundle, ONNX_FILE if onnx else None)
        for line, row in _rows(file, [code.name for code in table.code.columns]):
            probability = table.head.probability(row)
            said = {"line": line, "label": table.label(probability), "probability": round(probability, 6)}
            answers.write(json.dumps(said, ensure_ascii=False) + "\n")
    except BrokenPipeError:
        raise  # whoever reads the answers has seen enough
    except (SmartcamError, OSError) as error:
        said_of = error.within(file) if isinstance(error, UnreadableText) else error
        errors.write(f"smartcam-inference: {said_of}\n")
        return 1
    return 0


def _rows(file: Path, columns: list[str]) -> Iterator[tuple[int, Row]]:
    """The rows, each with the line on which it begins. Raises ContractError, UnreadableText or OSError."""
    lines = csv_of(read_text(file, _MOST_BYTES))
    _, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    for name in columns:
        if names.count(name) != 1:
            there = f"there are {', '.join(names[:_SHOWN]) or 'none'}{', ...' if len(names) > _SHOWN else ''}"
            what = f"two columns are called {name!r}" if name in names else f"has no column {name!r}; {there}"
            raise ContractError(str(file), f"{what}; the model was trained with it")
    for line, cells in lines:
        if cells and len(cells) != len(names):
            raise UnreadableText(f"has {len(cells)} cells, and the first line {len(names)}", line)
        if cells:
            yield line, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
