import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smartcam.console.settings import ConsoleSettings, check_password, read_settings, tls_of
from smartcam.contract.errors import SettingsError
from tools.command_line import ROOT

TLS = {"certificate": "/etc/cert.pem", "key": "/etc/key.pem"}


def test_without_a_word_only_this_device_reaches_the_console() -> None:
    settings = read_settings({})
    assert settings == ConsoleSettings()
    assert settings.is_local
    assert settings.url() == "http://127.0.0.1:8181/"


def test_the_recipe_says_what_the_code_takes_for_granted() -> None:
    recipe = yaml.safe_load((ROOT / "recipes" / "smartcam.Console.yaml").read_text())
    document = recipe["ComponentConfiguration"]["DefaultConfiguration"]
    assert read_settings(document) == ConsoleSettings()
    assert set(document) - {"accessControl"} == {"address", "port", "certificate", "key", "names"}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_addresses_of_this_device_alone_need_neither_tls_nor_password(address: str) -> None:
    settings = read_settings({"address": address})
    assert settings.is_local
    check_password(settings, "sh set-password", is_set=False)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.20", "fe80::1", "2001:db8::1", "8.8.8.8"])  # noqa: S104  what is refused
def test_a_public_address_without_tls_or_password_is_refused_with_the_remedy(address: str) -> None:
    with pytest.raises(
        SettingsError, match=r"address = '.*': needs TLS: set certificate and key, or stay at 127.0.0.1"
    ):
        read_settings({"address": address})
    settings = read_settings({"address": address, **TLS})
    assert settings.url().startswith("https://")
    with pytest.raises(SettingsError, match=r"address = '.*': needs a password: run `sh set-password` on the device"):
        check_password(settings, "sh set-password", is_set=False)
    check_password(settings, "sh set-password", is_set=True)


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"address": "localhost"}, "address"),
        ({"address": "127.0.0.1 "}, "address"),
        ({"address": ""}, "address"),
        ({"address": "127.1"}, "address"),
        ({"port": 80}, "port"),
        ({"port": "x"}, "port"),
        ({"certificate": "/etc/cert.pem"}, "key"),
        ({"key": "/etc/key.pem"}, "certificate"),
        ({"names": 7}, "names"),
        ({"adress": "0.0.0.0"}, "adress"),  # noqa: S104  what is refused
    ],
)
def test_what_is_wrong_is_named_by_its_key(document: Mapping[str, object], key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(document)
    assert refused.value.key == key


def test_numbers_and_lists_are_taken_as_a_nucleus_hands_them_over() -> None:
    settings = read_settings({"port": "9000", "names": ["Yard.LOCAL"], "accessControl": {}})
    assert (settings.port, settings.names) == (9000, ("yard.local",))


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "console")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_that_cannot_be_used_is_named_before_anything_is_opened(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    assert tls_of(ConsoleSettings(certificate=cert, key=key)) is not None
    other = certificate(tmp_path_of(tmp_path, "other"))[1]
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("no PEM")
    for wrong_cert, wrong_key in ((cert, other), (cert, nonsense), (nonsense, key), (tmp_path / "gone", key)):
        with pytest.raises(SettingsError, match=r"certificate = .*: must be a certificate in PEM that belongs to key"):
            tls_of(ConsoleSettings(certificate=wrong_cert, key=wrong_key))


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name
