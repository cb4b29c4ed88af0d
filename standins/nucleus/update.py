"""A deployment that comes while another one runs: what each nucleus does when an installation fails."""

import asyncio
import copy
from collections.abc import Callable

from standins.nucleus.component import uninterrupted
from standins.nucleus.core import NucleusCore
from standins.nucleus.deployment import DeploymentError
from standins.nucleus.runner import Runner


async def update(running: Runner, fresh: Runner, nucleus: NucleusCore, configure: Callable[[], None]) -> Runner:
    """Replace the running deployment, all components at once; returns the runner of whatever runs afterwards.

    Lite installs while the old components run, and stops them only when everything is installed. Where that fails, the
    old processes stay, but the next start of one takes the new recipe's script, and the configuration stays merged.
    Classic stops first, and goes back to the old recipes and configuration (failure policy ROLLBACK).

    Raises:
        DeploymentError: a variable has no value, or classic could not go back.
    """
    go_on = _on_lite if running.rules.in_turn else _on_classic
    return await go_on(running, fresh, nucleus, configure)


async def _on_lite(running: Runner, fresh: Runner, nucleus: NucleusCore, configure: Callable[[], None]) -> Runner:
    configure()
    try:
        fresh.check()
        await fresh.prepare()
    except DeploymentError as error:
        nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=False)
        running.take_recipes(fresh.recipes)
        running.listen()
        return running
    await running.stop()
    fresh.start()
    nucleus.journal.write("deployment_succeeded")
    return fresh


async def _on_classic(running: Runner, fresh: Runner, nucleus: NucleusCore, configure: Callable[[], None]) -> Runner:
    before = copy.deepcopy(nucleus.store.trees)
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
        again = running.unstarted_copy()
        await again.run()
        nucleus.journal.write("deployment_failed", reason=str(error), rolled_back=True)
        return again
    nucleus.journal.write("deployment_succeeded")
    return fresh
