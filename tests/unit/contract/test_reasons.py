from smartcam.contract.event import EventKind
from smartcam.contract.reasons import CAUSES, LANGUAGES, REASONS


def test_every_reason_is_there_in_every_language_and_what_a_model_recognises_needs_none() -> None:
    assert {len(words) for words in (*CAUSES.values(), *REASONS.values())} == {len(LANGUAGES)}
    assert all(all(words) for words in (*CAUSES.values(), *REASONS.values()))
    assert {kind for kind, _ in CAUSES} < REASONS.keys()
    assert EventKind.PERSON not in REASONS
