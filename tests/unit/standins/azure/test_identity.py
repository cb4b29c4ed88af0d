"""Whom the hub believes."""

from urllib.parse import quote

import pytest

from standins.azure.identity import ModuleIdentity

IDENTITY = ModuleIdentity("yard-1", "smartcam", "hub.example", "1", b"key")
OTHERS = {
    "another module": ModuleIdentity("yard-1", "other", "hub.example", "1", b"key"),
    "another device": ModuleIdentity("yard-2", "smartcam", "hub.example", "1", b"key"),
    "another key": ModuleIdentity("yard-1", "smartcam", "hub.example", "1", b"other"),
}


def token(identity: ModuleIdentity, expiry: str) -> str:
    resource = quote(identity.resource, safe="")
    signature = quote(identity.sign(f"{resource}\n{expiry}".encode()), safe="")
    return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}"


def test_a_token_of_the_module_is_believed_until_it_expires() -> None:
    assert IDENTITY.is_token(token(IDENTITY, "1000"), 999.0)
    assert not IDENTITY.is_token(token(IDENTITY, "1000"), 1000.0)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_token_of_somebody_else_is_not_believed(other: ModuleIdentity) -> None:
    assert not IDENTITY.is_token(token(other, "1000"), 1.0)


def test_a_token_whose_expiry_was_changed_is_not_believed() -> None:
    assert not IDENTITY.is_token(token(IDENTITY, "1000").replace("se=1000", "se=9000"), 1.0)


@pytest.mark.parametrize(
    "text", ["", "SharedAccessSignature ", "password", token(IDENTITY, "soon"), token(IDENTITY, "")]
)
def test_what_is_no_token_is_not_believed(text: str) -> None:
    assert not IDENTITY.is_token(text, 1.0)
