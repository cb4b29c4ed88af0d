import pytest

from infra.settings import AlertSettings
from infra.subscribers import SubscriberGroup
from smartcam.contract.errors import SettingsError


def test_without_a_context_there_are_defaults() -> None:
    assert AlertSettings.from_context({}) == AlertSettings((SubscriberGroup(),), (), 300, "UTC", {})
    assert AlertSettings.from_context({"email": "", "phone": None, "cooldown_seconds": "", "time_zone": ""}) == (
        AlertSettings()
    )


def test_lists_are_separated_by_commas_and_may_have_blanks() -> None:
    settings = AlertSettings.from_context(
        {
            "email": "anna@example.org, ben@example.org",
            "phone": "+4915112345678,+12025550123",
            "things": "yard-1,cellar:2",
            "cooldown_seconds": "60",
            "time_zone": "Europe/Berlin",
        }
    )
    [everyone] = settings.groups
    assert everyone.name == "everyone"
    assert everyone.emails == ("anna@example.org", "ben@example.org")
    assert everyone.phones == ("+4915112345678", "+12025550123")
    assert everyone.time_zone == "Europe/Berlin"
    assert settings.things == ("yard-1", "cellar:2")
    assert (settings.cooldown_s, settings.time_zone) == (60, "Europe/Berlin")


def test_the_cooldown_may_be_a_number_and_may_be_off() -> None:
    assert AlertSettings.from_context({"cooldown_seconds": 0}).cooldown_s == 0


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("email", "anna", "an address"),
        ("email", "anna@example.org,", "an address"),
        ("email", "a@b,a@b", "once"),
        ("email", ["a@b"], "commas"),
        ("phone", "015112345678", "E.164"),
        ("phone", "+49 151 123", "E.164"),
        ("things", "yard 1", "letters"),
        ("things", "*", "letters"),
        ("things", "a,,b", "letters"),
        ("things", "3F2504E0-4f89-11d3-9a0c-0305e82c3301", "claim certificates"),
        ("cooldown_seconds", "5 minutes", "0 \\(off\\) to 86400"),
        ("cooldown_seconds", "-1", "0 \\(off\\)"),
        ("cooldown_seconds", "86401", "86400"),
        ("cooldown_seconds", True, "whole number"),
        ("cooldown_seconds", "1.5", "whole number"),
        ("time_zone", "Berlin", "IANA"),
        ("time_zone", "../etc/passwd", "IANA"),
        ("time_zone", 1, "IANA"),
        ("language", "fr", "one of en, zh"),
        ("quiet", "22-7", "22:00-07:00"),
        ("quiet", "22:00-22:00", "two different"),
        ("quiet", "24:00-07:00", "22:00-07:00"),
        ("subscribers", "nowhere.toml", "a file in TOML that can be read"),
    ],
)
def test_a_wrong_value_names_key_value_and_remedy(key: str, value: object, remedy: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{key} = .*: .*{remedy}"):
        AlertSettings.from_context({key: value})
