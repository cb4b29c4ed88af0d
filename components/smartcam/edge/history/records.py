"""The history's bytes: blocks of lines of JSON, each an event as it is sent or what somebody has said of one."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import EventId, event_id
from smartcam.contract.reading import Fields, parse_object
from smartcam.edge import blocks

_MARK: Final = b"hst1"
_VERDICT: Final = "verdict"
_OF_CLOUD: Final = "of_cloud"


@dataclass(frozen=True, slots=True)
class SaidOfEvent:
    """What somebody has said of an event: whether it was one; None: nothing any more.

    `of_cloud`: it came with what the cloud wants, where it comes again and again.
    """

    event_id: EventId
    true: bool | None
    of_cloud: bool = False

    def to_json(self) -> bytes:
        """The line that stands for it."""
        document = {"event_id": self.event_id, _VERDICT: self.true, _OF_CLOUD: self.of_cloud}
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "SaidOfEvent | None":
        """The inverse; None for a line that is an event's. Raises ContractError for one that is neither."""
        if "phase" in document:
            return None
        fields = Fields(document)
        true = fields.boolean(_VERDICT) if fields.has(_VERDICT) else None
        return cls(event_id(fields.text("event_id")), true, fields.boolean(_OF_CLOUD))


def pack_lines(lines: Iterable[bytes]) -> bytes:
    """A block of records, each as its own `to_json` gives it: none of them holds an end of line."""
    return blocks.pack(_MARK, b"\n".join(lines))


def unpack_lines(content: bytes) -> Iterator[tuple[list[bytes], int]]:
    """The lines of each block, and where it ends; none for each damaged place, and where that begins."""
    return ((lines or [], end) for lines, end in blocks.unpack(content, _MARK, lambda body: body.split(b"\n")))


def document_in(line: bytes) -> Mapping[str, object] | None:
    """The object in a line; None if there is none."""
    try:
        return parse_object(line, "record")
    except ContractError:
        return None
