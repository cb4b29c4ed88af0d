"""What is in a health message, in Prometheus's words: nothing is counted here. The only module that uses its client."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from smartcam.contract.health import CameraCondition, CameraHealth, Health
from smartcam.contract.times import NS_PER_S

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_MS_PER_S: Final = 1000
_OF_FRAMES: Final[Mapping[str, str]] = {
    "read": "Frames that capture has read from all cameras.",
    "announced": "Frames that capture has announced to inference.",
    "heard": "Notices that inference has received.",
    "dropped": "Frames whose place in the mailbox a newer one took.",
    "overwritten": "Frames that were overwritten in shared memory before they were read.",
    "unreadable": "Frames that could not be read from shared memory.",
    "refused": "Messages that were no notice of a frame.",
    "incomplete": "Frames inside messages that never became whole.",
}


def exposition(health: Health) -> bytes:
    """The figures as text, as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(_Figures(health))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        yield from _of_device(self._health)
        yield from _of_frames(self._health)
        yield from _of_outbox(self._health)
        yield from _of_cameras(self._health.cameras)


def _of_device(health: Health) -> Iterator[Metric]:
    runs = {
        "version": health.version,
        "capture_version": health.capture_version or "",
        "model": health.model_name or "",
        "model_version": health.model_version or "",
    }
    yield InfoMetricFamily("smartcam", "What runs on the device.", runs)
    yield _gauge("smartcam_health_timestamp_seconds", "When these figures were taken (UTC).", health.sent_at / NS_PER_S)
    yield _gauge("smartcam_uptime_seconds", "For how long inference has been running.", health.uptime_s)
    yield _gauge("smartcam_clock_synced", "1 if the device's clock is known to be right.", health.clock_synced)
    refused = GaugeMetricFamily("smartcam_refused", "1 if what should be in use was refused.", labels=["what"])
    refused.add_metric(["bundle"], health.bundle_refused is not None)
    refused.add_metric(["configuration"], health.configuration_refused is not None)
    refused.add_metric(["release"], health.release_refused is not None)
    yield refused
    yield _gauge("smartcam_snapshots_waiting", "Pictures and clips that wait to be uploaded.", health.snapshots_waiting)
    yield _gauge("smartcam_cameras_left_out", "Cameras that have no place here.", health.cameras_left_out)


def _of_frames(health: Health) -> Iterator[Metric]:
    for key, value in asdict(health.frames).items():
        yield _counter(f"smartcam_frames_{key}", _OF_FRAMES[key], value)
    yield _counter("smartcam_frames_analysed", "Frames that were analysed.", health.analysed)
    yield _counter("smartcam_frames_failed", "Frames whose analysis failed.", health.failed)


def _of_outbox(health: Health) -> Iterator[Metric]:
    outbox = health.outbox
    if outbox.waiting is not None:
        yield _gauge("smartcam_outbox_waiting", "Events that wait for the cloud.", outbox.waiting)
    if outbox.oldest_ms is not None:
        yield _gauge("smartcam_outbox_oldest_seconds", "Age of the oldest of these.", outbox.oldest_ms / _MS_PER_S)
    yield _gauge("smartcam_outbox_refused", "Events that the cloud has refused, and are kept.", outbox.refused)
    yield _counter("smartcam_outbox_dropped", "Events given up for want of room or for their age.", outbox.dropped)
    yield _counter("smartcam_outbox_unreadable", "Events that a damaged disk has cost.", outbox.unreadable)


def _of_cameras(cameras: tuple[CameraHealth, ...]) -> Iterator[Metric]:
    condition = GaugeMetricFamily(
        "smartcam_camera_condition", "1 for the condition that a camera is in.", labels=["camera", "condition"]
    )
    fps = _per_camera("smartcam_camera_frames_per_second", "What a camera's source delivers, 0 if unknown.")
    armed = _per_camera("smartcam_camera_armed", "1 if what a camera sees can raise events now.")
    hours = _per_camera("smartcam_camera_scene_hours", "For how many hours a camera has learned what is normal.")
    raised = _per_camera("smartcam_camera_scene_raised", "Anomalies that a camera raised in the last day.")
    drift = _per_camera("smartcam_camera_scene_drift", "1 if a camera raises more anomalies than it promised.")
    for one in cameras:
        for each in CameraCondition:
            condition.add_metric([one.camera_id, each], one.condition is each)
        fps.add_metric([one.camera_id], one.frames_per_second)
        if one.armed is not None:
            armed.add_metric([one.camera_id], one.armed)
        if one.scene is not None:
            hours.add_metric([one.camera_id], one.scene.hours)
            raised.add_metric([one.camera_id], one.scene.raised)
            drift.add_metric([one.camera_id], one.scene.drift)
    yield from (condition, fps, armed, hours, raised, drift)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value)


def _per_camera(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, labels=["camera"])
