"""The real Greengrass Development Kit, where it is on PATH: it builds and publishes every component."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from smartcam import __version__
from standins.cloud.local_cloud import LocalCloud
from standins.greengrass_api.components import ComponentCatalogue
from standins.greengrass_api.plane import ACCOUNT, ControlPlane, DeploymentEnd
from standins.greengrass_api.server import serving
from tests.fakes.fleet import digest_in
from tools.command_line import ROOT
from tools.setup import setup_cloud

GDK = shutil.which("gdk")
BUCKET = "smartcam-artifacts-of-tests"

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(GDK is None, reason="the Greengrass Development Kit (gdk) is not on PATH"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), setup_cloud()) as running:
        yield running


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files in another folder: GDK empties greengrass-build/ where it runs."""
    folder = tmp_path_factory.mktemp("clone") / "suite"
    git = shutil.which("git")
    assert git is not None
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        source, target = ROOT / name, folder / name
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    if not (folder / "training" / "bundles" / "demo" / "manifest.json").exists():
        shutil.copytree(ROOT / "training" / "bundles", folder / "training" / "bundles", dirs_exist_ok=True)
    config = json.loads((folder / "gdk-config.json").read_text())
    config["component"]["smartcam.Suite"]["publish"]["bucket"] = BUCKET
    (folder / "gdk-config.json").write_text(json.dumps(config))
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def gdk(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    assert GDK is not None
    ran = subprocess.run(
        [GDK, "component", *arguments], cwd=folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_gdk_builds_the_suite_and_publishes_every_component(cloud: LocalCloud, checkout: Path) -> None:
    storage: Any = cloud.client("s3")
    plane = ControlPlane(
        ComponentCatalogue(lambda bucket, key: digest_in(storage, bucket, key), "eu-west-1", ACCOUNT),
        lambda _: [],
        lambda _, __: DeploymentEnd(),
    )
    with serving(plane.handle) as url:
        # The clone's own sources, wherever the environment's editable install points to.
        own = {"PYTHONPATH": f"{checkout}:{checkout / 'components'}", "SMARTCAM_WHEELS": "none"}
        environment = {**os.environ, **cloud.environment(), **own, "AWS_ENDPOINT_URL_GREENGRASSV2": url}
        gdk(checkout, environment, "build")
        recipes = sorted((checkout / "greengrass-build" / "recipes").iterdir())
        names = [recipe.stem.removesuffix(f"-{__version__}") for recipe in recipes]
        assert len(names) >= 5
        for name in names:
            project = checkout / "build" / "gdk" / name
            gdk(project, environment, "build")
            gdk(project, environment, "publish")
            arn = f"arn:aws:greengrass:eu-west-1:{ACCOUNT}:components:{name}:versions:{__version__}"
            told = plane.handle("DescribeComponent", {"arn": arn})
            told = plane.handle("DescribeComponent", {"arn": arn})
            assert told["status"]["componentState"] == "DEPLOYABLE"
