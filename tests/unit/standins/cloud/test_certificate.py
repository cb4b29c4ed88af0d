"""The certificate is one that strict clients accept, and only for this machine."""

import datetime as dt
import ssl
from pathlib import Path

import pytest

from standins.cloud.certificate import ServerCertificate, make_certificate

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), NOW)


def _shake_hands(server: ServerCertificate, authority: Path, name: str) -> str | None:
    """A whole TLS handshake in memory: the version agreed on. Raises ssl.SSLError when the client refuses."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server.chain, server.key)
    asking = ssl.create_default_context(cafile=str(authority))
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(to_client, to_server, server_hostname=name)
    host = serving.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, host, client, host):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client.version()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_strict_client_accepts_it_for_this_machine(made: ServerCertificate, name: str) -> None:
    assert _shake_hands(made, made.authority, name) == "TLSv1.3"


def test_it_is_refused_for_any_other_name(made: ServerCertificate) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        _shake_hands(made, made.authority, "sns.eu-west-1.amazonaws.com")


def test_another_clouds_authority_does_not_vouch_for_it(made: ServerCertificate, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(made, other.authority, "127.0.0.1")


def test_an_old_one_has_expired(tmp_path: Path) -> None:
    old = make_certificate(tmp_path, NOW - dt.timedelta(days=31))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        _shake_hands(old, old.authority, "127.0.0.1")


def test_the_key_is_its_owners_only_and_a_new_one_replaces_it(tmp_path: Path) -> None:
    first = make_certificate(tmp_path, NOW).key.read_bytes()
    second = make_certificate(tmp_path, NOW)
    assert second.key.stat().st_mode & 0o777 == 0o600
    assert second.key.read_bytes() != first
