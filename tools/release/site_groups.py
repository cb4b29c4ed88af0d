"""Things that are deployed to one by one: each has a group of its own, because nucleus lite takes groups only.

Why not the thing itself, nor one document for all: docs/adr/0013-a-site-is-a-group-of-one.md.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from tools.release.aws import Aws, ReleaseError
from tools.release.deployment import OUR_PREFIX, Deployment, Release, WantedComponent, next_deployment
from tools.release.rollout import SITE_GROUP, Part, Stage, ThingGroup, with_latest
from tools.release.sites import Sites

_LONGEST_GROUP: Final = 128


def site_group(thing: str) -> str:
    """The name of the group that holds only this thing. Raises ReleaseError where AWS allows no such name."""
    name = f"{SITE_GROUP}{thing}"
    if len(name) > _LONGEST_GROUP:
        raise ReleaseError(f"{thing}: its name is too long for a group of its own ({name}, at most {_LONGEST_GROUP})")
    return name


def sites_of(things: Sequence[str], aws: Aws) -> dict[str, ThingGroup]:
    """The groups of those things that are deployed to one by one."""
    known = aws.groups_named(SITE_GROUP)
    found = {thing: known[site_group(thing)] for thing in things if f"{SITE_GROUP}{thing}" in known}
    return {thing: with_latest(site_group(thing), arn, (thing,), aws) for thing, arn in found.items()}


def refuse_sites(groups: Sequence[ThingGroup], aws: Aws) -> None:
    """Raises ReleaseError where a thing of a group has a deployment of its own: they would be in each other's way."""
    known = aws.groups_named(SITE_GROUP)
    for group in groups:
        for thing in group.things:
            own = f"{SITE_GROUP}{thing}"
            if own in known and own != group.name:
                raise ReleaseError(
                    f"{thing} of {group.name} has a deployment of its own: use `smartcam deploy --sites`, "
                    f"or --group {own} for this thing only"
                )


def targets_of(group: ThingGroup, aws: Aws) -> list[ThingGroup]:
    """What is deployed to a group's things: their own groups', and the group's own where they have none."""
    sites = {} if group.name.startswith(SITE_GROUP) else sites_of(group.things, aws)
    others = tuple(thing for thing in group.things if thing not in sites)
    rest = [ThingGroup(group.name, group.arn, others, group.latest, group.current)] if others or not sites else []
    return [*sites.values(), *rest]


def plan_sites(groups: Sequence[ThingGroup], release: Release, sites: Sites, aws: Aws) -> list[Stage]:
    """The stages: each thing of a group gets a deployment of its own.

    Raises:
        ReleaseError: when a group itself deploys another version.
    """
    known = sites_of([thing for group in groups for thing in group.things], aws)
    stages = []
    for group in groups:
        ours = our_part(group.current)
        _check_version(group, ours, release)
        parts = []
        for thing in group.things:
            site = known.get(thing)
            if site is None or site.latest is None:
                # Without a deployment it may be without its thing too: an earlier run can have been interrupted there.
                site = ThingGroup(site_group(thing), None, (thing,), None, None)
            before = site.running or ours
            parts.append(Part(site, before, next_deployment(site.current or ours, release, sites[thing])))
        stages.append(Stage(group.name, group.arn or "", group.things, tuple(parts)))
    return stages


def _check_version(group: ThingGroup, ours: Deployment | None, release: Release) -> None:
    for name, wanted in (ours.components if ours else {}).items():
        if wanted.version != release.version:
            raise ReleaseError(
                f"{group.name} itself deploys {name} {wanted.version}, and nucleus lite refuses two versions of a "
                f"component: deploy {release.version} to {group.name} first, without --sites"
            )


def our_part(deployment: Deployment | None) -> Deployment | None:
    """What a deployment holds of the suite; None where that is nothing."""
    found = {} if deployment is None else deployment.components
    ours = {name: wanted for name, wanted in found.items() if name.startswith(OUR_PREFIX)}
    return Deployment(ours) if ours else None


def handed_over(group: ThingGroup) -> Part | None:
    """The group's deployment without the suite, which its things have from their own; None if it is so already."""
    if group.current is None or our_part(group.current) is None:
        return None
    rest: Mapping[str, WantedComponent] = {
        name: WantedComponent(wanted.version, wanted.merge, (), wanted.rest)
        for name, wanted in group.current.components.items()
        if not name.startswith(OUR_PREFIX)
    }
    return Part(group, group.current, Deployment(rest))
