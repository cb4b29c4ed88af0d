"""The deployment manifest and the image's description: what can be said of them without Azure and without Docker."""

import json
from pathlib import Path
from typing import Any

import pytest

from standins.azure.twins import Properties
from targets.azure.twin import report

AZURE = Path(__file__).resolve().parents[4] / "targets" / "azure"


@pytest.fixture
def manifest() -> dict[str, Any]:
    loaded = json.loads((AZURE / "deployment.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded["modulesContent"]  # type: ignore[no-any-return]


def test_the_settings_of_the_manifest_are_taken_by_a_twin_and_by_the_components(manifest: dict[str, Any]) -> None:
    desired = Properties()
    desired.patch(manifest["smartcam"]["properties.desired"])
    said: Any = report(desired.document())["settings"]
    assert (said["capture"]["refused"], said["inference"]["refused"], said["refused"]) == ([], [], [])


def test_every_output_has_a_route_and_the_hub_keeps_messages_on_its_disk(manifest: dict[str, Any]) -> None:
    hub = manifest["$edgeHub"]["properties.desired"]
    outputs = {route.split("/outputs/")[1].split()[0] for route in hub["routes"].values()}
    assert outputs == {"event", "health"}
    assert hub["storeAndForwardConfiguration"]["timeToLiveSecs"] >= 7 * 86_400
    system = manifest["$edgeAgent"]["properties.desired"]["systemModules"]["edgeHub"]
    folder = system["env"]["storageFolder"]["value"]
    (bind,) = json.loads(system["settings"]["createOptions"])["HostConfig"]["Binds"]
    assert bind.endswith(f":{folder}")


def test_the_module_may_do_nothing_that_it_need_not(manifest: dict[str, Any]) -> None:
    (module,) = manifest["$edgeAgent"]["properties.desired"]["modules"].values()
    host = json.loads(module["settings"]["createOptions"])["HostConfig"]
    assert module["restartPolicy"] == "always"
    assert (host["CapDrop"], host["ReadonlyRootfs"], host["SecurityOpt"]) == (["ALL"], True, ["no-new-privileges"])
    assert not {"Privileged", "PortBindings", "CapAdd"} & set(host)
    assert host["Binds"] == ["smartcam:/var/lib/smartcam"]


def test_the_image_runs_without_root_and_has_a_health_check() -> None:
    lines = (AZURE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    commands = [line.split()[0] for line in lines if line[:1].isupper()]
    assert commands.index("USER") < commands.index("ENTRYPOINT")
    assert "HEALTHCHECK" in commands
    assert "USER smartcam" in lines
    assert "EXPOSE" not in commands
    assert any("--require-hashes" in line for line in lines)
