"""A device that has nothing but a build, until its cloud hears of an event: run by test_from_the_build, offline.

python -m tests.system.offline_device FOLDER BUILD CLIP
"""

import sys
from pathlib import Path

from tests.system.lone_site import Site
from tests.system.rig import until
from tests.unit.standins.nucleus.broker import Broker, make_papers
from tests.waiting import PATIENCE_S
from tools.build.suite import find_built

INSTALLING_S = 600.0


def main() -> None:
    folder, build, clip = map(Path, sys.argv[1:])
    papers = make_papers(folder)
    with Broker(papers) as broker:
        # No `python`: the Runtime installs what it carries.
        site = Site("lite", folder / "lite", find_built(build), clip, papers, broker, python="")
        try:
            site.start(site.built.version)
            assert until(lambda: site.events() > 0, INSTALLING_S), site.logs()
            assert until(lambda: any(topic.endswith("/event") for topic, _ in list(broker.published)), PATIENCE_S)
        finally:
            site.stop()


if __name__ == "__main__":
    main()
