"""Why an alert was raised, in words: the cause that the device gives, and the rule that fired."""

import pytest

from infra.alerts.runtime.audience import Language
from infra.alerts.runtime.words.render import render_alert
from smartcam.contract.event import Event, EventKind
from smartcam.inference.events import DETECTED, MOTION, UNUSUAL
from smartcam.vision.tamper import Cause
from smartcam.vision.visibility import Visibility
from tests.infra.sample import raised
from tests.infra.test_render import facts_of

EN, ZH = Language.ENGLISH, Language.CHINESE


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", EventKind)
def test_every_mail_says_why_and_how_to_silence(kind: EventKind, language: Language) -> None:
    why, silence = {EN: ("Why:       ", "To silence:"), ZH: ("原因：", "如何静音：")}[language]
    mail = render_alert(facts_of(raised(kind=kind)), language).email
    [reason] = [line for line in mail.splitlines() if line.startswith(why)]
    assert len(reason) > len(why) + 4
    assert silence in mail


def reason_of(event: Event, language: Language) -> str:
    """The line of a mail that says why."""
    begins = {EN: "Why:", ZH: "原因："}[language]
    lines = render_alert(facts_of(event), language).email.splitlines()
    [reason] = [line.removeprefix(begins).strip() for line in lines if line.startswith(begins)]
    return reason


OF_A_DEVICE = [
    *((EventKind.MOTION, cause) for cause in (MOTION, Visibility.DARK, Visibility.DEFOCUSED)),
    *((EventKind.TAMPER, cause) for cause in Cause),
    (EventKind.ANOMALY, UNUSUAL),
    (EventKind.PERSON, DETECTED),
]


@pytest.mark.parametrize("language", Language)
def test_every_cause_that_a_device_gives_has_words_of_its_own(language: Language) -> None:
    reasons = [reason_of(raised(kind=kind, cause=str(cause)), language) for kind, cause in OF_A_DEVICE]
    assert len(set(reasons)) == len(OF_A_DEVICE)
    assert not any(f"({cause})" in reason for (_, cause), reason in zip(OF_A_DEVICE, reasons, strict=True))
    assert "covers the lens" in reason_of(raised(kind=EventKind.TAMPER, cause="covered"), EN)
    assert "镜头被遮挡" in reason_of(raised(kind=EventKind.TAMPER, cause="covered"), ZH)


def test_a_cause_that_only_tomorrows_devices_know_is_told_as_it_is() -> None:
    assert "(loud noise): the score" in reason_of(raised(kind=EventKind.TAMPER, cause="loud noise"), EN)
    assert "（loud noise），得分" in reason_of(raised(kind=EventKind.TAMPER, cause="loud noise"), ZH)
    assert reason_of(raised(kind=EventKind.CAMERA_LOST, cause="rain"), EN) == "No pictures come from the camera (rain)"


@pytest.mark.parametrize(("language", "line"), [(EN, "Rule:      night yard"), (ZH, "规则：night yard")])
def test_a_mail_names_the_rule_that_fired(language: Language, line: str) -> None:
    assert line in render_alert(facts_of(raised(rule="night yard")), language).email.splitlines()
    assert line[:3] not in render_alert(facts_of(raised()), language).email
