"""The catalogue: public detectors, where each lies, what it is worth, and who says so. No model is part of Smartcam."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields
from smartcam.contract.written import UnreadableText, json_of, read_text
from smartcam.model.manifest import LONGEST_LABEL, MOST_LABELS, numbered
from tools.bundle.coco import COCO_80, COCO_90
from tools.model.address import check_address
from tools.model.download import LARGEST, ExactFile
from tools.model.errors import CatalogueError, FetchError
from tools.recipes.keys import nearest

OURS: Final = Path(__file__).with_name("catalogue.json")
VARIABLE: Final = "SMARTCAM_CATALOGUE"
BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = {"coco-80": COCO_80, "coco-90": COCO_90}
"""Label lists that have a name: COCO's, as YOLO counts and as SSDs do."""
_SCHEMA: Final = 1
_MOST_MODELS: Final = 100
_LONGEST: Final = 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ENDINGS: Final = (".tflite", ".onnx")


@dataclass(frozen=True, slots=True)
class Licence:
    """Under what a model may be used, where that is written, and who says that it is so."""

    name: str
    address: str
    said_by: str


@dataclass(frozen=True, slots=True)
class PublishedMap:
    """Mean average precision on COCO in percent, as published; not measured by us."""

    percent: float
    said_by: str


@dataclass(frozen=True, slots=True)
class OwnScore:
    """What we measured: events expected, found and false, seconds to them, on which clips, by which command."""

    expected: int
    found: int
    false: int
    median_s: float
    worst_s: float
    clips: str
    command: str


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One model.

    `head` None: found out from the file. `labels`: in the model's order. `score` None: not run by us.
    """

    name: str
    about: str
    address: str
    file: ExactFile
    licence: Licence
    map: PublishedMap | None
    input: str
    head: str | None
    labels: tuple[str, ...]
    score: OwnScore | None

    @property
    def file_name(self) -> str:
        """What its file is called here; another version of it has another name."""
        return f"{self.name}-{self.file.sha256[:16]}{_ending(self.address)}"


Catalogue = Mapping[str, CatalogueEntry]
"""By name; the first is the one to take when in doubt."""


def catalogue_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Which catalogue is used: the one that $SMARTCAM_CATALOGUE names, else ours."""
    return Path(environment.get(VARIABLE) or OURS)


def entry_of(catalogue: Catalogue, name: str | None) -> CatalogueEntry:
    """The model of this name, the first without one. Raises CatalogueError, naming those that there are."""
    if name is None:
        return next(iter(catalogue.values()))
    if name not in catalogue:
        meant, names = nearest(name, catalogue), ", ".join(catalogue)
        there = f"{meant} There are {names}" if meant.endswith("?") else f"; there are {names}"
        raise CatalogueError(f"{name!r} is not in the catalogue{there}")
    return catalogue[name]


def read_catalogue(file: Path) -> Catalogue:
    """The models in a file, in its order. Raises CatalogueError, naming the file, the field and what it must be."""
    try:
        document = json_of(read_text(file))
        if not isinstance(document, dict):
            raise ContractError("catalogue", "must be a JSON object")
        fields = Fields(document)
        _only(fields, {"schema", "models"})
        if fields.integer("schema") != _SCHEMA:
            raise ContractError("schema", f"must be {_SCHEMA}")
        models = numbered(fields, "models", fields.items("models", _MOST_MODELS))
        entries = [_entry(models.inner(place)) for place in models.document]
        _refuse_twins(entries)
    except OSError as error:
        raise CatalogueError(f"catalogue {file}: cannot be read ({error.strerror})") from error
    except UnreadableText as error:
        raise CatalogueError(f"catalogue {error.within(file)}") from error
    except ContractError as error:
        raise CatalogueError(f"catalogue {file}: {error}") from error
    return {entry.name: entry for entry in entries}


def _refuse_twins(entries: list[CatalogueEntry]) -> None:
    if not entries:
        raise ContractError("models", "must have at least one")
    names = [entry.name for entry in entries]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ContractError(f"models.{place}.name", f"is given twice ({name})")


def _entry(fields: Fields) -> CatalogueEntry:
    _only(fields, {"name", "about", "address", "size", "sha256", "licence", "map", "input", "head", "labels", "score"})
    return CatalogueEntry(
        name=_match(fields, "name", _NAME),
        about=fields.text("about", _LONGEST),
        address=_address(fields),
        file=ExactFile(
            _match(fields, "sha256", _SHA256), fields.integer("size", 1, LARGEST) if fields.has("size") else None
        ),
        licence=_licence(fields.inner("licence")),
        map=_map(fields.inner("map")) if fields.has("map") else None,
        input=fields.text("input"),
        head=fields.optional_text("head"),
        labels=_labels(fields),
        score=_score(fields.inner("score")) if fields.has("score") else None,
    )


def _address(fields: Fields) -> str:
    address = fields.text("address", _LONGEST)
    try:
        check_address(address)
    except FetchError as error:
        raise ContractError(fields.name("address"), str(error)) from error
    if _ending(address) not in _ENDINGS:
        raise ContractError(fields.name("address"), f"must end in {' or '.join(_ENDINGS)}")
    return address


def _ending(address: str) -> str:
    return PurePosixPath(urlsplit(address).path).suffix


def _labels(fields: Fields) -> tuple[str, ...]:
    said = fields.document.get("labels")
    if isinstance(said, str) and said in BUILT_IN:
        return BUILT_IN[said]
    items = numbered(fields, "labels", [] if isinstance(said, str) else fields.items("labels", MOST_LABELS))
    if not items.document:
        raise ContractError(
            fields.name("labels"), f"must be a list with at least one label, or one of {', '.join(BUILT_IN)}"
        )
    return tuple(items.text(place, LONGEST_LABEL) for place in items.document)


def _licence(fields: Fields) -> Licence:
    _only(fields, {"name", "address", "said_by"})
    return Licence(fields.text("name"), fields.text("address", _LONGEST), fields.text("said_by"))


def _map(fields: Fields) -> PublishedMap:
    _only(fields, {"percent", "said_by"})
    return PublishedMap(fields.number("percent", 0, 100), fields.text("said_by"))


def _score(fields: Fields) -> OwnScore:
    _only(fields, {"expected", "found", "false", "median_s", "worst_s", "clips", "command"})
    return OwnScore(
        expected=fields.integer("expected"),
        found=fields.integer("found"),
        false=fields.integer("false"),
        median_s=fields.number("median_s", 0, _LONGEST),
        worst_s=fields.number("worst_s", 0, _LONGEST),
        clips=fields.text("clips"),
        command=fields.text("command"),
    )


def _match(fields: Fields, key: str, pattern: re.Pattern[str]) -> str:
    text = fields.text(key)
    if not pattern.fullmatch(text):
        raise ContractError(fields.name(key), f"must match {pattern.pattern}")
    return text


def _only(fields: Fields, known: set[str]) -> None:
    for key in fields.unknown(frozenset(known)):
        raise ContractError(fields.name(key), f"is not a key{nearest(key, known)}")
