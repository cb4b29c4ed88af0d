import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId
from smartcam.contract.topics import ALL_SETTINGS, settings_topic
from smartcam.contract.wish import (
    LocalArming,
    SettingsOwner,
    WishAnswer,
    WishError,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.homeassistant.arming import ArmingCommands
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock

YARD, DOOR = CameraId("yard"), CameraId("door")
PLACES = {"all": None, "yard": YARD, "door": DOOR}


class Post:
    def __init__(self) -> None:
        self.nucleus, self.clock = FakeNucleus(), FakeClock()
        ids = iter(range(100_000))
        self.bus = self.nucleus.bus("smartcam.HomeAssistant")
        self.commands = ArmingCommands(self.bus, self.clock, lambda: f"ha-{next(ids)}")
        self.commands.listen(PLACES)
        self.bus.subscribe_local(ALL_SETTINGS, self.commands.hear_answer)

    @property
    def wishes(self) -> list[tuple[CameraId | None, bool]]:
        heard = [decode_wish_message(payload) for payload in self.nucleus.local_payloads("smartcam/settings/+")]
        return [(one.camera_id, one.armed) for one in heard if isinstance(one, LocalArming)]

    def answer(self, wish_id: str, *, applied: bool, camera: CameraId | None = YARD, topic: str | None = None) -> None:
        errors = () if applied else (WishError("camera_id", "is no camera of this device"),)
        said = WishAnswer(wish_id, camera, SettingsOwner.INFERENCE, applied=applied, errors=errors)
        self.nucleus.bus("smartcam.Inference").publish_local(topic or settings_topic(camera), encode_wish_message(said))


@pytest.fixture
def post() -> Post:
    return Post()


def test_a_command_becomes_a_wish_of_its_camera_or_of_the_device(post: Post) -> None:
    post.commands.hear("yard", b"OFF")
    post.commands.hear("all", b"ON")
    assert post.wishes == []
    post.commands.step()
    assert post.wishes == [(YARD, False), (None, True)]
    post.commands.step()
    assert len(post.wishes) == 2


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("yard", b""),
        ("yard", b"on"),
        ("yard", b"ON\n"),
        ("yard", b"ON" * 500),
        ("yard", b"\xff\x00\xfe"),
        ("yard", bytes(2000)),
        ("yard", b'{"armed": true}'),
        ("cellar", b"OFF"),
        ("", b"OFF"),
        ("yard/\x00", b"OFF"),
    ],
)
def test_what_is_no_command_of_a_known_camera_is_ignored_and_counted(post: Post, topic: str, payload: bytes) -> None:
    post.commands.hear(topic, payload)
    post.commands.step()
    assert post.wishes == []
    assert post.commands.ignored == 1


def test_a_flood_of_nonsense_is_logged_once_in_a_hundred(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(1000):
        post.commands.hear("yard", b"nonsense")
    assert post.commands.ignored == 1000
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 10
    assert "nonsense" not in caplog.text


def test_of_a_flood_of_commands_the_newest_holds_and_the_rest_is_not_wished(post: Post) -> None:
    for number in range(10_001):
        post.commands.hear("yard", b"ON" if number % 2 else b"OFF")
    post.commands.step()
    assert post.wishes == [(YARD, False)]


def test_who_goes_on_and_on_is_heard_at_a_pace_that_leaves_the_console_room(post: Post) -> None:
    for number in range(600):
        post.commands.hear("yard", b"ON" if number % 2 else b"OFF")
        post.commands.step()
        post.clock.advance(0.1)
    assert len(post.wishes) <= 5 + 60 * 0.5
    post.clock.advance(10)
    post.commands.step()
    assert post.wishes[-1] == (YARD, True), "what was said last"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(sorted(PLACES)), st.booleans()), max_size=20))
def test_whatever_the_order_the_last_word_on_each_place_is_wished_last(story: list[tuple[str, bool]]) -> None:
    post = Post()
    for topic, armed in story:
        post.commands.hear(topic, b"ON" if armed else b"OFF")
    for _ in range(10):
        post.commands.step()
        post.clock.advance(10)
    last = {PLACES[topic]: (armed, place) for place, (topic, armed) in enumerate(story)}
    expected = sorted(last, key=lambda place: last[place][1])
    assert post.wishes == [(place, last[place][0]) for place in expected]


def test_a_nucleus_that_is_away_loses_the_command_and_nothing_else(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.nucleus.away = True
    post.commands.hear("yard", b"OFF")
    post.commands.step()
    assert "command_lost" in caplog.text
    post.nucleus.away = False
    post.commands.step()
    assert post.wishes == [], "a disarming of an hour ago would be a surprise"
    post.commands.hear("yard", b"OFF")
    post.commands.step()
    assert post.wishes == [(YARD, False)]


def test_a_command_that_was_refused_is_said_in_words_and_answers_to_others_are_not(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.commands.hear("yard", b"OFF")
    post.commands.step()
    post.answer("somebody-else's", applied=False)
    post.answer("ha-0", applied=False, topic=settings_topic(DOOR))
    post.bus.publish_local(settings_topic(YARD), b"nonsense")
    assert "command_answered" not in caplog.text
    post.answer("ha-0", applied=False)
    assert "command_answered" in caplog.text
    assert "camera_id: is no camera of this device" in caplog.text


def test_what_waits_when_a_connection_ends_is_not_wished_by_the_next_one(post: Post) -> None:
    post.commands.hear("yard", b"OFF")
    post.commands.forget()
    post.commands.step()
    assert post.wishes == []
