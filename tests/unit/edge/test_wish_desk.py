"""Wishes are heard in order, by who owns what they are about, and no neighbour's flood gets further than its bound."""

import json
import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.ids import CameraId, new_event_id
from smartcam.contract.times import UtcNs
from smartcam.contract.topics import settings_topic
from smartcam.contract.wish import (
    Holding,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishMessage,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.wish_desk import CHANGES, MOST_WAITING, OTHERS, WishDesk, WishPace
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock

YARD = CameraId("yard")
VERDICT = LocalVerdict("v", YARD, new_event_id(UtcNs(10**18), bytes(10)), true=False)
ARMING = LocalArming("a", None, armed=False)
ASK = SettingsAsk("q", YARD)
WISHES = {owner: SettingsWish(f"w-{owner}", YARD, owner, {}) for owner in SettingsOwner}


class Desk:
    def __init__(self, owner: SettingsOwner = SettingsOwner.INFERENCE) -> None:
        self.clock, self.nucleus = FakeClock(), FakeNucleus()
        self.desk = WishDesk(owner, self.nucleus.bus("smartcam.X"), self.clock)
        self.subscription = self.desk.listen()
        self.console = self.nucleus.bus("smartcam.Console")

    def say(self, *messages: WishMessage) -> None:
        for message in messages:
            self.console.publish_local(settings_topic(message.camera_id), encode_wish_message(message))

    def answers(self) -> list[WishAnswer]:
        said = [decode_wish_message(payload) for payload in self.nucleus.local_payloads("smartcam/settings/+")]
        return [one for one in said if isinstance(one, WishAnswer)]


@pytest.mark.parametrize(
    ("owner", "heard"),
    [
        (SettingsOwner.INFERENCE, [WISHES[SettingsOwner.INFERENCE], ASK, VERDICT, ARMING]),
        (SettingsOwner.CAPTURE, [WISHES[SettingsOwner.CAPTURE], ASK]),
    ],
)
def test_each_owner_hears_what_is_its_own_once_and_in_order(owner: SettingsOwner, heard: list[WishMessage]) -> None:
    desk = Desk(owner)
    desk.say(*WISHES.values(), ASK, VERDICT, ARMING)
    assert desk.desk.waiting() == heard
    assert desk.desk.waiting() == []


def test_an_answer_is_not_heard_again_and_garbage_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.WARNING):
        desk.desk.answer(WishAnswer("1", YARD, SettingsOwner.INFERENCE, applied=True, holds=Holding("r")))
        for payload in (b"{}", b"\xff", b"[]", encode_wish_message(SettingsAsk("1", CameraId("gate"))), b"x" * 7000):
            desk.console.publish_local("smartcam/settings/yard", payload)
        desk.say(ASK)
    assert desk.desk.waiting() == [ASK]
    assert (desk.desk.refused, caplog.text.count("wish_refused")) == (5, 1)


def test_a_flood_is_held_back_and_answered_seldom_and_the_next_one_is_heard_when_it_is_over() -> None:
    desk = Desk()
    wish = WISHES[SettingsOwner.INFERENCE]
    desk.say(*[wish] * 1000, *[ASK] * 1000)
    assert len(desk.desk.waiting()) == CHANGES[0] + OTHERS[0]
    assert 0 < len(desk.answers()) <= 20
    assert "too often; try again in a few seconds" in desk.answers()[0].errors[0].words
    assert not any(answer.applied for answer in desk.answers())
    desk.clock.advance(1)
    desk.say(*[wish] * 9, *[ASK] * 90)
    assert len(desk.desk.waiting()) == CHANGES[1] + OTHERS[1]


def test_an_owner_that_is_busy_for_long_keeps_no_more_than_its_bound() -> None:
    desk = Desk()
    for _ in range(100):
        desk.clock.advance(10)
        desk.say(*[ASK] * 50)
    assert len(desk.desk.waiting()) == MOST_WAITING
    assert desk.desk.refused == 5000 - MOST_WAITING


def test_who_tries_what_is_being_drawn_may_do_so_more_often_than_set_it() -> None:
    desk = Desk()
    trial = replace(WISHES[SettingsOwner.INFERENCE], trial=True)
    desk.say(*[trial] * 30, WISHES[SettingsOwner.INFERENCE])
    assert desk.desk.waiting() == [*[trial] * 30, WISHES[SettingsOwner.INFERENCE]]


def test_a_flood_of_settings_keeps_no_verdict_waiting() -> None:
    desk = Desk()
    desk.say(*[ARMING] * 500, VERDICT)
    assert desk.desk.waiting()[-1] == VERDICT


@given(st.lists(st.integers(0, 3000), max_size=60))
def test_a_pace_gives_its_many_at_once_and_never_more_than_its_rate_besides(steps_ms: list[int]) -> None:
    clock = FakeClock()
    pace, taken = WishPace(3, 2.0, clock), 0
    for step in steps_ms:
        clock.advance(step / 1000)
        taken += pace.takes()
    assert taken <= 3 + 2.0 * sum(steps_ms) / 1000
    assert taken >= min(len(steps_ms), 3)


def test_an_answer_that_cannot_be_sent_is_said_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.nucleus.refused.add("smartcam/settings/+")
    answer = WishAnswer("1", YARD, SettingsOwner.INFERENCE, applied=True)
    for _ in range(3):
        desk.desk.answer(answer)
    assert caplog.text.count("wish_not_answered") == 1
    desk.nucleus.refused.clear()
    desk.desk.answer(answer)
    assert desk.answers() == [answer]
    desk.subscription.close()
    desk.say(ASK)
    assert desk.desk.waiting() == []
    assert json.loads(desk.nucleus.local_payloads()[0])["type"] == "answer"
