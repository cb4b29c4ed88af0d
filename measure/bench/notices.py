"""What a notice costs its sender and its receiver: two processes and a nucleus between them, as on a device."""

import multiprocessing
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.notice import FrameNotice, PixelBox, decode_notice, encode_notice
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.topics import ALL_FRAMES, frames_topic
from smartcam.edge.bus.greengrass import GreengrassBus
from standins.nucleus.testbed import access_control, running_nucleus

_CAMERA: Final = CameraId("bench")
_WARM_UP: Final = 50
_LIMIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class NoticeFigures:
    """CPU milliseconds of the sending and of the receiving process, per notice."""

    publish_ms: float
    receive_ms: float


def measure_notices(count: int) -> NoticeFigures:
    """Send `count` notices, one after the other, each acknowledged by the nucleus.

    Raises:
        TimeoutError: the notices did not arrive within a minute.
    """
    spawn = multiprocessing.get_context("spawn")
    with running_nucleus() as nucleus:
        sending = nucleus.add_component("bench.Sender", access_control(publish=["smartcam/frames/*"]), {})
        hearing = nucleus.add_component("bench.Receiver", access_control(subscribe=["smartcam/frames/*"]), {})
        ends = [spawn.Pipe() for _ in range(2)]
        receiver = spawn.Process(target=_receive, args=(dict(hearing), ends[0][1], count))
        sender = spawn.Process(target=_send, args=(dict(sending), ends[1][1], count))
        receiver.start()
        try:
            _answer(ends[0][0])
            sender.start()
            publish_ms = _answer(ends[1][0])
            receive_ms = _answer(ends[0][0])
        finally:
            for process in (receiver, sender):
                if process.pid is not None:
                    process.join(5)
                    process.kill()
                    process.join()
    return NoticeFigures(publish_ms, receive_ms)


def _answer(end: Connection) -> float:
    if not end.poll(_LIMIT_S):
        raise TimeoutError("notices did not arrive within a minute")
    return float(end.recv())


def _receive(environment: Mapping[str, str], end: Connection, count: int) -> None:
    os.environ.update(environment)
    arrived = threading.Event()
    seen: list[int] = []

    def hear(_topic: str, payload: bytes) -> None:
        decode_notice(payload)
        seen.append(time.process_time_ns())
        if len(seen) == _WARM_UP + count:
            arrived.set()

    bus = GreengrassBus()
    bus.subscribe_local(ALL_FRAMES, hear)
    time.sleep(1)
    end.send(0.0)
    arrived.wait(_LIMIT_S)
    end.send((seen[-1] - seen[_WARM_UP - 1]) / count / 1e6)
    bus.close()


def _send(environment: Mapping[str, str], end: Connection, count: int) -> None:
    os.environ.update(environment)
    bus = GreengrassBus()
    topic = frames_topic(_CAMERA)
    _publish(bus, topic, _WARM_UP)
    begun = time.process_time_ns()
    _publish(bus, topic, count)
    end.send((time.process_time_ns() - begun) / count / 1e6)
    bus.close()


def _publish(bus: GreengrassBus, topic: str, count: int) -> None:
    boxes = (PixelBox(100, 100, 300, 500), PixelBox(700, 200, 800, 420))
    for seq in range(count):
        at = seq * NS_PER_S
        notice = FrameNotice(_CAMERA, seq, 1, seq % 4, 1280, 720, UtcNs(at), MonotonicNs(at), at, boxes)
        bus.publish_local(topic, encode_notice(notice))
