"""Where the sweep lives: the embedded server, the W&B cloud or another W&B-compatible server.

Only `.env` chooses. A key that happens to be exported, or to lie in `~/.netrc` or the W&B client's own settings, never
sends a sweep anywhere: programs that speak to a backend get an environment made here, in which nothing of that is left.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from app.machine import device, place
from app.settings import (
    ENV_FILE,
    FOR_TRIALS,
    PROCESS_ENVIRONMENT,
    SECRET,
    VARIABLES,
    SettingError,
    Settings,
    web_address,
)

API_KEY = "WANDB_API_KEY"
API_KEY_FILE = "WANDB_API_KEY_FILE"
BASE_URL = "WANDB_BASE_URL"
CHOOSING = (API_KEY, API_KEY_FILE, BASE_URL)

# The certificates by which all of W&B's client checks a server, but its reading of artifacts, which `requests` does.
TRUSTED, TRUSTED_BY_REQUESTS = "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"

# Where a container's engine puts what WANDB_API_KEY_FILE names on its machine.
MOUNTED_KEY = Path("/run/secrets/wandb_api_key")

NO_PROXY = ("no_proxy", "NO_PROXY")  # some read the one, some the other

CLOUD_URL = "https://api.wandb.ai"
EMBEDDED: Final = "embedded"


@dataclass(frozen=True)
class Backend:
    """The server that the sweep's programs talk to.

    Attributes:
        kind: which of the three.
        base_url: its address; "" for an embedded server until it has said its own.
        api_key: its key; "" likewise.
        reason: why it was chosen, for the first line printed.
    """

    kind: Literal["embedded", "cloud", "server"]
    reason: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)

    @property
    def identity(self) -> str:
        """What tells two backends apart; an embedded server stays itself when its port changes."""
        return self.kind if self.kind == EMBEDDED else self.base_url


def choose(env_file: Mapping[str, str]) -> Backend:
    """Chooses by the values of `.env` alone.

    Raises:
        SettingError: if `.env` names a server without its key, an address that is none, or a key file without a key.
    """
    url = env_file.get(BASE_URL, "")
    key, source = _key(env_file)
    if not key and not url:
        return Backend(EMBEDDED, "the embedded server: .env sets no WANDB_API_KEY, so no account and no network")
    if not url:
        return Backend("cloud", f"the W&B cloud: .env sets {source}", CLOUD_URL, key)
    if not key:
        raise SettingError(
            f"{BASE_URL} is set in .env but {API_KEY} is not: that server wants its key. "
            "An embedded server has its own in DATA_DIR/server/api-key."
        )
    try:
        return Backend("server", f"{url}: .env sets WANDB_BASE_URL", web_address(url), key)
    except ValueError as error:
        raise SettingError(f"{BASE_URL} is {url!r}; allowed: {error}.") from None


def _key(env_file: Mapping[str, str]) -> tuple[str, str]:
    """Returns the key and the variable that it came by; a key in a file does not show in `docker inspect`."""
    key, name = env_file.get(API_KEY, "").strip(), env_file.get(API_KEY_FILE, "")  # a secret is often a whole line
    if key or not name:
        return key, API_KEY
    path = MOUNTED_KEY if env_file.get(ENV_FILE) == PROCESS_ENVIRONMENT else Path(name).expanduser()
    try:
        key = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"{API_KEY_FILE} is {name!r}: {error.strerror}, for user {os.getuid()}.") from None
    except UnicodeDecodeError:
        raise SettingError(f"{API_KEY_FILE} is {name!r}: it is no UTF-8 text.") from None
    if not key:
        raise SettingError(f"{API_KEY_FILE} is {name!r}: the file is empty.")
    return key, API_KEY_FILE


def ignored(environ: Mapping[str, str], env_file: Mapping[str, str]) -> list[str]:
    """Names the exported variables that would have chosen another backend, had they counted."""
    return [name for name in CHOOSING if environ.get(name) and environ[name] != env_file.get(name)]


def environment(
    backend: Backend, settings: Settings, environ: Mapping[str, str], env_file: Mapping[str, str]
) -> dict[str, str]:
    """Builds the environment of every program that speaks to the backend.

    The process's variables come first, then `.env`, except that `WANDB_*` counts only from `.env`.

    Args:
        backend: with address and key.
        environ: the process's own environment.
        env_file: the values of `.env`; its other variables reach the trials, as Compose hands them on.
    """
    values = {
        **{name: value for name, value in env_file.items() if name != "WANDB_ENTITY"},
        **{name: value for name, value in environ.items() if not name.startswith("WANDB_")},
        **{name: environ.get(name) or env_file.get(name) or VARIABLES[name][0] for name in FOR_TRIALS},
        **_wandb(backend, settings, env_file),
        "DATA_DIR": str(settings.data_dir),
        "THREADS": str(settings.threads or "auto"),
        "PYTHONHASHSEED": "0",
        # The sweeps' command says `python`: this program's own, whatever else is installed.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)]),
    }
    if backend.kind == EMBEDDED:
        values |= _directly(urlsplit(backend.base_url).hostname, values)
    if host := place.of_job(environ):
        values.setdefault("WANDB_HOST", host)
    if values.get(TRUSTED):
        values.setdefault(TRUSTED_BY_REQUESTS, values[TRUSTED])
    for name in SECRET:  # the server's own
        values.pop(name, None)
    device.configure(values)
    return values


def _directly(host: str | None, values: Mapping[str, str]) -> dict[str, str]:
    """Keeps the clients' proxies away from the embedded server, which lies where they seldom reach."""
    given = {name: values.get(name, "") for name in NO_PROXY}
    if not host or "*" in given.values() or not any(name.lower().endswith("_proxy") for name in values):
        return {}
    either = next(filter(None, given.values()), "")
    return {name: ",".join(filter(None, [value or either, host])) for name, value in given.items()}


def _wandb(backend: Backend, settings: Settings, env_file: Mapping[str, str]) -> dict[str, str]:
    values = {
        API_KEY: backend.api_key,
        BASE_URL: backend.base_url,
        "WANDB_PROJECT": settings.wandb_project,
        "WANDB_DIR": str(settings.data_dir),
        # `wandb login` may have left another server's address and a team in the user's own settings.
        "WANDB_CONFIG_DIR": str(settings.data_dir / "wandb-config"),
        "WANDB_ERROR_REPORTING": "false",
        # Three failures in the first minute end an agent; the embedded server has counted each already.
        "WANDB_AGENT_DISABLE_FLAPPING": "true",
    }
    if backend.kind == EMBEDDED:
        # A link must open on the user's machine, also when the agents know the server by another name.
        values["WANDB_APP_URL"] = settings.public_url or backend.base_url
        # The server tries failed trials again and stops a sweep that cannot work; its agents need not give up before.
        values["WANDB_AGENT_MAX_INITIAL_FAILURES"] = "1000000"
    elif settings.wandb_entity:  # the embedded server has one user; a team of the cloud is none of its
        values["WANDB_ENTITY"] = settings.wandb_entity
    return values
