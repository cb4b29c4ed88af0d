"""What a .tflite file says about its operators: read from its FlatBuffer, without running it."""

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.manifest import MOST_LABELS
from tools.bundle.flexbuffer import numbers_in

_EDGE_TPU: Final = "edgetpu-custom-op"
_COMPILED: Final = "_edgetpu"
_POST_PROCESSING: Final = "TFLite_Detection_PostProcess"
_ROLES: Final = ("boxes", "classes", "scores", "count")
"""The outputs of the operator, in its order."""
_IDENTIFIER: Final = slice(4, 8)
_MOST_ITEMS: Final = 100_000
_MOST_CODES, _MOST_GRAPHS, _MOST_OPERATORS = 1000, 32, 10_000
_LONGEST_NAME: Final = 256
"""Tables may lie in each other: what a damaged file claims would multiply."""
# Fields of the format's tables (tensorflow/compiler/mlir/lite/schema/schema.fbs), by their number.
_CODES, _SUBGRAPHS = 1, 2
_CUSTOM_CODE: Final = 1
_OUTPUTS, _OPERATORS = 2, 3
_CODE_OF, _OUTPUTS_OF, _OPTIONS_OF = 0, 2, 5
_CLASSES: Final = "num_classes"


def refuse_compiled(model: bytes, name: str) -> None:
    """Raises ModelIntegrityError for a model that runs on nothing but an Edge TPU."""
    if _COMPILED in name or _EDGE_TPU in custom_operators(model):
        original = name.replace(_COMPILED, "") if _COMPILED in name else "the file that it was compiled from"
        raise ModelIntegrityError(
            f"is compiled for the Edge TPU and runs on nothing else; take {original}, for the CPU"
        )


def custom_operators(model: bytes) -> tuple[str, ...]:
    """The names of the operators that are not TensorFlow Lite's own; none for what is no such file."""
    try:
        root = _root(model)
        return () if root is None else tuple(_names(model, root))
    except (struct.error, IndexError, UnicodeDecodeError):
        return ()


def post_processing(model: bytes) -> Mapping[str, int]:
    """Which output of the model is which, by the operator that makes them; empty if it has no such operator."""
    try:
        for graph, operator in _post_processors(model):
            given = _numbers(model, graph, _OUTPUTS)
            made = _numbers(model, operator, _OUTPUTS_OF)
            return {role: given.index(tensor) for role, tensor in zip(_ROLES, made, strict=True)}
    except (struct.error, IndexError, UnicodeDecodeError, ValueError):
        pass
    return {}


def counted_classes(model: bytes) -> int | None:
    """How many classes the operator that makes the detections knows, the background not among them; None: not said."""
    try:
        for _, operator in _post_processors(model):
            start, count = _vector(model, operator, _OPTIONS_OF)
            classes = numbers_in(model[start : start + count]).get(_CLASSES, 0)
            return int(classes) if 0 < classes <= MOST_LABELS else None
    except (struct.error, IndexError, UnicodeDecodeError):
        pass
    return None


def _post_processors(model: bytes) -> Iterator[tuple[int, int]]:
    """The tables of the graph and of the operator that makes detections, wherever there is one."""
    root = _root(model)
    if root is None:
        return
    names = _names(model, root)
    for graph in _tables(model, root, _SUBGRAPHS, _MOST_GRAPHS):
        for operator in _tables(model, graph, _OPERATORS, _MOST_OPERATORS):
            at = _field(model, operator, _CODE_OF)
            if names[0 if at is None else _unsigned(model, at)] == _POST_PROCESSING:
                yield graph, operator


def _root(model: bytes) -> int | None:
    return _unsigned(model, 0) if model[_IDENTIFIER] == b"TFL3" else None


def _field(model: bytes, table: int, number: int) -> int | None:
    """Where a field of a table is; None if it has its default."""
    layout = table - struct.unpack_from("<i", model, table)[0]
    if layout < 0:
        raise IndexError(layout)
    (length,) = struct.unpack_from("<H", model, layout)
    place = 4 + 2 * number
    offset = struct.unpack_from("<H", model, layout + place)[0] if place < length else 0
    return table + offset if offset else None


def _vector(model: bytes, table: int, number: int) -> tuple[int, int]:
    """Where the items of a vector begin, and how many there are."""
    at = _field(model, table, number)
    if at is None:
        return 0, 0
    start = at + _unsigned(model, at)
    return start + 4, min(_unsigned(model, start), _MOST_ITEMS)


def _tables(model: bytes, table: int, number: int, most: int) -> Iterator[int]:
    start, count = _vector(model, table, number)
    for place in range(start, start + 4 * min(count, most), 4):
        yield place + _unsigned(model, place)


def _numbers(model: bytes, table: int, number: int) -> list[int]:
    start, count = _vector(model, table, number)
    return list(struct.unpack_from(f"<{count}i", model, start))


def _names(model: bytes, root: int) -> list[str]:
    """What the operators are called, by their codes; empty for those of TensorFlow Lite itself."""
    return [_text(model, code) for code in _tables(model, root, _CODES, _MOST_CODES)]


def _text(model: bytes, code: int) -> str:
    start, count = _vector(model, code, _CUSTOM_CODE)
    return model[start : start + min(count, _LONGEST_NAME)].decode()


def _unsigned(model: bytes, at: int) -> int:
    number: int = struct.unpack_from("<I", model, at)[0]
    return number
