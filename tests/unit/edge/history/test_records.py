"""The history's bytes."""

from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import Event
from smartcam.edge import blocks
from smartcam.edge.history.records import SaidOfEvent, document_in, pack_lines, unpack_lines
from tests.strategies import event_ids, events

judgements = st.builds(
    SaidOfEvent, event_id=event_ids(), true=st.sampled_from([True, False, None]), of_cloud=st.booleans()
)


@given(st.lists(events() | judgements, min_size=1, max_size=8))
def test_events_and_verdicts_come_back_as_they_were_in_their_order(written: list[Event | SaidOfEvent]) -> None:
    ((lines, _),) = unpack_lines(pack_lines([record.to_json() for record in written]))
    read: list[Event | SaidOfEvent] = []
    for line in lines:
        document = document_in(line)
        assert document is not None
        read.append(SaidOfEvent.from_document(document) or Event.from_document(document))
    assert read == written


@given(st.binary(max_size=200))
def test_no_line_whatever_it_holds_is_more_than_a_record_that_is_left_out(noise: bytes) -> None:
    block = pack_lines([noise])
    assert blocks.pack(b"hst1", noise) == block
    for lines, end in unpack_lines(block):
        assert end == len(block)
        assert b"\n".join(lines) == noise
        assert all(document_in(line) is None or isinstance(document_in(line), dict) for line in lines)
