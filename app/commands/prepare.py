"""The data of a sweep's trials: got ready where there is a network, missed before an agent takes a point.

Only this project's trainer is known to need any; what other programs want is their own affair.
"""

from collections.abc import Mapping
from typing import Any

import click

from app.commands import lookup, trainer_rules
from app.commands.target import Joined, Target
from app.training.data_places import DataError
from terms.record import WRONG_USAGE_EXIT_CODE


class NotPrepared(click.ClickException):
    """This machine lacks the data, and an agent here would fail one trial after another. Ends it with exit code 2."""

    exit_code = WRONG_USAGE_EXIT_CODE


def prepare(environment: Mapping[str, str]) -> str:
    """Gets the data ready in DATA_DIR, over a network if need be, and says so in a line.

    Raises:
        DataError: if it cannot be had.
    """
    from app import data  # NumPy comes with it, which most commands do without

    return f"Data: {data.prepare(environment)}"


def prepare_for(sweep: Target, api: Any, environment: Mapping[str, str]) -> str | None:
    """The same, if the trials of this sweep want the data; of one that is there already, the backend says it.

    Raises:
        SettingError: if there is no such sweep.
        DataError: if the data cannot be had.
    """
    asked_for = lookup.sweep(api, sweep.name).config if isinstance(sweep, Joined) else sweep.config.raw
    return prepare(environment) if trainer_rules.runs_trainer(asked_for) else None


def ensure(sweep: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Sees to it that trials of this sweep find their data on this machine, without a network.

    Raises:
        NotPrepared: if they would not.
    """
    if not trainer_rules.runs_trainer(sweep):
        return
    from app import data

    try:
        data.prepare(environment, download=False)
    except DataError as error:
        raise NotPrepared(str(error)) from None
