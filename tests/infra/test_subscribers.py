from pathlib import Path

import pytest

from infra.alerts.infrastructure import audience_of
from infra.alerts.runtime.audience import Language
from infra.settings import AlertSettings
from infra.subscribers import SubscriberFile, SubscriberGroup, email, read_subscribers
from smartcam.contract.errors import SettingsError
from smartcam.contract.event import EventKind, Severity

WHOLE = """
[camera_zones]
"yard-1" = "Europe/Berlin"
"yard-1/gate" = "Asia/Shanghai"

[[group]]
name = "family"
emails = ["anna@example.org"]
phones = ["+4915112345678"]
urls = ["https://example.org/hook?x=1"]
language = "zh"
time_zone = "Asia/Shanghai"
quiet = "22:00-07:00"
cameras = ["gate", "yard-1/door", "yard:2/*"]
kinds = ["person", "tamper"]
severity = "warning"

[[group]]
name = "guards"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "subscribers.toml"
    path.write_text(text)
    return path


def test_a_file_names_groups_and_where_cameras_stand(tmp_path: Path) -> None:
    assert read_subscribers(written(tmp_path, WHOLE), "Europe/Berlin") == SubscriberFile(
        (
            SubscriberGroup(
                "family",
                ("anna@example.org",),
                ("+4915112345678",),
                ("https://example.org/hook?x=1",),
                Language.CHINESE,
                "Asia/Shanghai",
                ("22:00", "07:00"),
                ("gate", "yard-1/door", "yard:2/*"),
                (EventKind.PERSON, EventKind.TAMPER),
                Severity.WARNING,
            ),
            SubscriberGroup("guards", time_zone="Europe/Berlin"),
        ),
        {"yard-1": "Europe/Berlin", "yard-1/gate": "Asia/Shanghai"},
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("group = 1", "group = 1: write at most 20 tables"),
        ("[[group]]\nname = 'a b'", "group.name = 'a b': give 1 to 32 letters"),
        ("[[group]]\nemails = []", "group.name = None"),
        ("[[group]]\nname='a'\n[[group]]\nname='A'", "group.name = 'a, a': give each group a name of its own"),
        ("[[group]]\nname='a'\nemial=['x@y']", "group.emial = ['x@y']: use the keys name, emails"),
        ("[[group]]\nname='a'\nemails='x@y'", "group.a.emails = 'x@y': give a list of texts"),
        ("[[group]]\nname='a'\nemails=['x']", "group.a.emails = 'x': give an address"),
        ("[[group]]\nname='a'\nemails=['x@y','x@y']", "name each value once"),
        ("[[group]]\nname='a'\nphones=['0151']", "group.a.phones = '0151': give a number in the form of E.164"),
        ("[[group]]\nname='a'\nurls=['http://example.org']", "begins with https://"),
        ("[[group]]\nname='a'\nurls=['https://']", "begins with https://"),
        ("[[group]]\nname='a'\nlanguage='fr'", "group.a.language = 'fr': give one of en, zh"),
        ("[[group]]\nname='a'\ntime_zone='Berlin'", "give an IANA name"),
        ("[[group]]\nname='a'\nquiet='10-11'", "group.a.quiet = '10-11': give two different times"),
        ("[[group]]\nname='a'\ncameras=['*']", "group.a.cameras = '*': give a camera, thing/camera or thing/*"),
        ("[[group]]\nname='a'\ncameras=['a b/c']", "give a camera, thing/camera or thing/*"),
        ("[[group]]\nname='a'\nkinds=['ghost']", "group.a.kinds = 'ghost': give one of person"),
        ("[[group]]\nname='a'\nseverity='high'", "group.a.severity = 'high': give one of info, warning, critical"),
        ("[camera_zones]\n'a b' = 'UTC'", "camera_zones = 'a b': name a thing or thing/camera"),
        ("[camera_zones]\na = 'Berlin'", "camera_zones.a = 'Berlin': give an IANA name"),
        ("camera_zones = 1", "camera_zones = 1: write a table"),
        ("people = 1", "subscribers.people = 1: use the keys group, camera_zones"),
        ("[[group", "a file in TOML that can be read"),
    ],
)
def test_a_wrong_file_is_one_complaint_with_key_value_and_remedy(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        read_subscribers(written(tmp_path, text), "UTC")
    assert complaint in str(raised.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("anna@example.org", "anna@example.org"),
        ("Anna.B+cam_1@Example.ORG", "Anna.B+cam_1@Example.ORG"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@BÜCHER.example", "anna@xn--bcher-kva.example"),
        ("anna@bu\u0308cher.example", "anna@xn--bcher-kva.example"),
        ("wei@例子.测试", "wei@xn--fsqu00a.xn--0zwm56d"),
        ("anna@例子。测试", "anna@xn--fsqu00a.xn--0zwm56d"),
        ("anna@xn--bcher-kva.example", "anna@xn--bcher-kva.example"),
    ],
)
def test_a_domain_beyond_ascii_is_written_as_the_name_system_and_sns_know_it(given: str, kept: str) -> None:
    assert email("email", given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "jürgen@example.org",
        "anna\u200b@example.org",
        "\uff41nna@example.org",
        "anna\x00@example.org",
        "用户@例子.测试",
    ],
)
def test_a_name_beyond_ascii_is_refused_with_what_to_do_instead(given: str) -> None:
    with pytest.raises(SettingsError, match="SNS takes only ASCII before the @: give another address of this person"):
        email("email", given)


@pytest.mark.parametrize(
    "given",
    [
        "anna@ex\x7fample.org",
        "anna@exa mple.org",
        "anna@" + "ü" * 70 + ".example",
        "anna@bücher..example",
        "anna@\u200b",
        "anna@bü_cher/x.example",
        "anna@straße.example",  # the older rules make strasse of it: somebody else's domain
        "anna@βόλος.example",
        "anna@bü\u200dcher.example",
        "a" * 65 + "@example.org",
        "anna@" + ".".join(["b" * 60] * 5),
    ],
)
def test_a_domain_that_no_mail_can_go_to_is_refused_in_one_line(given: str) -> None:
    with pytest.raises(SettingsError, match="email") as raised:
        email("email", given)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://bücher.example/hook?x=1", "https://xn--bcher-kva.example/hook?x=1"),
        ("https://bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://example.org/%C3%BC#a", "https://example.org/%C3%BC#a"),
        ("https://[2001:db8::1]/hook", "https://[2001:db8::1]/hook"),
    ],
)
def test_a_url_beyond_ascii_is_written_as_sns_can_call_it(given: str, kept: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"[[group]]\nname='a'\nurls=['{given}']")
    assert read_subscribers(path, "UTC").groups[0].urls == (kept,)


@pytest.mark.parametrize(
    "given", ["https://example.org/ü", "https://straße.example/", "https://e\u200bx.org/", "https://ex.org/\u00a0"]
)
def test_a_url_that_sns_cannot_call_is_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"group\.a\.urls"):
        read_subscribers(written(tmp_path, f"[[group]]\nname='a'\nurls=['{given}']"), "UTC")


def test_one_mailbox_in_two_writings_is_one_subscriber(tmp_path: Path) -> None:
    text = "[[group]]\nname='a'\nemails=['anna@bücher.example','anna@xn--bcher-kva.example']"
    with pytest.raises(SettingsError, match="name each value once"):
        read_subscribers(written(tmp_path, text), "UTC")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", r"is UTF-16; save the file as UTF-8"),
        ("# Jörg\n".encode("latin-1"), r"line 1: holds the byte 0xF6, which is not UTF-8"),
        (b"a = 1\0", r"holds a NUL byte"),
        (b"a = " + b"[" * 100_000, r"can be read"),
        (b"#" * 10_000_001, r"has more than 10000000 bytes"),
    ],
)
def test_a_file_that_is_no_text_is_a_complaint_that_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "subscribers.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"can be read.*{said}|{said}"):
        read_subscribers(path, "UTC")


def test_a_mark_before_the_text_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "subscribers.toml"
    path.write_bytes(b"\xef\xbb\xbf" + written(tmp_path, WHOLE).read_bytes())
    assert read_subscribers(path, "UTC").groups


def test_the_contexts_own_people_are_a_group_beside_those_of_the_file(tmp_path: Path) -> None:
    context = {"subscribers": str(written(tmp_path, WHOLE)), "time_zone": "Europe/Berlin"}
    settings = AlertSettings.from_context(context)
    assert [group.name for group in settings.groups] == ["family", "guards"]
    assert settings.zone_names() == {"Europe/Berlin", "Asia/Shanghai"}
    both = AlertSettings.from_context(context | {"email": "ben@example.org", "language": "zh", "quiet": "21:00-06:00"})
    assert [group.name for group in both.groups] == ["everyone", "family", "guards"]
    assert (both.groups[0].language, both.groups[0].quiet) == (Language.CHINESE, ("21:00", "06:00"))


def test_no_group_of_the_file_may_be_everyone_beside_the_contexts_own(tmp_path: Path) -> None:
    path = written(tmp_path, "[[group]]\nname = 'everyone'")
    assert AlertSettings.from_context({"subscribers": str(path)}).groups == (SubscriberGroup(),)
    with pytest.raises(SettingsError, match="choose another"):
        AlertSettings.from_context({"subscribers": str(path), "email": "ben@example.org"})


def test_more_than_a_functions_environment_holds_is_a_complaint_before_any_deployment() -> None:
    many = tuple(SubscriberGroup(f"group-{number}", cameras=("c" * 60,) * 4) for number in range(9))
    with pytest.raises(SettingsError, match=r"9 groups'?: merge groups or shorten filters: .* bytes, and 3400 fit"):
        audience_of(AlertSettings(groups=many))
    assert audience_of(AlertSettings(groups=many[:4]))
