"""What a sweep would do, told before anything is registered: how many runs, which commands, how long."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from statistics import median
from typing import Any

import click

from app.commands import client
from app.commands.client import BackendError
from app.commands.setup import Setup
from app.commands.target import Joined
from app.machine import capacity
from search import suggest
from search.config import ConfigError, SweepConfig
from terms import states

COMMANDS_SHOWN = 10
SEED = 0


def dry_run(setup: Setup, took: Callable[[], list[float]]) -> Iterator[str]:
    """All that DRY=1 tells of the sweep that the settings name; nothing is registered.

    Args:
        took: gives the seconds of earlier runs; called last, since it may have to start a server.

    Raises:
        click.ClickException: if the sweep file is wrong, or the settings name a sweep in place of a file.
    """
    wanted = setup.target()
    if isinstance(wanted, Joined):
        raise click.ClickException("DRY=1 tells of a sweep file, and SWEEP_ID names a sweep that is there already.")
    yield f"Dry run of {wanted.file}: nothing is registered, and no agent starts."
    yield from lines(wanted.config)
    total = size(wanted.config)
    agents = setup.settings.agents or capacity.of_machine(setup.settings, setup.environ).agents(total)[0]
    yield expected(total, agents, took())


def size(config: SweepConfig) -> int | None:
    """How many runs the sweep takes; None if it has no end."""
    return min((limit for limit in (suggest.size(config), config.run_cap) if limit is not None), default=None)


def lines(config: SweepConfig) -> Iterator[str]:
    """The number of runs and the first commands, as `wandb agent` starts them."""
    total = size(config)
    yield "Runs: without an end." if total is None else f"Runs: {total}."
    if config.scheduler is not None:
        yield f"Commands: `wandb sweep-scheduler`, which you start, suggests them, by {config.scheduler.engine}."
        return
    try:
        suggest.ensure_supported(config)
        commands = list(islice(_commands(config), min(total or COMMANDS_SHOWN, COMMANDS_SHOWN)))
    except ConfigError as error:
        yield from (f"Commands: {problem}" for problem in error.problems)
        return
    example = "" if _is_certain(config) else ", as an example; the server decides anew"
    yield f"The first {len(commands)} commands{example}:"
    yield from (f"  {shlex.join(command)}" for command in commands)


def _is_certain(config: SweepConfig) -> bool:
    is_given = config.extension.seed is not None
    return is_given if config.method == "random" or config.extension.shuffle else config.method == "grid"


def _commands(config: SweepConfig) -> Iterator[list[str]]:
    seed = SEED if config.extension.seed is None else config.extension.seed
    for index in count():
        values = suggest.suggest(config, index, seed)
        if values is None:
            return
        yield _command(config, values)


def _command(config: SweepConfig, values: Mapping[str, Any]) -> list[str]:
    """The words that the W&B client's agent makes of a sweep's `command`, made by its own functions."""
    from wandb.sdk.launch.sweeps import utils

    given = utils.create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}})
    words = {**given, "env": ["/usr/bin/env"], "interpreter": ["python"], "program": [config.program or ""]}
    command: list[str] = []
    for word in map(str, utils.create_sweep_command(list(config.command or []))):
        is_macro = word.startswith("${") and word.endswith("}")
        command += words.get(word[2:-1], []) if is_macro else [word]
    return [str(word) for word in command]


def took_s(setup: Setup) -> list[float]:
    """How long each finished run of the settings' project took, as the client measured it.

    None if there is no such project yet, or if no backend answers: a dry run needs neither.
    """
    try:
        api = client.connect(setup.environment(setup.located()))
        project = "/".join(setup.home(api))
        with client.asking():
            runs = list(api.runs(project, per_page=500, lazy=False))
    except (BackendError, ValueError):  # the latter is how the client says that a project is not there
        return []
    found = (run.summary.get("_runtime") for run in runs if run.state == states.FINISHED)
    return [float(seconds) for seconds in found if isinstance(seconds, int | float)]


def expected(total: int | None, agents: int, seconds: list[float]) -> str:
    """A line with the time that the sweep will take, from what runs took before."""
    if not seconds:
        return "Time: unknown until a trial has run."
    each_s = median(seconds)
    earlier = f"a run takes {each_s:.0f} s ({_of(len(seconds))})"
    if total is None:
        return f"Time: {earlier}."
    minutes, rest = divmod(round(-(-total // agents) * each_s), 60)
    return f"Time: about {minutes}:{rest:02} with {agents} at once; {earlier}."


def _of(count: int) -> str:
    return "as the one before" if count == 1 else f"median of {count} earlier ones"
