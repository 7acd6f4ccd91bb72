"""`python -m server`: the embedded sweep server. The only reader of its flags and environment."""

import errno
import fcntl
import json
import logging
import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from server import verify as verifier
from server.greeting import Place, greeting, readable_by_others
from server.keys import KeyFileError, OneTimeLinks, load_keys
from server.reached import OWN_MACHINE, Network, proxies, public_address
from server.settings import Settings
from server.standby import stand_by
from server.store import locks
from server.store.database import Database, reading

ADDRESS_FILE = "server.json"
DEFAULT_PORT = 8080
MIB = 1024 * 1024
# In `.env`, each of these sends runs to another server.
ELSEWHERE = ("WANDB_API_KEY", "WANDB_API_KEY_FILE", "WANDB_BASE_URL")


class DataError(click.ClickException):
    """Why a data directory cannot be used, in one line; exit code 2, as for any wrong flag."""

    exit_code = 2


def _silence(flag: str, default_s: float, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for how long somebody may say nothing, in seconds."""
    return click.option(flag, default=default_s, show_default=True, type=click.FloatRange(min=0), help=text)


def _read_by(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Reads what an option holds, if anything, by what raises ValueError with what is allowed."""

    def read(context: click.Context, option: click.Parameter, value: str | None) -> Any:
        try:
            return parse(value) if value else None
        except ValueError as error:
            raise click.BadParameter(f"{value!r}; allowed: {error}.") from None

    return read


@click.group(invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one."
)
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path), help="What is kept.")
@click.option(
    "--database",
    "database_dir",
    type=click.Path(path_type=Path),
    help="A folder for the database, where --data is on a shared disk without locks.",
)
@click.option(
    "--public-url",
    envvar="PUBLIC_URL",
    callback=_read_by(public_address),
    help="The address outside, of links and of files; default: as each client came.",
)
@click.option(
    "--trusted-proxies",
    envvar="TRUSTED_PROXIES",
    callback=_read_by(proxies),
    help="Addresses and networks of reverse proxies, with commas between; those on this machine are trusted anyway.",
)
@click.option(
    "--api-key-file",
    type=click.Path(path_type=Path, readable=False),
    help="Holds the key to take, in place of one made on the first start.",
)
@click.option("--show-env", is_flag=True, help="Print the two export lines (they hold the key).")
@click.option("--standby", is_flag=True, help="Only answer health checks where WANDB_* sends runs elsewhere.")
@_silence(
    "--agent-silent-s",
    Settings.agent_silent_s,
    "After so many seconds without a word an agent is gone, and its runs that are as silent are given up.",
)
@_silence(
    "--run-missing-s",
    Settings.run_missing_s,
    "A run that its living agent no longer has, and that sent no end, is given up after so many seconds.",
)
@_silence(
    "--run-orphan-s",
    Settings.run_orphan_s,
    "A run that no agent started is given up after so many seconds without a word.",
)
@click.option(
    "--max-upload-mib",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="The largest file that may be uploaded; 0 for any size.",
)
@click.option(
    "--spare-mib",
    default=Settings.spare_bytes // MIB,
    show_default=True,
    type=click.IntRange(min=0),
    help="What uploads leave free of the disk, for the database.",
)
@click.pass_context
def main(
    context: click.Context,
    host: str,
    port: int,
    data: Path,
    database_dir: Path | None,
    public_url: str | None,
    trusted_proxies: tuple[Network, ...] | None,
    api_key_file: Path | None,
    show_env: bool,
    standby: bool,
    agent_silent_s: float,
    run_missing_s: float,
    run_orphan_s: float,
    max_upload_mib: int,
    spare_mib: int,
) -> None:
    """Serve W&B sweeps from one directory, with no account and no network."""
    if context.invoked_subcommand is not None:
        return
    named = [name for name in ELSEWHERE if os.environ.get(name)] if standby else []
    if named:
        with _listening(host, port) as listener:
            stand_by(listener, f"The embedded server is not needed: runs go elsewhere ({', '.join(named)}).")
    else:
        settings = Settings(
            data=data,
            database_dir=database_dir.absolute() if database_dir else None,
            public_url=public_url,
            trusted_proxies=trusted_proxies or (),
            agent_silent_s=agent_silent_s,
            run_missing_s=run_missing_s,
            run_orphan_s=run_orphan_s,
            max_upload_bytes=max_upload_mib * MIB,
            spare_bytes=spare_mib * MIB,
        )
        serve(settings, host, port, show_env, api_key_file)


@main.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def env(data: Path) -> None:
    """Print the export lines that make any W&B program use this server: eval "$(python -m server env)"."""
    address = data / ADDRESS_FILE
    if not address.exists():
        raise click.ClickException(f"no server has run in {data}: start one with `python -m server --data {data}`")
    told = json.loads(address.read_text())
    with _used(data):
        print_env(told.get("url_to_export") or told["url"], load_keys(data).api_key)


@main.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def verify(data: Path) -> None:
    """Recompute every point from the ledger's record and say whether the ledger holds; exit code 0 or 1."""
    path = _noted_database(data) or Settings(data=data).database
    if not path.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to verify")
    with _used(data), reading(path) as connection:
        verdict = verifier.verify(connection)
    for problem in verdict.problems:
        print(problem)
    by_outcome = ", ".join(f"{verdict.points[name]} {name}" for name in verifier.OUTCOMES if name in verdict.points)
    total = sum(verdict.points.values())
    print(f"{verdict.sweeps} sweeps, {total} points: {by_outcome or 'none'}; {verdict.attempts} attempts")
    print(
        "The ledger holds." if not verdict.problems else f"The ledger does not hold: {len(verdict.problems)} problems."
    )
    sys.exit(1 if verdict.problems else 0)


def serve(settings: Settings, host: str, port: int, show_env: bool, api_key_file: Path | None = None) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        click.ClickException: the port is taken, the data directory is in use or cannot be used, or there is no key in
            the file.
    """
    from server.app import create_app  # these take a second, which `env` and `verify` need not wait for
    from server.program import Program

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with _data_directory(settings), _listening(host, port) as listener:
        with _used(settings.data):
            keys, database = load_keys(settings.data, api_key_file), Database(settings.database)
        links = OneTimeLinks(settings.link_lifetime_s)
        try:
            place = Place(listener.getsockname()[0], listener.getsockname()[1], settings.public_url)
            believed = (*OWN_MACHINE, *map(str, settings.trusted_proxies))
            program = Program(create_app(database, settings, keys, links), believed)
            program.end_on_signals()
            _note_address(settings, place)
            login = "" if readable_by_others(sys.stdout.fileno()) else f"/login?token={links.make()}"
            print("\n".join(greeting(place, settings.data, login)), flush=True)
            if show_env:
                print_env(place.url_to_export, keys.api_key)
            program.run(sockets=[listener])
        finally:
            database.close()


def print_env(url: str, api_key: str) -> None:
    """Prints what any W&B program needs to use this server."""
    print(f"export WANDB_BASE_URL={url}", flush=True)
    print(f"export WANDB_API_KEY={api_key}", flush=True)


@contextmanager
def _data_directory(settings: Settings) -> Iterator[None]:
    """Makes the directories and holds a lock: two servers on one database would both believe to be the only one."""
    data, database = settings.data, settings.database
    with _used(data):
        for folder in (data, database.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        locks.ensure(database.parent)
        descriptor = os.open(database.with_name("lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    with open(descriptor, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = database.parent
            raise click.ClickException(f"another server is using {where}; stop it or give another --data") from None
        _ensure_not_elsewhere(data, database)
        yield


def _ensure_not_elsewhere(data: Path, database: Path) -> None:
    noted = _noted_database(data)
    if noted and noted != database and noted.exists():
        raise DataError(f"the database of {data} is {noted}: give --database {noted.parent}, or move it to {database}")


def _noted_database(data: Path) -> Path | None:
    """Where the last server of this data directory had its database; None if that was in it."""
    try:
        return Path(json.loads((data / ADDRESS_FILE).read_text())["database"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


@contextmanager
def _used(data: Path) -> Iterator[None]:
    """Says in one line why a data directory cannot be used."""
    try:
        yield
    except KeyFileError as error:
        raise DataError(str(error)) from error
    except locks.NoLocksError as error:
        advice = "give --database (DATABASE_DIR) a folder on a disk of this machine; the rest may stay"
        raise DataError(f"no database can be kept in {error}, whose disk has no locks that work: {advice}") from error
    except OSError as error:
        raise DataError(f"cannot use {data} as data directory: {error.strerror or error}") from error
    except sqlite3.Error as error:
        path = Settings(data=data).database
        raise DataError(f"cannot use the database {path}: {error}; give another --data, or restore it") from error


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        advice = "give another --port, or 0 for a free one" if taken else "give --host an address of this machine"
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}; {advice}") from error
    with listener:
        yield listener


def _note_address(settings: Settings, place: Place) -> None:
    data = settings.data
    urls = {"url": place.url, "url_to_export": place.url_to_export}
    told = {**urls, "pid": os.getpid(), "started_at_s": time.time()}
    if settings.database_dir:
        told["database"] = str(settings.database)
    temporary = data / f".{ADDRESS_FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(told) + "\n")
    temporary.replace(data / ADDRESS_FILE)


if __name__ == "__main__":
    sys.exit(main())
