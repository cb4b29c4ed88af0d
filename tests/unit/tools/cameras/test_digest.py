"""The digest is the one of the standard's own examples, and nothing less is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.credentials import CameraCredentials
from tools.cameras.digest import digest_answer

MUFASA = CameraCredentials("Mufasa", "Circle of Life")
REALM = 'realm="http-auth@example.org"'
NONCE = 'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
OPAQUE = 'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
OURS = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_answer_is_that_of_rfc_7616(algorithm: str, response: str) -> None:
    challenge = f'Digest {REALM}, qop="auth, auth-int", algorithm={algorithm}, {NONCE}, {OPAQUE}'
    answer = digest_answer(challenge, MUFASA, "GET", "/dir/index.html", OURS)
    assert f'response="{response}"' in answer
    assert OPAQUE in answer
    assert 'uri="/dir/index.html"' in answer


@pytest.mark.parametrize(
    "challenge",
    [
        f"Basic {REALM}",
        f'Basic {REALM}, {NONCE}, qop="auth"',
        f"Digest {REALM}",
        f"Digest {REALM}, {NONCE}",
        f'Digest {REALM}, {NONCE}, qop="auth-int"',
        f'Digest {REALM}, {NONCE}, qop="auth", algorithm=MD5-sess',
        f'Digest {REALM}, {NONCE}, qop="auth"\x00',
        "",
    ],
)
def test_a_challenge_that_asks_for_less_is_not_answered(challenge: str) -> None:
    assert digest_answer(challenge, MUFASA, "POST", "/", OURS) == ""


@given(st.text(max_size=300))
def test_no_challenge_brings_the_password_or_another_header_out(rest: str) -> None:
    answer = digest_answer(f'Digest nonce="a", qop="auth", {rest}', MUFASA, "POST", "/", OURS)
    assert "Circle of Life" not in answer or "Circle of Life" in rest
    assert answer.isprintable()
