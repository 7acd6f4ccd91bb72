"""Which values a sweep tries next: suggestion i is a function of the config, i and the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

from search import grid, random_search
from search.config import ConfigError, SweepConfig
from search.evidence import Run

Strategy = Callable[[SweepConfig, int, int], list[Any] | None]

_STRATEGIES: dict[str, Strategy] = {"grid": grid.values, "random": random_search.values}
_METHODS = (*_STRATEGIES, "bayes")
_ELSEWHERE = "The W&B cloud runs it: set WANDB_API_KEY in .env."


def ensure_supported(config: SweepConfig) -> None:
    """Passes a sweep that this server can run: by `suggest`, or by what a scheduler suggests.

    Raises:
        ConfigError: naming each thing that W&B allows and no engine here does yet.
    """
    problems = tuple(_unsupported(config))
    if problems:
        raise ConfigError(problems)


def size(config: SweepConfig) -> int | None:
    """The number of grid points; None for a search without an end, or whose end its scheduler knows.

    `run_cap` is not applied.
    """
    return grid.size(config) if config.method == "grid" and config.scheduler is None else None


def suggest(config: SweepConfig, index: int, seed: int, runs: Sequence[Run] = ()) -> dict[str, Any] | None:
    """Suggestion `index` of a sweep, the same each time it is asked for.

    Args:
        config: a sweep of the method grid, random or bayes.
        index: from 0.
        seed: the sweep's; any int. A grid depends on it if it is shuffled.
        runs: those that there are so far, for a Bayesian search; the others do not look at them.

    Returns:
        A value for each parameter, nested as the parameters are, as in {"lr": 0.1, "net": {"depth": 3}}, the caller's
        own to change; None past the end of a grid.

    Raises:
        ValueError: if `index` is negative.
    """
    if index < 0:
        raise ValueError(f"index is {index}: suggestions count from 0")
    if config.method == "bayes":
        # Here alone, since every program that checks a sweep file would else wait for numpy and scipy.
        from search import bayes

        values: list[Any] | None = bayes.values(config, index, seed, runs)
    else:
        values = _STRATEGIES[config.method](config, index, seed)
    return None if values is None else config.nested(deepcopy(values))


def _unsupported(config: SweepConfig) -> Iterator[str]:
    if config.method not in _METHODS and config.scheduler is None:
        allowed = ", ".join(_METHODS)
        yield (
            f"method `{config.method}` needs a `scheduler` that suggests, as in {{engine: optuna}}; without one:"
            f" {allowed}."
        )
    if config.controller is not None and config.controller.type == "local":
        yield f"`controller: {{type: local}}` is not served by this server; leave it out. {_ELSEWHERE}"
