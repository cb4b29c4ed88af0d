"""The history's table in memory, as far as the registry of the devices uses it, and the units that each key takes."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.alerts.runtime.agreed import CAMERA_KEY, ITEM_KEY
from infra.alerts.runtime.aws.dynamo import CONDITION_FAILED, Item

MOST_UNITS_A_SECOND: Final = 500
"""Of one key; DynamoDB takes 1,000 before it refuses any."""
_WRITE_BYTES, _READ_BYTES, _PAGE_BYTES = 1024, 4096, 1 << 20
_MISSING: Final = "attribute_not_exists("


@dataclass(slots=True)
class Tally:
    """What was read and written, in DynamoDB's units: writes by key and second, reads in all."""

    second: Callable[[], int]
    writes: Counter[tuple[str, int]] = field(default_factory=Counter)
    reads: float = 0.0

    def wrote(self, key: str, item: Item) -> None:
        """An update of an item, which holds this afterwards."""
        self.writes[key, self.second()] += math.ceil(size_of(item) / _WRITE_BYTES)

    def read(self, size: int, *, consistent: bool) -> None:
        """So many bytes at once."""
        self.reads += max(math.ceil(size / _READ_BYTES), 1) * (1 if consistent else 0.5)

    def busiest(self, key: str, begin: int, end: int) -> int:
        """The most units that a key took in one of these seconds."""
        return max((units for (name, at), units in self.writes.items() if name == key and begin <= at < end), default=0)

    def written(self, begin: int, end: int) -> int:
        """Units of all keys in these seconds."""
        return sum(units for (_, at), units in self.writes.items() if begin <= at < end)


@dataclass(slots=True)
class MemoryClient:
    """DynamoDB's client. An update sets values; its condition is an attribute that is missing, or has a value."""

    tally: Tally
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    updates: int = 0

    def get_item(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as boto3's
        """See boto3."""
        item = self.items.get(_key(request))
        self.tally.read(size_of(item or {}), consistent=request["ConsistentRead"])
        return {} if item is None else {"Item": item}

    def update_item(self, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as boto3's
        """See boto3. Raises ClientError where the condition does not hold."""
        key, values = _key(request), request["ExpressionAttributeValues"]
        item = self.items.get(key, {})
        self.updates += 1
        after = {**request["Key"], **item} | _set(request["UpdateExpression"], values)
        self.tally.wrote(key[0], after)
        if not _holds(request["ConditionExpression"], item, values):
            raise ClientError({"Error": {"Code": CONDITION_FAILED, "Message": ""}}, "UpdateItem")
        self.items[key] = after
        return {"Attributes": after}

    def get_paginator(self, _operation: str) -> "MemoryClient":
        """Of the query."""
        return self

    def paginate(self, **request: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - as boto3's
        """One page, read in pages of a megabyte."""
        values = request["ExpressionAttributeValues"]
        partition, begins = values[":partition"]["S"], values[":begins"]["S"]
        found = [item for (key, name), item in self.items.items() if key == partition and name.startswith(begins)]
        left = sum(map(size_of, found))
        while left > 0:
            self.tally.read(min(left, _PAGE_BYTES), consistent=request["ConsistentRead"])
            left -= _PAGE_BYTES
        yield {"Items": found}


def size_of(item: Item) -> int:
    """Bytes by which DynamoDB charges for an item: names and values; a number counts as its digits."""
    return sum(len(name) + sum(len(str(part)) for part in value.values()) for name, value in item.items())


def _key(request: Mapping[str, Any]) -> tuple[str, str]:
    return request["Key"][CAMERA_KEY]["S"], request["Key"][ITEM_KEY]["S"]


def _set(expression: str, values: Mapping[str, Any]) -> dict[str, Any]:
    pairs = (pair.split(" = ") for pair in expression.removeprefix("SET ").split(", "))
    return {name: values[value] for name, value in pairs}


def _holds(condition: str, item: Item, values: Mapping[str, Any]) -> bool:
    if condition.startswith(_MISSING):
        return condition.removeprefix(_MISSING).removesuffix(")") not in item
    name, value = condition.split(" = ")
    return bool(item.get(name) == values[value])
