"""Frames that travel inside messages where memory is not shared: on the frames topic, in chunks.

A frame is its notice as JSON (ring and slot are 0), a line feed, and a JPEG. It is cut into pieces, and each piece
travels behind a small JSON object and a line feed of its own. Chunks of one frame follow each other in order.

Inference may request them on `smartcam/transport/<camera_id>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.ids import CameraId, camera_id
from smartcam.contract.notice import FrameNotice, decode_notice, encode_notice
from smartcam.contract.reading import Fields, dump_object, parse_object

LARGEST_CHUNK: Final = 7000
"""Bytes of one message, header and all: what every nucleus carries."""
MOST_CHUNKS: Final = 64
LARGEST_INLINE: Final = MOST_CHUNKS * (LARGEST_CHUNK - 256)
"""Bytes of one frame that certainly fit into its chunks."""
LARGEST_INLINE_SIDE: Final = 1920
"""A JPEG of few bytes may decode into very many pixels."""
_BEGINNING: Final = b'{"type":"chunk",'
_LONGEST_HEADER: Final = 256
_LONGEST_REASON: Final = 256


@dataclass(frozen=True, slots=True)
class InlineFrame:
    """A frame with its picture as a JPEG; sizes and boxes in the notice are the JPEG's."""

    notice: FrameNotice
    jpeg: bytes

    @property
    def camera_id(self) -> CameraId:
        """The frame's camera."""
        return self.notice.camera_id


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of a frame. `frame` is the same in all its chunks; no other frame has that number for a long time."""

    camera_id: CameraId
    frame: int
    number: int
    count: int
    piece: bytes


@dataclass(frozen=True, slots=True)
class InlineRequest:
    """Inference cannot read the camera's ring, for this reason, and requests its frames inline."""

    camera_id: CameraId
    reason: str


def encode_inline(frame: InlineFrame) -> list[bytes]:
    """The messages that carry the frame, none over `LARGEST_CHUNK` bytes.

    Raises:
        ContractError: the JPEG is too large.
    """
    whole = encode_notice(frame.notice) + b"\n" + frame.jpeg
    if len(whole) > LARGEST_INLINE:
        raise ContractError("jpeg", f"must make a frame of at most {LARGEST_INLINE} bytes, not {len(whole)}")
    room = LARGEST_CHUNK - _LONGEST_HEADER
    pieces = [whole[at : at + room] for at in range(0, len(whole), room)]
    return [
        dump_object(
            {
                "type": "chunk",
                "camera_id": frame.camera_id,
                "frame": frame.notice.captured_mono,
                "number": number,
                "count": len(pieces),
            }
        )
        + b"\n"
        + piece
        for number, piece in enumerate(pieces)
    ]


def is_chunk(payload: bytes) -> bool:
    """Whether a message on the frames topic is a chunk; the others are notices."""
    return payload.startswith(_BEGINNING)


def decode_chunk(payload: bytes) -> Chunk:
    """The chunk in a payload.

    Raises:
        ContractError: naming the first wrong field.
    """
    if len(payload) > LARGEST_CHUNK:
        raise ContractError("chunk", f"must have at most {LARGEST_CHUNK} bytes")
    header, separator, piece = payload.partition(b"\n")
    if not separator or not piece:
        raise ContractError("chunk", "must be a header, a line feed and a piece")
    fields = Fields(parse_object(header, "chunk"))
    count = fields.integer("count", 1, MOST_CHUNKS)
    return Chunk(
        camera_id=camera_id(fields.text("camera_id")),
        frame=fields.integer("frame"),
        number=fields.integer("number", 0, count - 1),
        count=count,
        piece=piece,
    )


def joined(chunks: Sequence[Chunk]) -> InlineFrame:
    """The frame that these chunks make; they are complete and in order.

    Raises:
        ContractError: they do not make a frame of that camera.
    """
    header, separator, jpeg = b"".join(chunk.piece for chunk in chunks).partition(b"\n")
    notice = decode_notice(header)
    if not isinstance(notice, FrameNotice) or not separator or not jpeg:
        raise ContractError("frame", "must be the notice of a frame, a line feed and a JPEG")
    if max(notice.width, notice.height) > LARGEST_INLINE_SIDE:
        raise ContractError("frame", f"must have at most {LARGEST_INLINE_SIDE} pixels a side")
    if notice.camera_id != chunks[0].camera_id:
        raise ContractError("camera_id", "must be the same in the frame and its chunks")
    return InlineFrame(notice, jpeg)


def encode_inline_request(request: InlineRequest) -> bytes:
    """The request as JSON in UTF-8, under 1 kB."""
    reason = request.reason[:_LONGEST_REASON]
    return dump_object({"type": "inline_wanted", "camera_id": request.camera_id, "reason": reason})


def decode_inline_request(payload: bytes) -> InlineRequest:
    """The request in a payload.

    Raises:
        ContractError: naming the first wrong field.
    """
    fields = Fields(parse_object(payload, "request"))
    if fields.text("type") != "inline_wanted":
        raise ContractError("type", "must be inline_wanted")
    return InlineRequest(camera_id(fields.text("camera_id")), fields.text("reason"))
