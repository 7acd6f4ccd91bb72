"""What can be set from outside: the variables, their defaults and what they may hold; the one reader of `.env`.

A variable of the process comes first, then the file named by ENV_FILE, then the default, as in Compose. An empty
value counts as none. The three variables that choose a backend are `app.backend`'s and come from the file alone.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import click
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from terms.record import WRONG_USAGE_EXIT_CODE

ENV_FILE = "ENV_FILE"
DEFAULT_ENV_FILE = ".env"
WAYS = "SSL_CERT_(FILE|DIR)|(HTTP|HTTPS|ALL|NO)_PROXY"  # how servers are reached, and whom a client trusts
PROCESS_ENVIRONMENT = "-"  # as ENV_FILE: a container's engine has read the file already

T = TypeVar("T")


class SettingError(click.ClickException):
    """Values that cannot be used: one line each, with what is allowed. Ends a command with exit code 2."""

    exit_code = WRONG_USAGE_EXIT_CODE

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))


def _absolute(value: str) -> Path:
    return Path(value).expanduser().absolute()


def _absolute_or_none(value: str) -> Path | None:
    return _absolute(value) if value else None


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch("[0-9]{1,6}", value) or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return parse


def _minutes(value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", value) or float(value) > 10_000:
        raise ValueError("minutes from 0 to 10000, as 30 or 0.5")
    return float(value)


def _switch(value: str) -> bool:
    if value not in ("", "0", "1"):
        raise ValueError("1 or nothing")
    return value == "1"


def _or_auto(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """None for "auto", else what `parse` makes of it."""

    def parse_or_auto(value: str) -> T | None:
        if value == "auto":
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"auto, or {error}") from None

    return parse_or_auto


def _on_or_off(value: str) -> bool:
    if value not in ("0", "1"):
        raise ValueError("0 or 1")
    return value == "1"


def _project(value: str) -> str:
    if len(value) > 128 or re.search(r"[/\\#?%:]", value):
        raise ValueError(r"at most 128 characters, none of / \ # ? % :")
    return value


def _label(value: str) -> str:
    if len(value) > 64 or not value.isprintable():
        raise ValueError("at most 64 characters, in one line")
    return value


def _sweep_id(value: str) -> str:
    if value and not re.fullmatch("[^/]+/[^/]+/[^/]+", value):
        raise ValueError("entity/project/id, as a sweep's page and `wandb sweep` show it")
    return value


def web_address(value: str) -> str:
    """Gives an http(s) address without its trailing slash; "" stays "".

    Raises:
        ValueError: with what is allowed.
    """
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError("an address like http://192.168.1.20:8080")
    return value.rstrip("/")


def _outside(value: str) -> str:
    if value and not re.fullmatch(r"https?://([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?/?", value, re.ASCII):
        raise ValueError("an address like https://sweeps.example:8443, with nothing behind the port")
    return value.rstrip("/")


def _networks(value: str) -> str:
    try:
        for part in filter(None, value.split(",")):
            ipaddress.ip_network(part.strip())
    except ValueError:
        raise ValueError("IP addresses and networks with commas between, as 10.0.0.2,172.16.0.0/12") from None
    return value


def _receiver(value: str) -> str:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        fits = False
    if value and not (fits and re.fullmatch("[!-~]+", value)):
        raise ValueError("an http or https address, as https://chat.example/hooks/TOKEN, without name and password")
    return value


def ip_address(value: str) -> str:
    """Gives an IP address as it is: what a name of this machine leads to, others may see otherwise.

    Raises:
        ValueError: with what is allowed.
    """
    try:
        ipaddress.ip_address(value)
    except ValueError:
        raise ValueError("an IP address of this machine, as 192.168.1.20, or 0.0.0.0 for all of them") from None
    return value


def _variable(default: str, parse: Callable[[str], T], secret: bool = False) -> T:
    """A field of `Settings`: its default, and what reads its text or raises ValueError with what is allowed.

    Args:
        secret: no text repeats what it holds.
    """
    return cast(T, field(metadata={"variable": (default, parse)}, repr=not secret))


@dataclass(frozen=True)
class Settings:
    """Every setting but the backend's, read and checked. A field is the variable of its name in capitals.

    Attributes:
        sweep: the sweep's file, relative to the project's root.
        new: a label; another label registers another sweep from an unchanged file.
        dry: whether only to tell what would be done.
        sweep_id: "entity/project/id" of an existing sweep to join, or "".
        agents: how many at once; None leaves it to the machine.
        threads: of TensorFlow, for each trial; None gives it its share of the cores.
        host: the IP address on which the embedded server listens.
        port: its port there; 0 takes a free one.
        data_dir: absolute; holds all that is written.
        database_dir: where the embedded server keeps its database; None is in `data_dir`.
        server_url: where the embedded server answers; "" means as it says itself in `data_dir`.
        public_url: its address outside, as behind a proxy; "" means there too.
        trusted_proxies: addresses and networks of proxies in front of it, with commas between.
        insecure: whether other machines may come to it without TLS.
        fashion_mnist_dir: directory of the data set's files; "" looks in the usual places.
        wandb_project: the sweep's project.
        wandb_entity: the team or user that owns it; "" is the account's own.
        warm: whether trials start from a process that has imported TensorFlow already.
        xla: whether TensorFlow compiles the training step; None leaves it to Keras, which does so on GPUs.
        deterministic: whether a GPU is held to operations whose results repeat.
        keep_weights: whether each finished run keeps its final model as an artifact.
        checkpoint_s: the shortest time between two checkpoints of a trial.
        stop_on_nan: whether a trial ends at once when its loss is no number.
        no_progress_min: a trial that does no step for so long is ended; 0 never does.
        gpu_slots: trials at once on each GPU.
        gpu_slots_dir: where they tell one another which slots are taken; None is a folder of this machine's.
        gpu_memory_mib: of a GPU for each trial; None shares it out by the slots.
        wait_s: how long an agent waits for a backend that gives no answer, or for its sweep to be registered.
        agent_silent_s: after so long without a word from an agent and from its run, the run is given up.
        run_missing_s: the same for a run that its living agent does not know any more.
        run_orphan_s: the same for a run that no agent started.
        keep_system_metrics_days: so long after a run's end the server keeps all of its system metrics; 0 always does.
        keep_console_days: the same for its console.
        max_upload_mib: the largest file that the server takes; 0 for any size.
        spare_mib: what uploads leave free of the server's disk.
        notify_url: what the server tells of ends of sweeps and of alerts; it finds that in its environment.
    """

    sweep: Path = _variable("sweeps/layer_size.yaml", Path)
    new: str = _variable("", _label)
    dry: bool = _variable("", _switch)
    sweep_id: str = _variable("", _sweep_id)
    agents: int | None = _variable("auto", _or_auto(_whole_number(1, 1000)))
    threads: int | None = _variable("auto", _or_auto(_whole_number(1, 1024)))
    host: str = _variable("127.0.0.1", ip_address)
    port: int = _variable("8080", _whole_number(0, 65535))
    data_dir: Path = _variable("data", _absolute)
    database_dir: Path | None = _variable("", _absolute_or_none)
    server_url: str = _variable("", web_address)
    public_url: str = _variable("", _outside)
    trusted_proxies: str = _variable("", _networks)
    insecure: bool = _variable("", _switch)
    fashion_mnist_dir: str = _variable("", str)
    wandb_project: str = _variable("wandb-sweep-practice", _project)
    wandb_entity: str = _variable("", str)
    warm: bool = _variable("1", _on_or_off)
    xla: bool | None = _variable("auto", _or_auto(_on_or_off))
    deterministic: bool = _variable("1", _on_or_off)
    keep_weights: bool = _variable("1", _on_or_off)
    checkpoint_s: int = _variable("30", _whole_number(0, 86_400))
    stop_on_nan: bool = _variable("1", _on_or_off)
    no_progress_min: float = _variable("30", _minutes)
    gpu_slots: int = _variable("2", _whole_number(1, 64))
    gpu_slots_dir: Path | None = _variable("", _absolute_or_none)
    gpu_memory_mib: int | None = _variable("auto", _or_auto(_whole_number(64, 999_999)))
    wait_s: int = _variable("600", _whole_number(0, 604_800))
    agent_silent_s: int = _variable("60", _whole_number(5, 86_400))
    run_missing_s: int = _variable("15", _whole_number(5, 86_400))
    run_orphan_s: int = _variable("300", _whole_number(5, 86_400))
    keep_system_metrics_days: int = _variable("0", _whole_number(0, 36_500))
    keep_console_days: int = _variable("0", _whole_number(0, 36_500))
    max_upload_mib: int = _variable("0", _whole_number(0, 999_999_999))
    spare_mib: int = _variable("256", _whole_number(0, 999_999_999))
    notify_url: str = _variable("", _receiver, secret=True)


VARIABLES: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    each.name.upper(): each.metadata["variable"] for each in fields(Settings)
}


SECRET = frozenset(each.name.upper() for each in fields(Settings) if not each.repr)


@dataclass(frozen=True)
class Trial:
    """What whoever starts a trial tells it alone.

    Attributes:
        run_id: its run's at W&B; None if W&B is to make one.
        in_sweep: whether an agent of W&B's started it for a sweep.
        project: of a run outside of sweeps.
        offline: whether W&B's client is to keep the run to itself.
        progress_file: to be renewed whenever the trial gets ahead; None if nobody looks.
        last_words_file: for what W&B's client cannot tell of the trial's end any more; None if nobody looks.
    """

    run_id: str | None
    in_sweep: bool
    project: str
    offline: bool
    progress_file: Path | None
    last_words_file: str | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Trial":
        """Reads the environment of a trial."""
        progress_file = environ.get("TRIAL_PROGRESS_FILE")
        return cls(
            run_id=environ.get("WANDB_RUN_ID") or None,
            in_sweep=bool(environ.get("WANDB_SWEEP_ID")),
            project=environ.get("WANDB_PROJECT") or VARIABLES["WANDB_PROJECT"][0],
            offline=environ.get("WANDB_MODE") == "offline",
            progress_file=Path(progress_file) if progress_file else None,
            last_words_file=environ.get("TRIAL_LAST_WORDS_FILE") or None,
        )


# What only make reads, and what only Compose does.
FOR_MAKE = ("PYTHON", "TRAINER", "COVERAGE")
FOR_CONTAINERS = (
    *("COMPOSE_FILE", "GPU_COUNT", "AGENT_MEMORY", "BASE_IMAGE", "IMAGE_DIGEST"),
    *("TLS_NAME", "TLS_PORT", "TLS_ISSUER", "CADDY_IMAGE"),
)

# What a trial and its thin parent read from their own environment.
FOR_TRIALS = (
    *("WARM", "XLA", "DETERMINISTIC", "KEEP_WEIGHTS", "CHECKPOINT_S", "STOP_ON_NAN", "NO_PROGRESS_MIN"),
    *("GPU_SLOTS", "GPU_SLOTS_DIR", "GPU_MEMORY_MIB"),
)


def read_env_file(environ: Mapping[str, str]) -> dict[str, str]:
    """Reads the file named by ENV_FILE, `.env` by default, which need not be there.

    Raises:
        SettingError: if ENV_FILE names a file that is not there, or a line of the file sets nothing.
    """
    name = environ.get(ENV_FILE) or DEFAULT_ENV_FILE
    if name == PROCESS_ENVIRONMENT:
        return dict(environ)
    if not Path(name).is_file() and name != DEFAULT_ENV_FILE:
        raise SettingError(f"ENV_FILE is {name!r}: there is no such file.")
    try:
        _ensure_read(name)
        return {key: value or "" for key, value in dotenv_values(name).items()}
    except UnicodeDecodeError:
        raise SettingError(f"{name} cannot be read: it is no UTF-8 text.") from None


def _ensure_read(name: str) -> None:
    """Tells the first line that sets nothing, without what it holds: that may be a key."""
    if not Path(name).is_file():
        return
    with open(name, encoding="utf-8") as file:
        wrong = next((line for line in parse_stream(file) if line.error), None)
    if wrong:
        raise SettingError(
            f"{name}:{wrong.original.line}: this is no NAME=value, or a quote that opens there never closes."
        )


def read(environ: Mapping[str, str], env_file: Mapping[str, str]) -> Settings:
    """Reads and checks every setting.

    Raises:
        SettingError: with all problems at once.
    """
    values: dict[str, Any] = {}
    problems = []
    for name, (default, parse) in VARIABLES.items():
        text = _of_process(name, environ) or env_file.get(name) or default
        try:
            values[name.lower()] = parse(text)
        except ValueError as error:
            told = "not fit, and may hold a secret" if name in SECRET else repr(text)
            problems.append(f"{name} is {told}; allowed: {error}.")
    if problems:
        raise SettingError(*problems)
    return Settings(**values)


def _of_process(name: str, environ: Mapping[str, str]) -> str:
    """A variable of the process. Some shells and compilers put a name into HOST, which nobody means for us."""
    value = environ.get(name, "")
    meant = name != "HOST" or f"HOST={value}" in environ.get("MAKEFLAGS", "") or re.match(r"[0-9.]+$|[^/]*:", value)
    return value if meant else ""


def one_environment(environ: Mapping[str, str], env_file: Mapping[str, str]) -> dict[str, str]:
    """The process's variables, and those of `.env` that it lacks; which `WANDB_*` count is for the backend to say."""
    return {**{name: value for name, value in env_file.items() if not name.startswith("WANDB_")}, **environ}


def shadowed(environ: Mapping[str, str], env_file: Mapping[str, str]) -> list[str]:
    """Ways to a server that `.env` names and the shell has otherwise, for machines export them unasked: a line each."""
    return [
        f"{name} of the shell comes before that of .env, which is another."  # and may hold a password
        for name in sorted(env_file)
        if re.fullmatch(WAYS, name, re.IGNORECASE) and environ.get(name, env_file[name]) != env_file[name]
    ]


def misspelt(environ: Mapping[str, str], env_file: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names on make's command line that are none of ours, and names in `.env` that are almost one: a line each."""
    names = [*VARIABLES, ENV_FILE, *FOR_MAKE, *FOR_CONTAINERS, *known]
    typed = set(_typed_to_make(environ.get("MAKEFLAGS", "")))
    told = {name: _nearest(name, names) for name in sorted(typed.union(env_file).difference(names))}
    return [
        f"{name} is no setting and has no effect. Did you mean {near}?"
        if near
        else f"{name} is no setting; .env.example lists them. What is started here finds it in its environment."
        for name, near in told.items()
        if near or (name in typed and not re.fullmatch(WAYS, name, re.IGNORECASE))
    ]


def _typed_to_make(flags: str) -> list[str]:
    """The variables of make's command line, which stand behind its options; a space in a value has a backslash."""
    return re.findall(r"(?<!\S)(\w+)=(?:\\.|\S)*", flags.partition("-- ")[2])


def _nearest(name: str, names: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.8)), None)
