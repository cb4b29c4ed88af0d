import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.homeassistant.settings import HomeAssistantSettings, password_of, read_settings, tls_of


def test_without_anything_no_broker_is_named_and_pictures_stay_here() -> None:
    assert read_settings({}) == HomeAssistantSettings()
    assert not HomeAssistantSettings().host
    assert not HomeAssistantSettings().pictures


def test_lite_delivers_words_and_they_mean_the_same() -> None:
    document = {"host": "broker.lan", "port": "8884", "pictures": "true", "user": "pi", "password_file": "word"}
    expected = HomeAssistantSettings("broker.lan", 8884, None, "pi", Path("word"), pictures=True)
    assert read_settings(document) == expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"host": "mqtts://broker"}, "host = 'mqtts://broker': must be a name or an address alone"),
        ({"host": "pi@broker"}, "host = .*: must be a name or an address alone"),
        ({"host": "two words"}, "host = 'two words': must be a name"),
        ({"host": "brök"}, "host = 'brök': must be a name"),
        ({"port": 0}, "port = 0: must be a whole number from 1 to 65535"),
        ({"user": "pi"}, "password_file = None: must be set, because user is"),
        ({"password_file": "word"}, "user = None: must be set, because password_file is"),
        ({"topic_prefix": "a/+/b"}, r"topic_prefix = 'a/\+/b': must be a topic's beginning"),
        ({"topic_prefix": "a//b"}, "topic_prefix = 'a//b'"),
        ({"topic_prefix": "/a"}, "topic_prefix = '/a'"),
        ({"topic_prefix": ""}, "topic_prefix = ''"),
        ({"discovery_prefix": "#"}, "discovery_prefix = '#'"),
        ({"discovery_prefix": "$SYS"}, r"discovery_prefix = '\$SYS'"),
        ({"pictures": "perhaps"}, "pictures = 'perhaps': must be true or false"),
        ({"password": "12345"}, "password = .*: is not a setting"),
        ({"tls": False}, "tls = False: is not a setting"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(document: Mapping[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_settings(document)


def test_a_password_that_stands_in_the_configuration_is_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({"password": "12345"})
    assert "12345" not in str(refused.value)


@settings(max_examples=30)
@given(
    st.dictionaries(st.sampled_from(["host", "port", "topic_prefix", "user"]), st.text() | st.integers() | st.none())
)
def test_any_document_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        settings = read_settings(document)
    except SettingsError:
        return
    assert not {"+", "#"} & set(settings.topic_prefix)


def password(tmp_path: Path, content: bytes, mode: int = 0o600) -> HomeAssistantSettings:
    path = tmp_path / "word"
    path.write_bytes(content)
    path.chmod(mode)
    return HomeAssistantSettings("broker", user="pi", password_file=path)


def test_the_password_is_the_line_in_the_file(tmp_path: Path) -> None:
    assert password_of(HomeAssistantSettings()) is None
    for content in (b" with spaces ", b" with spaces \n", b" with spaces \r\n"):
        assert password_of(password(tmp_path, content)) == " with spaces "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_password_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(
        SettingsError,
        match=r"password_file = .*word.*: must be readable by its owner only: it has mode 0\d+; make it 0600",
    ):
        password_of(password(tmp_path, b"secret", mode))


def test_a_password_in_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, others = password(tmp_path, b"secret"), os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: others)
    with pytest.raises(SettingsError, match="must be readable by its owner only: it belongs to user") as refused:
        password_of(settings)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"secret\nmore", b"secret\x00", b"\xff\xfesecret", b"secret" * 200])
def test_a_file_that_holds_no_single_line_is_refused_and_nothing_of_it_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SettingsError, match="must hold the password and nothing else") as refused:
        password_of(password(tmp_path, content))
    assert "secret" not in str(refused.value)


def test_neither_a_folder_nor_a_pipe_nor_a_link_is_a_password(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "link").symlink_to(password(tmp_path, b"secret").password_file or "")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", tmp_path / "gone"):
        with pytest.raises(SettingsError, match="password_file = "):
            password_of(HomeAssistantSettings("broker", user="pi", password_file=path))


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("no PEM")
    for path, why in ((tmp_path / "gone", "No such file"), (tmp_path / "nonsense", "no certificate")):
        with pytest.raises(SettingsError, match=f"authority = .*: must be a file with the authority's .*{why}"):
            tls_of(HomeAssistantSettings("broker", authority=path))
    assert tls_of(HomeAssistantSettings("broker")).check_hostname
