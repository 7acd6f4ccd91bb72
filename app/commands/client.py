"""W&B's own client inside this process: opened on the chosen backend, its errors in one line."""

import http
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click


class BackendError(click.ClickException):
    """The backend does not answer, does not accept the key, or has not what was asked for.

    Attributes:
        missing: it answered that there is no such thing.
    """

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


def connect(environment: Mapping[str, str]) -> Any:
    """Opens a `wandb.Api` on the backend of `environment`, which becomes this process's own.

    Raises:
        BackendError: with the client's reason.
    """
    os.environ.clear()
    os.environ.update(environment)
    # It reads the environment when it is imported.
    import wandb

    wandb.setup(wandb.Settings(silent=True))
    with asking():
        return wandb.Api()


@contextmanager
def asking() -> Iterator[None]:
    """Turns whatever W&B's client raises inside into a `BackendError` that says why in one line."""
    import wandb
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    try:
        yield
    except (wandb.Error, WandbApiFailedError) as error:
        response = getattr(error, "response", None)
        text = " ".join((getattr(response, "message", "") or str(error)).split())
        if "did not respond in time" in text:  # what it calls busy is its own helper, which waits for the backend
            text = "no answer in time"
        missing = getattr(response, "http_status", None) == http.HTTPStatus.NOT_FOUND
        raise BackendError(f"{wandb.setup().settings.base_url}: {text}", missing) from None
