from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.credentials import CameraCredentials, address, read_credentials
from smartcam.contract.errors import CameraLost

URL = "rtsp://192.0.2.7:554/stream?channel=1"
SECRET = "hunter2-Secret"  # noqa: S105  made up


def written(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path = folder / "gate.credentials"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_user_and_password_are_taken_as_they_stand(tmp_path: Path) -> None:
    read = read_credentials(written(tmp_path, "user=viewer\npassword= a=b#c \n"))
    assert (read.user, read.password) == ("viewer", " a=b#c ")


def test_nothing_of_them_is_printed(tmp_path: Path) -> None:
    read = read_credentials(written(tmp_path, f"user=viewer\npassword={SECRET}"))
    assert f"{read} {read!r}" == "CameraCredentials() CameraCredentials()"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o777])
def test_a_file_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, f"user=viewer\npassword={SECRET}", mode)
    with pytest.raises(CameraLost, match=f"credentials {path}: has mode {mode:04o}; make it 0600"):
        read_credentials(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"user=viewer",
        f"password={SECRET}",
        b"user=\npassword=\n",
        b"\xff\xfe",
        b"user=a\npassword=\x07",
        "x" * 5000,
    ],
)
def test_a_file_that_does_not_say_both_is_refused_without_showing_it(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(CameraLost, match=r"must hold the lines user=\.\.\. and password=") as caught:
        read_credentials(written(tmp_path, content))
    assert SECRET not in str(caught.value)


def test_a_missing_file_a_folder_and_a_link_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CameraLost, match="No such file"):
        read_credentials(tmp_path / "missing")
    with pytest.raises(CameraLost, match="is not a plain file"):
        read_credentials(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(written(tmp_path, "user=a\npassword=b"))
    with pytest.raises(CameraLost, match="credentials"):
        read_credentials(link)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "user=a\npassword=b")
    owner = path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(CameraLost, match=f"belongs to user {owner}, not to {owner + 1}"):
        read_credentials(path)


@given(st.text(min_size=1, max_size=8).filter(lambda text: ":" not in text), st.text(min_size=1, max_size=8))
def test_whatever_they_hold_the_address_leads_to_the_same_camera(user: str, password: str) -> None:
    try:
        target = urlsplit(address(URL, CameraCredentials(user, password)))
    except (CameraLost, UnicodeEncodeError):
        return
    assert (target.hostname, target.port, target.path, target.query) == ("192.0.2.7", 554, "/stream", "channel=1")
    assert (unquote(target.username or ""), unquote(target.password or "")) == (user, password)


def test_a_camera_may_want_them_inside_its_address() -> None:
    url = "rtsp://192.0.2.7/user={user}&password={password}&channel=1"
    assert address(url, CameraCredentials("a b", "c&d")) == "rtsp://192.0.2.7/user=a%20b&password=c%26d&channel=1"


@pytest.mark.parametrize(("user", "password"), [("a:b", "Zq9"), ("a", "p" * 120), ("a", "ü" * 30)])
def test_what_ffmpeg_would_cut_off_or_misread_is_refused_without_showing_it(user: str, password: str) -> None:
    with pytest.raises(CameraLost, match="too long, or their user holds a colon") as caught:
        address(URL, CameraCredentials(user, password))
    assert password not in str(caught.value)
