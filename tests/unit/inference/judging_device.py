"""What stands on a device between an episode and the cloud, to play a history through."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event as Bell
from threading import Thread

from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import HELD_BACK, Event
from smartcam.contract.ids import EventId
from smartcam.contract.topics import ack_topic
from smartcam.edge.backoff import Backoff
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.outbox.outbox import Outbox
from smartcam.inference.events import Change
from smartcam.inference.judging import EventJudge
from smartcam.inference.sender import Sender
from smartcam.inference.storing import ChangeStore
from tests.fakes.bus import FakeNucleus, Publication
from tests.fakes.clock import FakeClock
from tests.training.tabular.verdicts import THING, event_of, history


def play_later_half(bundle: Path, folder: Path) -> None:
    """Plays the later half of the history through the device's code with this filter.

    Asserts that at least half of the false events are held back, no true one, and that each of them is sent.
    """
    device = JudgingDevice(folder, bundle)
    later = [(event_of(row, 200 + place), row["verdict"] == "false") for place, row in enumerate(history()[200:])]
    sent = device.send([event for event, _ in later])
    assert len(sent) == len(later) == 200
    held = [is_false for event, is_false in later if sent[event.event_id].is_held_back]
    assert all(held)
    assert len(held) >= sum(is_false for _, is_false in later) / 2


class JudgingDevice:
    """What stands between an episode and the cloud: the filter, the outbox, the sender; the cloud takes everything."""

    def __init__(self, folder: Path, bundle: Path | None, takes: tuple[str, ...] = (HELD_BACK,)) -> None:
        self.clock, self.nucleus = FakeClock(), FakeNucleus()
        self.takes = takes
        self.outbox = Outbox(folder / "outbox.sqlite3", self.clock, random=lambda: 1.0)
        bus = self.nucleus.bus("smartcam.Inference")
        self.sender = Sender(bus, self.outbox, THING, lambda: 1.0, on_wanted=lambda *_: None)
        self.judge = EventJudge(self.clock, lambda: 1.0, lambda: self.takes)
        self.judge.use(bundle, None)
        backoff = Backoff(1.0, 30.0, lambda: 1.0)
        self.store = ChangeStore(self.outbox, self.clock, backoff, self.sender.wake, judged=self.judge.judged)

    def send(self, events: Sequence[Event]) -> dict[EventId, Event]:
        """What the cloud gets of these events, each in its last revision or phase."""
        sent: dict[EventId, Event] = {}

        def accept(publication: Publication) -> None:
            event = Event.from_json(publication.payload)
            sent[event.event_id] = event
            answer = Acknowledgement(event.event_id, event.phase, AckStatus.ACCEPTED, revision=event.revision)
            self.nucleus.deliver(ack_topic(THING), answer.to_json())
            if sent.keys() >= done:
                all_there.set()

        self.nucleus.on_publish.append(accept)
        stop, all_there, done = StopToken(), Bell(), {event.event_id for event in events}
        thread = Thread(target=self.sender.run, args=(stop,))
        self.judge.refresh()
        self.store.keep([Change(event, None) for event in events])
        self.store.store()
        thread.start()
        assert all_there.wait(60)
        stop.set()
        self.sender.wake()
        thread.join()
        self.nucleus.on_publish.remove(accept)
        return sent
