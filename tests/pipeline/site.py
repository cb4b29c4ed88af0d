"""Both components in one process, on a nucleus in memory, with a cloud that answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from smartcam.capture.main import build as build_capture
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event
from smartcam.contract.ids import ThingName
from smartcam.contract.inline import is_chunk
from smartcam.contract.notice import FrameNotice, StatusNotice, decode_notice
from smartcam.contract.topics import FRAMES_PREFIX, ack_topic, event_topic, health_topic
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import Service, StopToken
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.main import build as build_inference
from smartcam.inference.service import InferenceService
from tests.fakes.bus import FakeNucleus, Publication
from tests.waiting import until

THING = ThingName("pi-1")


class Component:
    """A component's services in threads, until it is stopped."""

    def __init__(self, services: list[tuple[str, Service]]) -> None:
        self.services = [service for _, service in services]
        self._stop = StopToken()
        self._threads = [Thread(target=service.run, args=(self._stop,), name=name) for name, service in services]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)


@dataclass
class Cloud:
    """Records each event once it is published and acknowledges it; while it `is_deaf` it answers none."""

    nucleus: FakeNucleus
    events: list[Event] = field(default_factory=list)
    is_deaf: bool = False
    unanswered: list[Event] = field(default_factory=list)

    def __call__(self, publication: Publication) -> None:
        if publication.topic == health_topic(THING):
            return
        event = Event.from_json(publication.payload)
        assert publication.topic == event_topic(event.thing, event.camera_id)
        if self.is_deaf:
            self.unanswered.append(event)
            return
        if event not in self.events:
            self.events.append(event)
        answer = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision)
        self.nucleus.deliver(ack_topic(THING), answer.to_json())

    def phases(self) -> list[tuple[str, str]]:
        return [(str(event.kind), str(event.phase)) for event in self.events]


class Site:
    """One device: a folder for work, one for shared memory, and a nucleus that outlives its components."""

    def __init__(self, folder: Path, bundle: Path, cameras: Mapping[str, Path], **camera: object) -> None:
        self.nucleus = FakeNucleus()
        self.cloud = Cloud(self.nucleus)
        self.nucleus.on_publish.append(self.cloud)
        self.shm = folder / "shm"
        self.shm.mkdir()
        self._bundle = bundle
        self._outbox_file = folder / "outbox.sqlite3"
        self._seen = 0
        pace = {"analyse_fps": "20", "keep_alive_s": "0.2", **camera}
        self.nucleus.configure(
            "smartcam.Capture", {"cameras": {name: {"path": str(path), **pace} for name, path in cameras.items()}}
        )
        self.nucleus.configure("smartcam.Inference", {})
        self._outbox: Outbox | None = None
        self._capture: Component | None = None
        self._inference: Component | None = None

    def start_inference(self) -> None:
        """It sees from now on."""
        self._outbox = Outbox(self._outbox_file, SystemClock())
        bus = self.nucleus.bus("smartcam.Inference")
        self._inference = Component(build_inference(THING, self._bundle, self.shm, bus, self._outbox))
        until(lambda: self.service().facts.model_name)

    def start_capture(self) -> None:
        self._capture = Component(build_capture(self.nucleus.bus("smartcam.Capture"), self.shm))

    def stop_inference(self) -> None:
        component, self._inference = self._inference, None
        if component is not None:
            component.stop()
        if self._outbox is not None:
            self._outbox.close()

    def stop_capture(self) -> None:
        component, self._capture = self._capture, None
        if component is not None:
            component.stop()

    def stop(self) -> None:
        self.stop_capture()
        self.stop_inference()

    def service(self) -> InferenceService:
        assert self._inference is not None
        (service,) = [item for item in self._inference.services if isinstance(item, InferenceService)]
        return service

    def waiting(self) -> int:
        assert self._outbox is not None
        return self._outbox.counts().waiting

    def notices(self) -> list[FrameNotice | StatusNotice]:
        said = [item.payload for item in list(self.nucleus.published_local) if item.topic.startswith(FRAMES_PREFIX)]
        return [decode_notice(payload) for payload in said if not is_chunk(payload)]

    def has_ended(self) -> bool:
        """Whether capture has said that every clip is over."""
        ended = {n.camera_id for n in self.notices() if isinstance(n, StatusNotice) and n.state == "ended"}
        return len(ended) >= len({notice.camera_id for notice in self.notices()}) > 0
