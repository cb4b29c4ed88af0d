"""The figures of a run, for programs and for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from measure.bench.frames import FrameFigures
from measure.bench.gate_probe import ProbeFigures, probe_table
from measure.bench.inline import InlineFigures
from measure.bench.latency import LatencyFigures
from measure.bench.notices import NoticeFigures
from measure.bench.recording import ENCODED_PER_S, RecordingFigures
from measure.bench.runtimes import RuntimeFigure
from measure.bench.scorer import ScorerFigures

LIMITS: Final = {
    "besides_decoding_to_memcpy": 8.0,
    "whole_to_debian_motion": 1.0,
    "ring_to_memcpy": 3.0,
    "scorer_to_bare": 1.15,
    "hd_besides_decoding_to_memcpy": 8.0,
    "hd_whole_to_debian_motion": 1.0,
    "idle_besides_decoding_to_memcpy": 6.0,
    "tracker_to_half_a_millisecond": 1.0,
    "remux_to_memcpy": 3.0,
    "encoding_to_twelve_percent": 1.0,
}
"""What a ratio may be at most. A busy machine misses them too, so a miss is reported and is not a failure."""

_CROWD_MS: Final = 0.5
_ENCODING_SHARE: Final = 0.12

Row = tuple[str, float, str]
"""A label, milliseconds, and a note to compare them with."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run. What is None or empty was not measured.

    `hd`: the same clip at 1920x1080. `crowd_ms`: a tracker update with fifty objects.
    """

    clip: str
    frames: FrameFigures
    scorer: ScorerFigures
    notices: NoticeFigures
    idle: FrameFigures | None = None
    inline: InlineFigures | None = None
    runtimes: tuple[RuntimeFigure, ...] = field(default=())
    latency: LatencyFigures | None = None
    probe: ProbeFigures | None = None
    hd: FrameFigures | None = None
    crowd_ms: float | None = None
    recording: RecordingFigures | None = None


def ratios(figures: Figures) -> dict[str, float]:
    """What is judged: each figure as a multiple of its floor or rival."""
    frames = figures.frames
    found = {
        "besides_decoding_to_memcpy": frames.besides_decoding_to_memcpy,
        "ring_to_memcpy": _ring_ms(frames) / frames.memcpy_ms,
        "scorer_to_bare": figures.scorer.wrapped_ms / figures.scorer.bare_ms,
    }
    if figures.idle is not None:
        found["idle_besides_decoding_to_memcpy"] = figures.idle.besides_decoding_to_memcpy
    if figures.inline is not None:
        found["inline_to_ring"] = _inline_ms(figures.inline, figures.notices) / _carried_ms(frames, figures.notices)
    if frames.whole_to_motion is not None:
        found["whole_to_debian_motion"] = frames.whole_to_motion
    if figures.hd is not None:
        found["hd_besides_decoding_to_memcpy"] = figures.hd.besides_decoding_to_memcpy
        if figures.hd.whole_to_motion is not None:
            found["hd_whole_to_debian_motion"] = figures.hd.whole_to_motion
    if figures.crowd_ms is not None:
        found["tracker_to_half_a_millisecond"] = figures.crowd_ms / _CROWD_MS
    if figures.recording is not None:
        found["remux_to_memcpy"] = figures.recording.remux_ms / frames.memcpy_ms
        found["encoding_to_twelve_percent"] = figures.recording.encoding_share / _ENCODING_SHARE
    return found


def missed(figures: Figures) -> Mapping[str, float]:
    """The ratios that are above their limit."""
    return {name: ratio for name, ratio in ratios(figures).items() if ratio > LIMITS.get(name, ratio)}


def document(figures: Figures) -> Mapping[str, object]:
    """The figures for programs."""
    frames, scorer, notices = figures.frames, figures.scorer, figures.notices
    return {
        "clip": figures.clip,
        **_frame_document(frames),
        "stages_ms": {name: round(value, 4) for name, value in frames.stages_ms.items()},
        "calls": {"frames": frames.frames, **frames.calls},
        "snapshot": {"each_ms": round(frames.snapshot_ms, 4), "calls": frames.snapshots},
        "idle": None if figures.idle is None else _frame_document(figures.idle),
        "notice_ms": {"publish": round(notices.publish_ms, 4), "receive": round(notices.receive_ms, 4)},
        "inline": None if figures.inline is None else asdict(figures.inline),
        "scorer": {
            "model": scorer.model,
            "bare_ms": round(scorer.bare_ms, 4),
            "wrapped_ms": round(scorer.wrapped_ms, 4),
            "from_picture_ms": round(scorer.from_picture_ms, 4),
        },
        "runtimes": [asdict(figure) for figure in figures.runtimes],
        "capture_to_publish_ms": None if figures.latency is None else asdict(figures.latency),
        "tracker_fifty_objects_ms": None if figures.crowd_ms is None else round(figures.crowd_ms, 4),
        "recording": None if figures.recording is None else asdict(figures.recording),
        "hd": None if figures.hd is None else _frame_document(figures.hd),
        "missed": list(missed(figures)),
        "probe": None if figures.probe is None else asdict(figures.probe),
        "ratios": {name: round(value, 3) for name, value in ratios(figures).items()},
    }


def _frame_document(frames: FrameFigures) -> Mapping[str, object]:
    return {
        "size": [frames.width, frames.height],
        "frames": frames.frames,
        "memcpy_ms": round(frames.memcpy_ms, 4),
        "decode_ms": round(frames.decode_ms, 4),
        "whole_ms": round(frames.whole_ms, 4),
        "besides_decoding_ms": round(frames.besides_decoding_ms, 4),
        "debian_motion_ms": None if frames.motion_ms is None else round(frames.motion_ms, 4),
        "passes": [asdict(each) for each in frames.passes],
    }


def table(figures: Figures) -> str:
    """The figures for people."""
    rows = [
        *_frame_rows(figures),
        *_hd_rows(figures),
        *_recording_rows(figures),
        *_message_rows(figures),
        *_model_rows(figures),
        *_latency_rows(figures),
    ]
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:{width}}  {value:8.3f} ms  {note}" for name, value, note in rows]
    lines += [f"MISSED: {name} is {_above(value, LIMITS[name])}" for name, value in missed(figures).items()]
    return "\n".join(lines if figures.probe is None else [*lines, probe_table(figures.probe)])


def _above(value: float, limit: float) -> str:
    """A value with as many digits as it takes to see that it is above its limit."""
    digits = next((each for each in range(2, 9) if float(f"{value:.{each}f}") > limit), 9)
    return f"{value:.{digits}f}, at most {limit:g}"


def _frame_rows(figures: Figures) -> Iterator[Row]:
    frames = figures.frames
    yield "copy of a frame (memcpy)", frames.memcpy_ms, "the floor"
    yield from _whole_rows(frames)
    if figures.idle is not None:
        note = f"{figures.idle.besides_decoding_to_memcpy:.2f} x memcpy"
        yield "  besides decoding, idle scene", figures.idle.besides_decoding_ms, note
    for name, value in frames.stages_ms.items():
        yield f"  {name}", value, f"each of {frames.calls[name]}; {value / frames.memcpy_ms:.2f} x memcpy"
    yield "  ring write and read", _ring_ms(frames), f"{ratios(figures)['ring_to_memcpy']:.2f} x memcpy"
    if figures.crowd_ms is not None:
        yield "tracker among fifty objects", figures.crowd_ms, f"each update; at most {_CROWD_MS:g} ms"
    if frames.snapshots:
        yield "picture of an event", frames.snapshot_ms, f"each of {frames.snapshots} in the clip; not in the whole"


def _hd_rows(figures: Figures) -> Iterator[Row]:
    frames = figures.hd
    if frames is not None:
        yield f"{frames.width}x{frames.height}: memcpy", frames.memcpy_ms, "the floor"
        yield from _whole_rows(frames)


def _recording_rows(figures: Figures) -> Iterator[Row]:
    recording = figures.recording
    if recording is not None:
        note = f"{ratios(figures)['remux_to_memcpy']:.2f} x memcpy; not in the whole"
        yield "clips, a camera's own packets", recording.remux_ms, note
        share = f"{recording.encoding_share:.1%} of a core at {ENCODED_PER_S} a second"
        yield "clips, a picture that is encoded", recording.encode_ms, share


def _whole_rows(frames: FrameFigures) -> Iterator[Row]:
    yield "decoding", frames.decode_ms, "per frame of the clip"
    yield "the whole, without the model", frames.whole_ms, "per frame of the clip"
    if frames.motion_ms is not None:
        yield "  Debian's motion, the whole", frames.motion_ms, f"ours is {frames.whole_to_motion:.2f} of it"
    yield "  besides decoding", frames.besides_decoding_ms, f"{frames.besides_decoding_to_memcpy:.2f} x memcpy"


def _message_rows(figures: Figures) -> Iterator[Row]:
    notices, inline = figures.notices, figures.inline
    yield "notice, sender", notices.publish_ms, "each"
    yield "notice, receiver", notices.receive_ms, "each"
    yield "a frame by the ring, notice and all", _carried_ms(figures.frames, notices), "both processes"
    if inline is not None:
        size = f"{inline.bytes / 1000:.0f} kB in {inline.messages:.1f} messages"
        yield "inline JPEG, sender", inline.write_ms, f"each; {size}"
        yield "inline JPEG, receiver", inline.read_ms, "each"
        times = ratios(figures)["inline_to_ring"]
        yield "a frame inline, messages and all", _inline_ms(inline, notices), f"{times:.2f} x the ring"


def _model_rows(figures: Figures) -> Iterator[Row]:
    scorer = figures.scorer
    yield f"model {scorer.model}, bare", scorer.bare_ms, "each"
    yield "  behind our code", scorer.wrapped_ms, f"{ratios(figures)['scorer_to_bare']:.3f} x bare"
    yield (
        "  from a picture of this size",
        scorer.from_picture_ms,
        f"{scorer.from_picture_ms / scorer.bare_ms:.3f} x bare",
    )
    for each in figures.runtimes:
        threads = "1 thread" if each.threads == 1 else f"{each.threads} threads"
        yield f"  {each.model}, {each.runtime}, {threads}", each.wall_ms, f"on the clock; CPU {each.cpu_ms:.3f} ms"


def _latency_rows(figures: Figures) -> Iterator[Row]:
    latency = figures.latency
    if latency is not None:
        yield "capture to publish, p50", latency.p50_ms, f"on the clock, of {latency.events} events"
        yield "capture to publish, p90", latency.p90_ms, "on the clock"
        yield "capture to publish, p99", latency.p99_ms, f"on the clock; at most {latency.most_ms:.1f}"


def _ring_ms(frames: FrameFigures) -> float:
    return frames.stages_ms["ring_write"] + frames.stages_ms["ring_read"]


def _carried_ms(frames: FrameFigures, notices: NoticeFigures) -> float:
    """What it costs both processes to hand one frame over by the ring."""
    return _ring_ms(frames) + notices.publish_ms + notices.receive_ms


def _inline_ms(inline: InlineFigures, notices: NoticeFigures) -> float:
    """What it costs both processes to hand one frame over inside messages, each taken for a notice."""
    return inline.write_ms + inline.read_ms + inline.messages * (notices.publish_ms + notices.receive_ms)
