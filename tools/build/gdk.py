"""One project of the Greengrass Development Kit for each component, because GDK takes one component a project."""

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Final

from tools.build.archive import link_or_copy
from tools.build.own_folder import empty_own
from tools.build.suite import Built, read_project

# GDK empties greengrass-build/ before it runs this: the files come from the suite's build.
_BUILD: Final = """#!/bin/sh
# Lays the component out again from the suite's build; run by `gdk component build`.
set -eu
cd "$(dirname "$0")"
mkdir -p greengrass-build/recipes greengrass-build/artifacts/{component}/{version}
cp recipe.yaml greengrass-build/recipes/recipe.yaml
for file in {artifacts}/*; do
    [ ! -f "$file" ] || cp "$file" greengrass-build/artifacts/{component}/{version}/
done
"""


def write_projects(built: Built, folder: Path, suite_project: Path) -> tuple[Path, ...]:
    """Write `<folder>/<component>/` with gdk-config.json, recipe.yaml, build.sh and greengrass-build/.

    `suite_project` is the suite's own gdk-config.json: author, bucket, region and GDK's version come from it.
    """
    suite = read_project(suite_project)
    empty_own(folder, lambda name: name.startswith("smartcam."))
    projects = []
    for component in built.components:
        project = folder / component
        project.mkdir(parents=True)
        config = {
            "component": {
                component: {
                    "author": suite.author,
                    "version": built.version,
                    "build": {"build_system": "custom", "custom_build_command": ["sh", "build.sh"]},
                    "publish": dict(suite.publish),
                }
            },
            "gdk_version": suite.gdk_version,
        }
        (project / "gdk-config.json").write_text(json.dumps(config, indent=2) + "\n")
        shutil.copyfile(built.recipe(component), project / "recipe.yaml")
        _lay_out(built, component, project)
        projects.append(project)
    return tuple(projects)


def _lay_out(built: Built, component: str, project: Path) -> None:
    source = built.artifacts / component / built.version
    artifacts_folder = shlex.quote(os.path.relpath(source.resolve(), start=project.resolve()))
    script = _BUILD.format(component=component, version=built.version, artifacts=artifacts_folder)
    (project / "build.sh").write_text(script)
    recipes = project / "greengrass-build" / "recipes"
    recipes.mkdir(parents=True)
    shutil.copyfile(built.recipe(component), recipes / "recipe.yaml")
    artifacts = project / "greengrass-build" / "artifacts" / component / built.version
    artifacts.mkdir(parents=True)
    for artifact in built.artifacts_of(component):
        link_or_copy(artifact, artifacts / artifact.name)
