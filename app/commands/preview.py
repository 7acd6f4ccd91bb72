"""What a sweep would do, told before anything is registered: how many runs, which commands, how long."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from statistics import fmean
from typing import Any

import click

from app.commands import client, trainer_rules
from app.commands.client import BackendError
from app.commands.setup import Setup
from app.commands.target import Joined
from app.config import TrialConfig
from app.machine import capacity
from search import suggest, time_left
from search.config import ConfigError, SweepConfig
from search.time_left import Stretch
from terms import states

COMMANDS_SHOWN = 10
# Enough to tell how many epochs the runs of a sweep have on average.
RUNS_LOOKED_AT = 200
SEED = 0


def dry_run(setup: Setup, earlier: Callable[[], list[Stretch]]) -> Iterator[str]:
    """All that DRY=1 tells of the sweep that the settings name; nothing is registered.

    Args:
        earlier: gives the runs of before; called last, since it may have to start a server.

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
    yield expected(total, agents, earlier(), epochs(wanted.config))


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
    return (_command(config, values) for values in _points(config))


def _points(config: SweepConfig) -> Iterator[Mapping[str, Any]]:
    seed = SEED if config.extension.seed is None else config.extension.seed
    for index in count():
        values = suggest.suggest(config, index, seed)
        if values is None:
            return
        yield values


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


def epochs(config: SweepConfig) -> float | None:
    """How many epochs the sweep's runs have on average, if nothing stops them; None where that is not known."""
    try:
        suggest.ensure_supported(config)
        asked = [values.get("epochs") for values in islice(_points(config), RUNS_LOOKED_AT)]
    except ConfigError:
        return None
    numbers = [number for number in asked if isinstance(number, int | float)]
    if numbers:
        return fmean(numbers)
    is_ours = trainer_rules.runs_trainer({"command": config.command, "program": config.program})
    return TrialConfig.model_fields["epochs"].default if is_ours else None


def earlier(setup: Setup) -> list[Stretch]:
    """Each finished run of the settings' project, as long as the client measured it.

    None if there is no such project yet, or if no backend answers: a dry run needs neither.
    """
    try:
        api = client.connect(setup.environment(setup.located()))
        project = "/".join(setup.home(api))
        with client.asking():
            runs = list(api.runs(project, per_page=500, lazy=False))
    except (BackendError, ValueError):  # the latter is how the client says that a project is not there
        return []
    return [
        Stretch(0.0, float(took_s), False, run.summary.get("epoch"), run.config.get("epochs"))
        for run in runs
        if run.state == states.FINISHED and isinstance(took_s := run.summary.get("_runtime"), int | float)
    ]


def expected(total: int | None, agents: int, runs: Sequence[Stretch], asked: float | None = None) -> str:
    """A line with the time that the sweep will take, by the formula of its page.

    Args:
        runs: those of before.
        asked: how many epochs a run has.
    """
    if not runs:
        return "Time: unknown until a trial has run."
    alike = [_with_epochs(run, asked) for run in runs[-time_left.LAST_RUNS :]]
    before = "as the one before" if len(alike) == 1 else f"mean of {len(alike)} earlier ones"
    by_epochs = ", by epochs" if alike != list(runs[-time_left.LAST_RUNS :]) else ""
    each = f"a run takes {fmean(run.took_s for run in alike):.0f} s ({before}{by_epochs})"
    left_s = None if total is None else time_left.seconds_left(alike, total, agents, least_ended=1)
    if left_s is None:
        return f"Time: {each}."
    minutes, rest = divmod(round(left_s), 60)
    return f"Time: about {minutes}:{rest:02} with {agents} at once; {each}."


def _with_epochs(run: Stretch, asked: float | None) -> Stretch:
    """The run as long as it would have taken with so many epochs."""
    done = run.epochs if isinstance(run.epochs, int | float) else None
    if not done or not asked:
        return run
    return replace(run, until_s=run.begin_s + run.took_s * asked / done, epochs=asked, asked=asked)
