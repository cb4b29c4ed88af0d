from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.inline import Chunk, InlineFrame, decode_chunk, encode_inline
from smartcam.contract.notice import FrameNotice
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.inference.frames.reassembly import Reassembly
from tests.fakes.clock import FakeClock


def frame(seq: int, camera: str = "yard", size: int = 20_000) -> InlineFrame:
    notice = FrameNotice(CameraId(camera), seq, 0, 0, 64, 48, UtcNs(seq), MonotonicNs(seq), 0, ())
    return InlineFrame(notice, bytes([seq % 251]) * size)


def chunks(seq: int, camera: str = "yard", size: int = 20_000) -> list[Chunk]:
    return [decode_chunk(payload) for payload in encode_inline(frame(seq, camera, size))]


def test_a_frame_is_there_with_its_last_chunk() -> None:
    reassembly = Reassembly(FakeClock())
    assert [reassembly.add(chunk) for chunk in chunks(1)] == [None, None, frame(1)]
    assert reassembly.incomplete == 0


def test_cameras_do_not_mix() -> None:
    reassembly = Reassembly(FakeClock())
    pairs = zip(chunks(1, "yard"), chunks(1, "gate"), strict=True)
    made = [reassembly.add(chunk) for pair in pairs for chunk in pair]
    assert made[-2:] == [frame(1, "yard"), frame(1, "gate")]


def test_a_lost_chunk_costs_its_frame_alone() -> None:
    for lost in range(3):
        reassembly = Reassembly(FakeClock())
        first = [chunk for chunk in chunks(1) if chunk.number != lost]
        made = [reassembly.add(chunk) for chunk in [*first, *chunks(2)]]
        assert [each for each in made if each is not None] == [frame(2)]
        # Without its first chunk a frame was never begun.
        assert reassembly.incomplete == (lost != 0)


def test_a_frame_that_is_not_whole_in_time_is_given_up_and_its_memory_let_go() -> None:
    clock = FakeClock()
    reassembly = Reassembly(clock, 2.0)
    first, second, third = chunks(1)
    assert reassembly.add(first) is None
    clock.advance(1.9)
    reassembly.expire()
    assert reassembly.add(second) is None
    clock.advance(0.2)
    reassembly.expire()
    assert reassembly.incomplete == 1
    assert reassembly.add(third) is None
    assert reassembly.incomplete == 1


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    clock = FakeClock()
    reassembly = Reassembly(clock, 2.0)
    first, second, third = chunks(1)
    reassembly.add(first)
    clock.step_utc(86_400)
    assert reassembly.add(second) is None
    assert reassembly.add(third) == frame(1)


def test_cameras_without_end_do_not_fill_the_memory() -> None:
    reassembly = Reassembly(FakeClock())
    refused = 0
    for i in range(1000):
        try:
            reassembly.add(chunks(1, f"camera-{i}")[0])
        except ContractError:
            refused += 1
    assert refused == 1000 - 64


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), max_size=40))
def test_whatever_order_chunks_come_in_only_whole_frames_come_out(order: list[tuple[int, int]]) -> None:
    reassembly = Reassembly(FakeClock())
    parts = {seq: chunks(seq) for seq in range(1, 5)}
    for seq, number in order:
        made = reassembly.add(parts[seq][number])
        assert made is None or made == frame(seq)
