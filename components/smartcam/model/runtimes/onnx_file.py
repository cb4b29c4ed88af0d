"""What an .onnx file says before a runtime reads it: protobuf, by the field numbers of onnx.proto3 (ONNX 1.23)."""

from collections.abc import Iterator, Mapping
from typing import Final

from smartcam.contract.errors import ModelIntegrityError

_IR_VERSION_FIRST: Final = b"\x08"
"""Field 1, a number: serialisers write fields in their order, and every model says its version."""
_GRAPH: Final = 7
_DATA_LOCATION, _EXTERNAL_DATA = 14, 13
_NUMBER, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_LONGEST_NUMBER: Final = 10
_FIXED: Final[Mapping[int, int]] = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
# Per message its fields that can hold a tensor, and what they are.
_INNER: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {_GRAPH: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}

Field = tuple[int, int | memoryview]
"""A field's number and its value, a message within it as bytes."""


def is_onnx(model: bytes) -> bool:
    """Whether the bytes may be an .onnx model: the format has no identifier."""
    return model[:1] == _IR_VERSION_FIRST


def check_onnx_file(model: bytes) -> None:
    """A bundle is one file: numbers that lie in others would be read without anybody having checked them.

    Raises:
        ModelIntegrityError: if a tensor points to another file, or the file is damaged or has no graph.
    """
    try:
        waiting: list[tuple[str, memoryview]] = [("model", memoryview(model))]
        graphs = 0
        while waiting:
            kind, payload = waiting.pop()
            graphs += kind == "graph"
            for number, value in fields_of(payload):
                if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1)):
                    raise ModelIntegrityError(
                        "keeps its numbers in other files; a model is one file: export it without external data"
                    )
                if isinstance(value, memoryview) and number in _INNER[kind]:
                    waiting.append((_INNER[kind][number], value))
    except ValueError as error:
        raise ModelIntegrityError(f"cannot be read as an .onnx model: {error}") from error
    if not graphs:
        raise ModelIntegrityError("cannot be read as an .onnx model: it has no graph")


def fields_of(payload: memoryview) -> Iterator[Field]:
    """The fields of a protobuf message (protobuf.dev/programming-guides/encoding), each with its number.

    Raises:
        ValueError: where the bytes are no such message.
    """
    place = 0
    while place < len(payload):
        key, place = _number(payload, place)
        kind = key & 7
        if kind == _NUMBER:
            value, place = _number(payload, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, place = _number(payload, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError(f"byte {place} is no field")
        if length > len(payload) - place:
            raise ValueError("it ends early")
        yield key >> 3, payload[place : place + length]
        place += length


def _number(payload: memoryview, place: int) -> tuple[int, int]:
    """A number of variable length and the place behind it."""
    number = 0
    for turn in range(_LONGEST_NUMBER):
        if place + turn >= len(payload):
            raise ValueError("it ends early")
        byte = payload[place + turn]
        number |= (byte & 0x7F) << (7 * turn)
        if byte < 0x80:  # noqa: PLR2004  the highest bit says that another byte follows
            return number, place + turn + 1
    raise ValueError(f"byte {place} begins a number of more than {_LONGEST_NUMBER} bytes")
