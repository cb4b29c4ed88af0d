"""`smartcam model`: get a public detector from the catalogue, list what there is, check what is here."""

import argparse
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tools.command_line import Verbs, complain, new_parser, run_verb, say
from tools.model.catalogue import VARIABLE, CatalogueEntry, catalogue_file, entry_of, read_catalogue
from tools.model.checking import found
from tools.model.errors import CatalogueError
from tools.model.getting import BUNDLES, ModelOrder, get, usual_shelf
from tools.model.listing import table

_SECTIONS: Final[Mapping[str, Verbs]] = {
    "": {
        "list": ("tools.model.command:list_models", "what there is, and what it is worth"),
        "get": ("tools.model.command:get_model", "download a model, check it, and make a bundle of it"),
        "check": ("tools.model.command:check_models", "compare what is here with the catalogue"),
    }
}
INTERRUPTED: Final = 130


def main(argv: list[str]) -> int:
    """Run one of the verbs. Returns its exit code."""
    return run_verb("smartcam model", _SECTIONS, argv)


def list_models(argv: list[str]) -> int:
    """The catalogue. 0, or 1 when it cannot be read."""
    parser = _parser("list", "model list: the models of the catalogue, and what each is worth.")
    parser.add_argument("--json", action="store_true", help="everything that the catalogue says, as JSON")
    options = parser.parse_args(argv)

    def run() -> int:
        catalogue = read_catalogue(options.catalogue)
        if options.json:
            print(json.dumps([asdict(entry) for entry in catalogue.values()], indent=1))
        else:
            print(table(catalogue))
        return 0

    return _run("list", run)


def get_model(argv: list[str]) -> int:
    """A bundle. 0: it is there. 1: it is not, with one line on stderr."""
    parser = _parser("get", "model get: download a model of the catalogue, check it, and make a bundle of it.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the model; default: the first of `list`")
    parser.add_argument("--from", dest="origin", metavar="FILE|ADDRESS", help="a file or mirror, not its publisher")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the folder to create (build/bundles/NAME)")
    parser.add_argument("--golden", type=Path, metavar="PICTURE", help="one with something that the model knows")
    options = parser.parse_args(argv)

    def run() -> int:
        shelf = usual_shelf()
        entry = entry_of(read_catalogue(options.catalogue), options.name)
        order = ModelOrder(entry, options.out or shelf.bundle(entry), options.origin, options.golden)
        out = get(order, shelf, say)
        there = shlex.quote(str(out.absolute()))  # make runs in another folder
        which = f"MODEL={entry.name}" if options.out is None else f"BUNDLE={there}"
        say(f"next:      make demo {which}, make build {which}, or smartcam score --bundle {there} ...")
        return 0

    return _run("get", run)


def check_models(argv: list[str]) -> int:
    """What is here. 0: all of it is right. 1: something is not."""
    parser = _parser("check", "model check: compare the files and bundles that are here with the catalogue.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="the models; default: all")
    parser.add_argument("--bundles", type=Path, metavar="DIR", help="where bundles lie (build/bundles)")
    options = parser.parse_args(argv)

    def run() -> int:
        catalogue = read_catalogue(options.catalogue)
        entries = [entry_of(catalogue, name) for name in options.names] or list(catalogue.values())
        if options.bundles is not None and not options.bundles.is_dir():
            raise CatalogueError(f"--bundles {options.bundles}: is no folder")
        return _check(entries, options.bundles or BUNDLES)

    return _run("check", run)


def _check(entries: list[CatalogueEntry], bundles: Path) -> int:
    downloads = usual_shelf().downloads
    states = [state for entry in entries for state in found(entry, downloads, bundles)]
    for state in states:
        print(state)
    wrong = [state for state in states if not state.right]
    return complain("model check", f"{len(wrong)} of {len(states)} are wrong; remove them") if wrong else 0


def _parser(verb: str, explanation: str) -> argparse.ArgumentParser:
    parser = new_parser(f"model {verb}", explanation)
    parser.add_argument(
        "--catalogue", type=Path, default=catalogue_file(), metavar="FILE", help=f"another one (${VARIABLE}, else ours)"
    )
    return parser


def _run(verb: str, run: Callable[[], int]) -> int:
    try:
        return run()
    except KeyboardInterrupt:
        return complain(f"model {verb}", "interrupted; what came is kept, and the next `get` goes on", INTERRUPTED)
    except (CatalogueError, OSError) as error:
        return complain(f"model {verb}", error)
