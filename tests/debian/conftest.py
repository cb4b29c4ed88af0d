"""A freshly installed Debian for each test, of both releases, with a bundle of `smartcam provision` in its /media."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartcam.contract.ids import ThingName
from tests.debian.machine import RELEASES, Machine, booted, make_bases, why_not
from tools.provision import package
from tools.provision.identity import Certificate, Endpoints


def make_bundle(folder: Path, kind: str) -> None:
    """What a person carries to the device."""
    package.keep_certificate(folder, Certificate("arn:aws:iot:eu-west-1:1:cert/c", b"cert\n", b"key\n"))
    authority = folder.with_suffix(".ca")
    authority.write_text("authority\n")
    endpoints = Endpoints("data.example", "cred.example")
    package.write_package(folder, package.DeviceSettings(ThingName("yard-1"), kind, "eu-west-1", endpoints), authority)


@pytest.fixture(scope="session")
def _bases() -> None:
    if reason := why_not():
        pytest.skip(f"NOT TESTED on a real Debian: {reason}")
    make_bases(lambda line: print(line, flush=True))  # noqa: T201


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """What is handed to the machine."""
    folder = tmp_path / "media"
    folder.mkdir()
    folder.chmod(0o755)
    make_bundle(folder / "yard-1", "lite")
    return folder


@pytest.fixture(params=RELEASES)
def machine(request: pytest.FixtureRequest, media: Path, _bases: None) -> Iterator[Machine]:
    """One that is booted."""
    with booted(request.param, media) as running:
        yield running
