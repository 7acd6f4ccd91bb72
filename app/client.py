"""W&B's own client inside this process: opened on the chosen backend, its errors in one line."""

import http
import os
from collections.abc import Mapping
from typing import Any

import click


class UnreachableError(click.ClickException):
    """The backend does not answer, or does not accept the key."""


def connect(environment: Mapping[str, str]) -> Any:
    """Opens a `wandb.Api` on the backend of `environment`, which becomes this process's own.

    Raises:
        UnreachableError: with the client's reason.
    """
    os.environ.clear()
    os.environ.update(environment)
    # It reads the environment when it is imported.
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    try:
        return wandb.Api()
    except Exception as error:
        raise UnreachableError(f"{environment['WANDB_BASE_URL']}: {reason(error)}") from None


def reason(error: Exception) -> str:
    """The client's message in one line."""
    response = getattr(error, "response", None)
    text = getattr(response, "message", "") or str(error) or type(error).__name__
    return " ".join(text.split())


def is_missing(error: Exception) -> bool:
    """Whether the client says that what was asked for does not exist, however the backend put it."""
    status = getattr(getattr(error, "response", None), "http_status", None)
    return isinstance(error, ValueError) or status == http.HTTPStatus.NOT_FOUND
