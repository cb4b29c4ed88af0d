"""From the frame to the event in the cloud: the real processes, a nucleus between them, many events."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from av.video.frame import VideoFrame

from measure.clips import make_clip
from measure.demo.report import quantile
from measure.demo.story import Entry
from smartcam.capture.sources.clip import all_pictures
from smartcam.capture.sources.pyav_clip import PyAvClip
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, EventKind, Phase
from smartcam.contract.ids import EventId, ThingName
from smartcam.contract.times import NS_PER_MS, UtcNs
from smartcam.contract.topics import ack_topic
from smartcam.edge.ring.sealed import FOLDER_VARIABLE
from smartcam.inference.analysis.analysis import SceneModel
from smartcam.inference.bundles import open_model
from standins.nucleus.cloud import CloudMessage
from standins.nucleus.testbed import RunningNucleus, access_control, running_nucleus
from tools.command_line import ROOT

_CAMERAS: Final = 3
_STAGGER_S: Final = 0.7
_LOOK_EVERY: Final = 5
_QUIET_S: Final = 5.0
_LOUD_S: Final = 3.0
_START_S: Final = 60.0
_END_S: Final = 10.0
_CAPTURE, _INFERENCE = "bench.Capture", "bench.Inference"


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Milliseconds from a frame's capture until the nucleus has published the event that it raised."""

    events: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    most_ms: float


def measure_latency(clip: Path, bundle: Path, times: int) -> LatencyFigures | None:
    """The distribution over three cameras that each see something unusual `times` times.

    None for a bundle that finds objects: the clip for this is made by asking the model how unusual a moment is.

    Raises:
        OSError: the processes did not come up, or raised nothing.
    """
    model = open_model(bundle)
    if not isinstance(model, SceneModel):
        return None
    with tempfile.TemporaryDirectory(prefix="smartcam-bench-") as folder:
        order, rate = _quiet_and_loud(clip, model, times)
        playing = make_clip(clip, Path(folder, "events.mp4"), choose=lambda frames: _in_order(frames, order), crf=20)
        delays = _play(playing, bundle, Path(folder), len(order) / rate)
    if not delays:
        raise OSError("no event was raised while the latency was measured")
    return LatencyFigures(
        len(delays), quantile(delays, 0.5), quantile(delays, 0.9), quantile(delays, 0.99), max(delays)
    )


def _quiet_and_loud(path: Path, model: SceneModel, times: int) -> tuple[list[int], float]:
    """Numbers of frames in which the clip is most usual and most unusual in turn, and its frames per second."""
    clip, scores = PyAvClip(path), list[float]()
    rate = clip.frames_per_second
    for number, taken in enumerate(all_pictures(clip)):
        if number % _LOOK_EVERY == 0:
            scores.append(float(model.scorer.score([taken.picture])))
    quiet, loud = round(_QUIET_S * rate / _LOOK_EVERY), round(_LOUD_S * rate / _LOOK_EVERY)
    still = min(range(len(scores) - quiet), key=lambda at: max(scores[at : at + quiet]))
    busy = max(range(len(scores) - loud), key=lambda at: min(scores[at : at + loud]))
    still_frames = range(still * _LOOK_EVERY, (still + quiet) * _LOOK_EVERY)
    busy_frames = range(busy * _LOOK_EVERY, (busy + loud) * _LOOK_EVERY)
    return [*still_frames, *busy_frames] * times + [*still_frames], rate


def _in_order(frames: Iterator[VideoFrame], order: Sequence[int]) -> Iterator[VideoFrame]:
    wanted = set(order)
    kept = {place: frame for place, frame in enumerate(frames) if place in wanted}
    return (kept[place] for place in order)


def _play(clip: Path, bundle: Path, folder: Path, length_s: float) -> list[float]:
    cameras = {
        f"bench{number}": {"path": str(clip), "start_delay_s": 2 + number * _STAGGER_S} for number in range(_CAMERAS)
    }
    with running_nucleus() as nucleus, running_suite(nucleus, cameras, bundle, folder):
        time.sleep(length_s + 2 + _CAMERAS * _STAGGER_S)
        _until_quiet(nucleus)
        raised = raised_in(nucleus.journal("cloud_publish"))
        return [(published_at - event.started_at) / NS_PER_MS for event, published_at in raised]


@contextmanager
def running_suite(
    nucleus: RunningNucleus,
    cameras: Mapping[str, object],
    bundle: Path,
    folder: Path,
    inference: str = "smartcam.inference.main",
) -> Iterator[None]:
    """Capture with these cameras, and the module that is inference, as processes until the end of the block.

    The cloud acknowledges each event.

    Raises:
        OSError: one of them has ended by itself.
    """
    notices = ["smartcam/frames/*", "smartcam/transport/*"]
    capture_environment = nucleus.add_component(
        _CAPTURE, access_control(publish=notices, subscribe=notices), {"cameras": cameras}
    )
    environment = nucleus.add_component(
        _INFERENCE,
        access_control(
            publish=notices,
            subscribe=notices,
            publish_cloud=["smartcam/v1/+/+/event", "smartcam/v1/+/health"],
            subscribe_cloud=["smartcam/v1/+/ack"],
        ),
        {"bundle": str(bundle.resolve())},
    )
    nucleus.cloud.on_published = partial(_acknowledge, nucleus)
    with (
        _process(inference, environment, folder / "inference"),
        _process("smartcam.capture.main", capture_environment, folder / "capture"),
    ):
        yield


def _until_quiet(nucleus: RunningNucleus) -> None:
    """Returns when no publish has come for some seconds."""
    end, seen, since = time.monotonic() + _START_S, -1, time.monotonic()
    while time.monotonic() < min(end, since + _END_S):
        count = len(nucleus.cloud.published)
        if count != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.2)


def _acknowledge(nucleus: RunningNucleus, message: CloudMessage) -> None:
    """As the cloud does: without that an outbox soon sends no more at once."""
    if message.topic.endswith("/event"):
        event = Event.from_json(message.payload)
        answer = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision)
        nucleus.cloud.inject(ack_topic(ThingName(nucleus.thing)), answer.to_json())


@contextmanager
def _process(module: str, environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    folder.mkdir()
    whole = {
        **os.environ,
        **environment,
        FOLDER_VARIABLE: os.environ.get(FOLDER_VARIABLE, "/dev/shm"),  # noqa: S108  where rings are
        "PYTHONPATH": os.pathsep.join([str(ROOT / "components"), str(ROOT)]),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", module], cwd=folder, env=whole, stdout=log, stderr=log
        )
        try:
            yield
            if process.poll() is not None:
                raise OSError(f"{module} has ended: " + (folder / "log").read_text(errors="replace")[-500:])
        finally:
            process.terminate()
            process.wait()


def raised_in(entries: Sequence[Mapping[str, object]], kind: EventKind | None = None) -> list[tuple[Event, UtcNs]]:
    """The raised events of a nucleus's journal, of one kind or of any, each with when it was published first."""
    found: dict[EventId, tuple[Event, UtcNs]] = {}
    for facts in entries:
        entry = Entry.of_line(json.dumps(facts))
        if not entry.text("topic").endswith("/event") or entry.facts.get("ok") is not True:
            continue
        event = Event.from_json(entry.payload())
        if event.phase is Phase.RAISED and kind in (None, event.kind):
            found.setdefault(event.event_id, (event, entry.at))
    return list(found.values())
