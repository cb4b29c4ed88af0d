"""Nucleus lite installs a component again when a cloud deployment configures it: nothing of ours suffers."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from measure.demo.device import remove_rings
from smartcam.contract.ids import CameraId
from smartcam.contract.topics import LOCAL_HEALTH, views_topic
from tests.real.hold import processes
from tests.real.standin import StandInHold
from tests.system.footage import first_visitor
from tests.system.rig import CAPTURE, INFERENCE, until, waiting_in
from tests.waiting import PATIENCE_S
from tools.build.suite import DEMO_BUNDLE, ON_DEMAND, Built, build_suite

pytestmark = pytest.mark.slow
CAMERA = CameraId(f"again{os.getpid()}")
WATCHER = "tests.Watcher"
LOOKING = """
import time
from smartcam.contract.view import ViewWatch, encode_view_message, is_view
from smartcam.edge.bus.greengrass import GreengrassBus
bus, topic = GreengrassBus(), "{topic}"
hear = lambda on, payload: (is_view(payload) or on != topic) and print("heard", on, len(payload), flush=True)
for each in ("smartcam/views/+", "smartcam/health"):
    bus.subscribe_local(each, hear)
while True:
    bus.publish_local(topic, encode_view_message(ViewWatch(topic.split("/")[-1])))
    time.sleep(2)
"""


@pytest.fixture
def nucleus(tmp_path: Path) -> Iterator[StandInHold]:
    hold = StandInHold(tmp_path)
    try:
        yield hold
    finally:
        hold.close()
        remove_rings(CAMERA)


def installed(root: Path) -> dict[str, object]:
    """What the Runtime and the Model have put onto the disk: the same folder of packages, the very same bundle."""
    packages = list(root.glob("work/smartcam.Runtime/packages-*"))
    links = [file for folder in packages for file in (folder / "interpreter", folder / "bin" / "python")]
    bundle = [(file, file.stat()) for file in root.glob("work/smartcam.Model/current/*")]
    return {
        **{str(folder): folder.stat().st_ino for folder in packages},
        **{str(file): file.read_text() for file in links},
        **{str(file): (stat.st_ino, stat.st_mtime_ns) for file, stat in bundle},
    }


def deploy(nucleus: StandInHold, built: Built) -> None:
    wanted = {name: built.version for name in (*built.components, WATCHER) if name not in ON_DEMAND}
    outcome = nucleus.deploy(built.recipes, built.artifacts, wanted)
    assert outcome.good, outcome.said


def pids(nucleus: StandInHold) -> set[int]:
    return {each.pid for name, each in processes(nucleus.root).items() if name in {CAPTURE, INFERENCE}}


def add_watcher(built: Built) -> None:
    """A component that looks at the camera and hears how the device is, with the rights for that and no others."""
    code = built.artifacts / INFERENCE / built.version / "smartcam-inference.zip"
    assert code.is_file()
    access = {
        f"{WATCHER}:pubsub:{number}": {
            "operations": [f"aws.greengrass#{operation}"],
            "resources": resources,
        }
        for number, (operation, resources) in enumerate(
            [("PublishToTopic", ["smartcam/views/*"]), ("SubscribeToTopic", ["smartcam/views/*", "smartcam/health"])], 1
        )
    }
    script = f"PYTHONPATH='{code}' exec '{sys.executable}' -c '{LOOKING.format(topic=views_topic(CAMERA))}'"
    recipe = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": WATCHER,
        "ComponentVersion": built.version,
        "ComponentConfiguration": {
            "DefaultConfiguration": {"accessControl": {"aws.greengrass.ipc.pubsub": access}},
        },
        "Manifests": [{"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {"run": {"Script": script}}}],
    }
    (built.recipes / f"{WATCHER}-{built.version}.yaml").write_text(yaml.safe_dump(recipe))


def events(nucleus: StandInHold) -> int:
    return nucleus.log(INFERENCE).count("phase=raised")


def told(nucleus: StandInHold) -> set[str]:
    """On which topics the watcher has heard something that inference says."""
    log = nucleus.log(WATCHER)
    return {topic for topic in (views_topic(CAMERA), LOCAL_HEALTH) if f"heard {topic} " in log}


def test_installing_everything_again_rebuilds_nothing_and_loses_nothing(nucleus: StandInHold, tmp_path: Path) -> None:
    clip = first_visitor(tmp_path / "visitor.mp4")
    built = build_suite(tmp_path / "build", DEMO_BUNDLE)
    add_watcher(built)
    camera = {"path": str(clip), "at_end": "reopen", "start_delay_s": 2}
    nucleus.merges = {"smartcam.Runtime": {"python": sys.executable}, CAPTURE: {"cameras": {CAMERA: camera}}}
    deploy(nucleus, built)
    assert until(lambda: events(nucleus) > 0, PATIENCE_S), nucleus.log(INFERENCE)
    before, old, outbox = installed(nucleus.root), pids(nucleus), nucleus.root / "work" / INFERENCE / "outbox.sqlite3"
    assert len(before) > 3

    nucleus.merges |= {
        CAPTURE: {"cameras": {CAMERA: {**camera, "keep_alive_s": 2}}},
        INFERENCE: {"event_valid_s": 1800},
    }
    waiting, inode, seen = waiting_in(outbox), outbox.stat().st_ino, events(nucleus)
    deploy(nucleus, built)
    assert until(lambda: len(pids(nucleus)) == 2 and not pids(nucleus) & old, PATIENCE_S), nucleus.log(CAPTURE)
    assert installed(nucleus.root) == before
    assert until(lambda: events(nucleus) > seen, PATIENCE_S), nucleus.log(INFERENCE)
    assert outbox.stat().st_ino == inode
    assert waiting_in(outbox) >= waiting > 0
    assert until(lambda: told(nucleus) == {views_topic(CAMERA), LOCAL_HEALTH}, PATIENCE_S), nucleus.log(WATCHER)
    assert "refused" not in nucleus.log(WATCHER)
    assert "subscription_refused" not in nucleus.log(INFERENCE)
    assert "view_not_sent" not in nucleus.log(INFERENCE)
