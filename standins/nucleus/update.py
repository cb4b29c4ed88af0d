"""A deployment: how each nucleus goes from what runs to what is wanted, and what it does when that fails."""

import asyncio
import copy
from collections.abc import Callable, Sequence

from standins.nucleus.component import uninterrupted
from standins.nucleus.core import NucleusCore
from standins.nucleus.deployment import DeploymentError
from standins.nucleus.packages import remove_others
from standins.nucleus.recipe import Recipe
from standins.nucleus.runner import Runner

Configure = Callable[[], None]
"""Brings the deployment's configuration into the store."""


async def update(
    running: Runner, recipes: Sequence[Recipe], reconfigured: frozenset[str], nucleus: NucleusCore, configure: Configure
) -> Runner:
    """Replace the running deployment; returns the runner of whatever runs afterwards.

    `reconfigured` are the components that the deployment itself gives a configuration.

    Raises:
        DeploymentError: a variable has no value, or classic could not go back.
    """
    if not running.rules.in_turn:
        return await _on_classic(running, recipes, nucleus, configure)
    try:
        await deploy_on_lite(running, recipes, reconfigured, nucleus, configure)
    except DeploymentError as error:
        nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=False)
    return running


async def deploy_on_lite(
    running: Runner, recipes: Sequence[Recipe], reconfigured: frozenset[str], nucleus: NucleusCore, configure: Configure
) -> None:
    """Install while the old components run, stop those that change when everything is installed, start the new ones.

    Then wait for each to run or to have ended well; only after that what is not wanted any more is removed. Nothing
    goes back: where an installation fails, the old processes are without a unit and the configuration stays merged.

    Raises:
        DeploymentError: a variable has no value, or an installation fails for good.
    """
    configure()
    await running.change(recipes, reconfigured)
    try:
        await running.settle(recipes)
    except DeploymentError as error:
        nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=False)
        return
    await running.drop_others(recipes)
    await asyncio.to_thread(remove_others, nucleus.device.root, recipes)
    nucleus.journal.write("deployment_succeeded")


async def _on_classic(running: Runner, recipes: Sequence[Recipe], nucleus: NucleusCore, configure: Configure) -> Runner:
    """Stop first, and go back to the old recipes and configuration (failure policy ROLLBACK) where that fails."""
    before = copy.deepcopy(nucleus.store.trees)
    fresh = running.unstarted(recipes)
    configure()
    await running.stop()
    try:
        await fresh.run()
    except asyncio.CancelledError:
        await uninterrupted(fresh.stop())
        raise
    except DeploymentError as error:
        await fresh.stop()
        nucleus.store.trees = before
        again = running.unstarted(running.recipes)
        await again.run()
        nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=True)
        return again
    nucleus.journal.write("deployment_succeeded")
    return fresh
