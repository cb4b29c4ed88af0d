"""The newest events as they were when they were raised, with what people have said of them."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from smartcam.contract.errors import ContractError
from smartcam.contract.event import Phase
from smartcam.contract.ids import EventId, event_id
from smartcam.contract.reading import Fields
from smartcam.edge.history.past import KnownEvent, PastEvent
from smartcam.edge.history.records import SaidOfEvent, document_in, unpack_lines
from smartcam.edge.segments import content_of, segments_in

_Record = tuple[Mapping[str, object], bytes]


def newest_raised(folder: Path, most: int) -> list[PastEvent]:
    """At most so many, the newest first, each as it was raised last. Reads the history's end, no more than it needs.

    What cannot be read is left out.
    """
    try:
        segments = segments_in(folder)
    except OSError:
        return []
    records: list[_Record] = []
    raised: set[object] = set()
    for segment in reversed(segments):
        found = _records(content_of(segment.path))
        records = found + records
        raised |= {document.get("event_id") for document, _ in found if "phase" in document}
        if len(raised) >= most:
            break
    return _put_together(records, most)


def _records(content: bytes) -> list[_Record]:
    """Verdicts, and events that are raised."""
    found = []
    for lines, _ in unpack_lines(content):
        for line in lines:
            document = document_in(line)
            if document is not None and document.get("phase", Phase.RAISED) == Phase.RAISED:
                found.append((document, line))
    return found


def _put_together(records: list[_Record], most: int) -> list[PastEvent]:
    known: defaultdict[EventId, KnownEvent] = defaultdict(KnownEvent)
    for document, line in records:
        with suppress(ContractError):
            event, judged = event_id(Fields(document).text("event_id")), SaidOfEvent.from_document(document)
            if judged is None:
                known[event].tell(document, line)
            else:
                known[event].judge(judged)
    past = []
    for event in sorted((event for event, one in known.items() if one.is_told), reverse=True)[:most]:
        with suppress(ContractError):
            past.append(known[event].past())
    return past
