"""The labels that some makers put into the model file itself.

TensorFlow Lite: files in a zip at the model's end (ai.google.dev/edge/litert/models/metadata). Ultralytics: one such
file that holds an object with `names`. ONNX: `names` among `metadata_props` (onnx/onnx.proto, ModelProto).
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from smartcam.contract.written import UnreadableText
from smartcam.model.runtimes.onnx_file import fields_of
from tools.bundle.label_forms import labels_of
from tools.bundle.label_list import MOST_BYTES, LabelList

_TFLITE: Final = b"TFL3"
_LONGEST_TAIL: Final = 1_000_000
"""Of a model, in which its zip must lie: a larger one could list so many files that reading them takes long."""
_MOST_FILES: Final = 32
_LONGEST_NAME: Final = 60
_ZIP_ENDS: Final = b"PK\x05\x06"
_END_WITHIN: Final = 66_000
_WORDS_FOR_LABELS: Final = re.compile(r"label|class|categor|names")
_ENGLISH: Final = re.compile(r"[-_]en$")
_GIVE: Final = "give the labels with --labels"
_METADATA_PROPS: Final = 14
_KEY, _VALUE = 1, 2
_MOST_FIELDS: Final = 10_000


def labels_inside(model: bytes) -> LabelList | None:
    """The labels inside a model; None if it has none.

    Raises:
        UnreadableText: it has some that cannot be read, or several lists of them.
    """
    if model[4:8] == _TFLITE:
        return _of_tflite(model)
    names = _onnx_properties(model).get("names")
    return None if names is None else _inside("the property `names`", names)


def _of_tflite(model: bytes) -> LabelList | None:
    if _ZIP_ENDS not in model[-_END_WITHIN:]:
        return None
    files = _files(model[-_LONGEST_TAIL:])
    for name, raw in files.items():
        if raw.lstrip()[:1] == b"{" and b"names" in raw:
            return _inside(name, raw)
    lists = _lists_of(files)
    if len(set(lists.values())) > 1:
        raise UnreadableText(f"has several lists of labels inside ({', '.join(lists)}); {_GIVE}")
    return next((_inside(name, raw) for name, raw in lists.items()), None)


def _lists_of(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The texts that may be the labels: those with such a name, if there are any, and of several lists the English."""
    texts = {name: raw for name, raw in files.items() if PurePosixPath(name).suffix.lower() == ".txt"}
    lists = {name: raw for name, raw in texts.items() if _WORDS_FOR_LABELS.search(name.lower())} or texts
    if len(set(lists.values())) <= 1:
        return lists
    return {name: raw for name, raw in lists.items() if _ENGLISH.search(PurePosixPath(name).stem.lower())} or lists


def _inside(name: str, raw: bytes) -> LabelList:
    """The labels in a part of the model, which a sentence names."""
    try:
        found = labels_of(raw)
    except UnreadableText as error:
        raise UnreadableText(f"{name} inside the model: {error}; {_GIVE}") from error
    return replace(found, said=(f"the labels are those inside the model ({name})", *found.said))


def _files(tail: bytes) -> Mapping[str, bytes]:
    """What a zip at the end holds, by name: never more bytes of a file than a list of labels has."""
    try:
        with zipfile.ZipFile(io.BytesIO(tail)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_FILES:
                raise UnreadableText(f"has {len(members)} files inside, at most {_MOST_FILES} are looked at; {_GIVE}")
            return {_shown(member.filename): _content(archive, member) for member in members if not member.is_dir()}
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
        reason = " ".join(ascii(str(error))[1:-1].split())
        raise UnreadableText(f"has files inside that cannot be read ({reason}); {_GIVE}") from error


def _shown(name: str) -> str:
    """A member's name for people; it leads to no file."""
    return ascii(name[:_LONGEST_NAME])[1:-1]


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnreadableText(f"has files inside that are packed in a way unknown here; {_GIVE}")
    with archive.open(member) as file:
        return file.read(MOST_BYTES + 1)


def _onnx_properties(model: bytes) -> dict[str, bytes]:
    """The metadata of an ONNX file; empty where it is none.

    Of what else is in it, nothing is read but the lengths.
    """
    properties: dict[str, bytes] = {}
    try:
        for field, value in islice(fields_of(memoryview(model)), _MOST_FIELDS):
            if field == _METADATA_PROPS and isinstance(value, memoryview):
                entry = dict(_texts(value))
                properties[entry[_KEY].decode()] = entry.get(_VALUE, b"")
    except (KeyError, ValueError):
        return {}
    return properties


def _texts(entry: memoryview) -> Iterator[tuple[int, bytes]]:
    """The key and the value of one property."""
    for field, value in islice(fields_of(entry), _MOST_FIELDS):
        if field in {_KEY, _VALUE} and isinstance(value, memoryview):
            yield field, bytes(value)
