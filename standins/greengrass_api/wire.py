"""Requests and answers of Greengrass V2 on the wire, held to the service model that boto3 itself works by."""

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

Fields = Mapping[str, Any]
_DEFAULT_STATUS: Final = 200


class Refusal(Exception):
    """An error that the service answers with: its name in the model, and the fields of its shape."""

    def __init__(self, code: str, message: str, **fields: object) -> None:
        super().__init__(message)
        self.code = code
        self.fields = {"message": message, **fields}


class ModelBroken(AssertionError):
    """The stand-in's own answer does not fit the service model."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that fits the model."""

    operation: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    code: str
    body: bytes


class Wire:
    """Reads requests and writes answers of one rest-json service."""

    def __init__(self, service: str = "greengrassv2") -> None:
        self._model = botocore.session.get_session().get_service_model(service)
        self._validator = ParamValidator()
        self._routes = [self._route(name) for name in self._model.operation_names]

    def read(self, method: str, target: str, body: bytes) -> Request:
        """The request behind method, path with query, and body. Raises Refusal."""
        path, _, query = target.partition("?")
        for verb, pattern, operation in self._routes:
            found = pattern.fullmatch(path) if verb == method else None
            if found is not None:
                placed = {name: unquote(value) for name, value in found.groupdict().items()}
                fields = self._fields(operation, placed, parse_qs(query), body)
                self._validate(operation.input_shape, fields, Refusal)
                return Request(operation.name, fields)
        raise Refusal("ResourceNotFoundException", f"{method} {path}", resourceId=path, resourceType="operation")

    def answer(self, operation: str, fields: Fields) -> Answer:
        """The answer to an operation. Raises ModelBroken when the model does not allow it."""
        model = self._model.operation_model(operation)
        self._validate(model.output_shape, fields, None)
        status = int(model.http.get("responseCode", _DEFAULT_STATUS))
        return Answer(status, "", json.dumps(_to_wire(model.output_shape, fields)).encode())

    def refuse(self, operation: str | None, refusal: Refusal) -> Answer:
        """The answer for an error. Raises ModelBroken when the operation never answers so."""
        if operation is not None:
            known = {shape.name for shape in self._model.operation_model(operation).error_shapes}
            if refusal.code not in known:
                raise ModelBroken(f"{operation} never answers {refusal.code}")
        shape = self._model.shape_for(refusal.code)
        self._validate(shape, refusal.fields, None)
        status = int(shape.metadata["error"]["httpStatusCode"])
        return Answer(status, refusal.code, json.dumps(_to_wire(shape, refusal.fields)).encode())

    def _route(self, name: str) -> tuple[str, re.Pattern[str], OperationModel]:
        operation = self._model.operation_model(name)
        parts = re.split(r"\{(\w+)(\+?)\}", operation.http["requestUri"].partition("?")[0])
        names = {
            shape.serialization.get("name", member): member
            for member, shape in _members(operation).items()
            if shape.serialization.get("location") == "uri"
        }
        pattern = ""
        for at in range(0, len(parts), 3):
            pattern += re.escape(parts[at])
            if at + 2 < len(parts):
                pattern += f"(?P<{names[parts[at + 1]]}>{'.+' if parts[at + 2] else '[^/]+'})"
        return operation.http["method"], re.compile(pattern), operation

    def _fields(
        self, operation: OperationModel, placed: Mapping[str, str], query: Mapping[str, Sequence[str]], body: bytes
    ) -> dict[str, Any]:
        members = _members(operation)
        fields: dict[str, Any] = dict(placed)
        for member, inner in members.items():
            if inner.serialization.get("location") == "querystring":
                given = query.get(inner.serialization.get("name", member))
                if given:
                    fields[member] = _from_text(inner, given[0])
        try:
            document = json.loads(body) if body else {}
        except ValueError as error:
            raise invalid(f"the body is not JSON ({error})") from error
        if not isinstance(document, dict):
            raise invalid("the body is not an object")
        named = {inner.serialization.get("name", member): member for member, inner in members.items()}
        for key, value in document.items():
            member = named.get(key, "")
            if not member or members[member].serialization.get("location"):
                raise invalid(f"unknown field {key!r}")
            fields[member] = _from_wire(members[member], value)
        return fields

    def _validate(self, shape: Shape | None, fields: Fields, refusal: type[Refusal] | None) -> None:
        if shape is None:
            if fields:
                raise ModelBroken(f"the operation has no output, but got: {fields}")
            return
        report = self._validator.validate(fields, shape)
        faults = [report.generate_report()] if report.has_errors() else list(_faults(shape, fields, shape.name))
        if not faults:
            return
        if refusal is None:
            raise ModelBroken("; ".join(faults))
        raise invalid("; ".join(faults))


def _members(operation: OperationModel) -> Mapping[str, Shape]:
    return operation.input_shape.members if operation.input_shape is not None else {}


def invalid(message: str) -> Refusal:
    """The service's answer to a field that it does not accept."""
    return Refusal("ValidationException", message[:1000], reason="FIELD_VALIDATION_FAILED")


def _faults(shape: Shape, value: Any, place: str) -> Iterator[str]:  # noqa: ANN401
    """What botocore's own validator lets pass: enumerations, patterns, greatest lengths."""
    if isinstance(shape, StructureShape):
        for name, inner in shape.members.items():
            if name in value:
                yield from _faults(inner, value[name], f"{place}.{name}")
    elif isinstance(shape, MapShape):
        for key, inner_value in value.items():
            yield from _faults(shape.key, key, f"{place} key")
            yield from _faults(shape.value, inner_value, f"{place}.{key}")
    elif isinstance(shape, ListShape):
        for at, item in enumerate(value):
            yield from _faults(shape.member, item, f"{place}[{at}]")
    elif isinstance(value, str):
        yield from _text_faults(shape, value, place)


def _text_faults(shape: Shape, value: str, place: str) -> Iterator[str]:
    allowed, pattern = getattr(shape, "enum", None), shape.metadata.get("pattern")
    if allowed and value not in allowed:
        yield f"{place}: {value!r} is none of {', '.join(allowed)}"
    if pattern and not re.fullmatch(pattern, value):
        yield f"{place}: {value!r} does not match {pattern}"
    if len(value) > shape.metadata.get("max", len(value)):
        yield f"{place}: has over {shape.metadata['max']} characters"


def _from_text(shape: Shape, text: str) -> object:
    kinds: Mapping[str, Callable[[str], object]] = {"integer": int, "boolean": lambda word: word == "true"}
    try:
        return kinds.get(shape.type_name, str)(text)
    except ValueError as error:
        raise invalid(f"{text!r} is no {shape.type_name}") from error


def _from_wire(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name: _from_wire(shape.members[name], inner) if name in shape.members else inner
            for name, inner in value.items()
        }
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _from_wire(shape.value, inner) for key, inner in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_from_wire(shape.member, item) for item in value]
    if shape.type_name == "blob" and isinstance(value, str):
        return base64.b64decode(value)
    return value


def _to_wire(shape: Shape | None, value: Any) -> Any:  # noqa: ANN401
    if isinstance(shape, StructureShape):
        return {name: _to_wire(inner, value[name]) for name, inner in shape.members.items() if name in value}
    if isinstance(shape, MapShape):
        return {key: _to_wire(shape.value, inner) for key, inner in value.items()}
    if isinstance(shape, ListShape):
        return [_to_wire(shape.member, item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime):
        return value.timestamp()
    return value if shape is not None else {}
