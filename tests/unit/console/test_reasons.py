from infra.alerts.runtime.words.chinese import CHINESE
from infra.alerts.runtime.words.english import ENGLISH
from smartcam.console.reasons import CAUSES, REASONS
from smartcam.contract.event import EventKind


def test_the_page_says_why_in_the_words_of_the_alert() -> None:
    assert {key: (ENGLISH.causes[key], CHINESE.causes[key]) for key in ENGLISH.causes} == CAUSES
    of_a_device = {kind for kind in ENGLISH.reasons if kind.startswith(("device", "fleet"))}
    assert {
        kind: (ENGLISH.reasons[kind], CHINESE.reasons[kind]) for kind in ENGLISH.reasons if kind not in of_a_device
    } == REASONS
    assert EventKind.PERSON not in REASONS
