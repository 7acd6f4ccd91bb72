"""W&B's own client inside this process: opened on the chosen backend, its errors in one line.

An error is a `BackendError` while an answer may yet come, and `Refused` if the same would be answered again.
"""

import http
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from terms.record import WRONG_USAGE_EXIT_CODE

# What W&B's client says of its helper, which waits for the backend and asks it again until the time is over.
NO_ANSWER = "did not respond in time"
# What it says where there is no such thing, at times without a status.
NOT_FOUND = "Could not find"
NO_MESSAGE = "<no message>"
# Statuses below 500 that pass: Request Timeout, Too Early, Too Many Requests.
PASSING = (408, 425, 429)

KEY = "The key is that of WANDB_API_KEY or WANDB_API_KEY_FILE in .env; it is to be this server's."
NOT_TRUSTED = "its certificate is not trusted here"
TRUST = "SSL_CERT_FILE in .env names a file with the certificate of the CA that signed it."


class BackendError(click.ClickException):
    """The backend gives no answer that could be used; it may yet."""


class Refused(BackendError):
    """The backend answers, and would answer the same if it were asked again. Ends a command with exit code 2.

    It does not accept the key, has not what was asked for, or its certificate is not trusted here.

    Attributes:
        missing: it answered that there is no such thing.
    """

    exit_code = WRONG_USAGE_EXIT_CODE

    def __init__(self, message: str, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing


def connect(environment: Mapping[str, str]) -> Any:
    """Opens a `wandb.Api` on the backend of `environment`, which becomes this process's own.

    Raises:
        BackendError: with the client's reason; `Refused` if it is not to pass.
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
        raise _explained(error, wandb.setup().settings.base_url) from None


def _explained(error: Exception, url: str) -> BackendError:
    """Tells what the backend's own answer says, or why there is none."""
    import wandb
    from wandb.sdk.lib.service.service_connection import WandbApiFailedError

    # Opening the client wraps the answer; a key that can be none is refused before anybody is asked.
    asked = error.__cause__ if isinstance(error.__cause__, WandbApiFailedError) else error
    response = getattr(asked, "response", None)
    status = getattr(response, "http_status", 0) or 0
    text = " ".join((getattr(response, "message", "") or str(error)).split())
    if NO_ANSWER in text:
        return BackendError(f"{url}: no answer in time")
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        return Refused(f"{url}: {_worded(text, status)}. {KEY}")
    if 300 <= status < 500 and status not in PASSING:
        return Refused(f"{url}: {_worded(text, status)}", missing=status == http.HTTPStatus.NOT_FOUND)
    if "x509:" in text:
        return Refused(f"{url}: {NOT_TRUSTED}, {text[text.index('x509:') :]}. {TRUST}")
    if NOT_FOUND in text or (isinstance(error, wandb.errors.AuthenticationError) and asked is error):
        return Refused(f"{url}: {text}", missing=NOT_FOUND in text)
    return BackendError(f"{url}: {text}")


def _worded(text: str, status: int) -> str:
    return f"HTTP {status}" if text == NO_MESSAGE else f"{text} (HTTP {status})"
