"""`smartcam export`: a bundle's model for other targets, and how far each is from the original."""

import argparse
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from measure.export import to_coreml, to_executorch
from measure.export.footage import See, held_out
from measure.export.original import SOURCES, ExportedModel, about, open_exported
from measure.export.parity import TargetRow, as_document, table
from measure.export.to_browser import export_browser
from measure.export.to_micro import export_micro
from measure.export.to_onnx import export_onnx
from smartcam.contract.errors import CameraLost, ModelIntegrityError
from smartcam.edge.arguments import whole
from smartcam.model.interpreter import Tensor
from tools.child import AbsentHereError, ExportFault
from tools.command_line import Say, complain, new_parser, say
from tools.setup import ToolsError
from training.bundle import put

Exporter = Callable[[ExportedModel, Path, Say], Iterator[TargetRow]]
TARGETS: Final[Mapping[str, Exporter]] = {
    "onnx": export_onnx,
    "tflm": export_micro,
    "litert-js": export_browser,
    "coreml": to_coreml.export_coreml,
    "executorch": to_executorch.export_executorch,
}
SOURCES_OF: Final[Mapping[str, Collection[str]]] = {
    "coreml": to_coreml.MADE_FROM,
    "executorch": to_executorch.MADE_FROM,
}
"""Targets that cannot read a .tflite, and what they are made from."""
PARITY: Final = "parity.json"
LEAST_PICTURES: Final = 200
_MOST_PICTURES: Final = 5000


def main(argv: list[str]) -> int:
    """0: every target is there and close enough. 1: one is not, or nothing could be written; why is said."""
    parser = new_parser("export", __doc__)
    parser.add_argument(
        "bundle",
        type=bundle_of,
        metavar="BUNDLE",
        help="a folder with a bundle whose model is a .tflite, or the source that lies beside it",
    )
    parser.add_argument(
        "--to", type=targets_in, metavar=",".join(TARGETS), help="which (all that the bundle has a source for)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets a folder for each target")
    parser.add_argument(
        "--clips", type=Path, nargs="+", default=[], metavar="CLIP", help="held-out footage (drawn yards)"
    )
    parser.add_argument(
        "--pictures",
        type=whole(LEAST_PICTURES, _MOST_PICTURES),
        default=LEAST_PICTURES,
        metavar="N",
        help=f"how many of it, beside the golden one ({LEAST_PICTURES})",
    )
    options = parser.parse_args(argv)

    def footage(see: See) -> Sequence[Tensor]:
        say(f"export: showing it {options.pictures} pictures of {'your clips' if options.clips else 'drawn yards'} ...")
        return held_out(options.clips, options.pictures, see)

    try:
        check_out(options.out)
        exported = open_exported(options.bundle, footage)
        targets = options.to or targets_for(exported, say)
        rows = put(options.out, lambda folder: write(exported, targets, folder, say))
    except (ModelIntegrityError, CameraLost) as error:
        return complain("export", error)
    except OSError as error:
        return complain("export", f"{error.filename or options.out}: {error.strerror or error}")
    print(table(rows))
    print(f"files      {options.out}, and {PARITY} beside them")
    return 0 if all(row.is_good for row in rows) else 1


def bundle_of(text: str) -> Path:
    """The bundle's folder, where what its model was converted from is named too."""
    named = Path(text)
    return named.with_suffix("") if named.suffix in SOURCES else named


def targets_in(text: str) -> list[str]:
    """The targets in a list with commas, each once. Raises ArgumentTypeError for one that does not exist."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in TARGETS:
            raise argparse.ArgumentTypeError(f"{name!r} is no target; there are {', '.join(TARGETS)}")
    return names


def targets_for(exported: ExportedModel, tell: Say) -> list[str]:
    """All targets but those whose source the bundle has not, which are told."""
    left = [name for name, kinds in SOURCES_OF.items() if exported.sources.keys().isdisjoint(kinds)]
    for name in left:
        kinds = " or ".join(SOURCES[kind] for kind in SOURCES_OF[name])
        tell(f"export: {name} is left out: no {kinds} lies beside the bundle")
    return [name for name in TARGETS if name not in left]


def check_out(folder: Path) -> None:
    """Raises FileExistsError where something is that no export wrote: it would be lost."""
    if not folder.exists() and not folder.is_symlink():
        return
    is_replaceable = folder.is_dir() and ((folder / PARITY).is_file() or not any(folder.iterdir()))
    known = {PARITY, *TARGETS}
    others = sorted(each.name for each in folder.iterdir() if each.name not in known) if is_replaceable else ["?"]
    if others:
        raise FileExistsError(17, "is there, and holds what no export wrote; name another folder", str(folder))


def write(exported: ExportedModel, targets: Sequence[str], folder: Path, tell: Say) -> list[TargetRow]:
    """Makes the targets in a folder, whatever becomes of the others, and says in PARITY how good they are."""
    folder.mkdir()
    rows: list[TargetRow] = []
    for name in targets:
        tell(f"export: {name} ...")
        try:
            rows.extend(TARGETS[name](exported, folder / name, tell))
        except AbsentHereError as error:
            rows.append(TargetRow(name, absent=str(error)))
        except (ExportFault, ModelIntegrityError, ToolsError) as error:
            shutil.rmtree(folder / name, ignore_errors=True)  # half a target is none
            rows.append(TargetRow(name, fault=str(error)))
    _, ms = exported.ran
    document = as_document(rows, {**about(exported), "original_bytes": len(exported.model), "original_ms": ms})
    (folder / PARITY).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return rows
