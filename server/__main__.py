"""`python -m server`: the embedded sweep server. The only reader of its flags and environment."""

import errno
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from server.commands.backup import backup, compact, restore
from server.commands.delete import delete, empty
from server.commands.environment import env
from server.commands.users import audit, team, user
from server.commands.verify import verify
from server.data_directory import InUseError, held, note_address, opened, used
from server.greeting import Place, export_lines, greeting, readable_by_others, refusal
from server.keys import OneTimeLinks, load_keys
from server.neighbour import neighbour
from server.notices.post import receiver
from server.reached import OWN_MACHINE, Network, proxies, public_address
from server.settings import Settings
from server.standby import stand_by
from terms import typed

ROOT = Path(__file__).parents[1]
DEFAULT_PORT = 8080
MIB = 1024 * 1024
# In `.env`, each of these sends runs to another server.
ELSEWHERE = ("WANDB_API_KEY", "WANDB_API_KEY_FILE", "WANDB_BASE_URL")


def _silence(flag: str, default_s: float, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for how long somebody may say nothing, in seconds."""
    return click.option(flag, default=default_s, show_default=True, type=click.FloatRange(min=0), help=text)


def _retention(flag: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option for how long something is kept whole, in days."""
    told = f"So many days after a run's end, 0 for ever, keep all of its {text}"
    return click.option(flag, default=0, show_default=True, type=click.IntRange(min=0), help=told)


def _read_by(
    parse: Callable[[str], Any], secret: bool = False
) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Reads what an option holds, if anything, by what raises ValueError with what is allowed."""

    def read(context: click.Context, option: click.Parameter, value: str | None) -> Any:
        try:
            return parse(value) if value else None
        except ValueError as error:
            told = f"{option.envvar} is not fit, and may hold a secret" if secret else repr(value)
            raise click.BadParameter(f"{told}; allowed: {error}.") from None

    return read


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option("--insecure", is_flag=True, envvar="INSECURE", help="Let other machines come without TLS.")
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
@_retention("--keep-system-metrics-days", "system metrics; then a sample of them is left.")
@_retention("--keep-console-days", "console; then its beginning and its end are left.")
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
@click.option(
    "--notify-url",
    envvar="NOTIFY_URL",
    callback=_read_by(receiver, secret=True),
    help="Is told of each end of a sweep and each alert by a POST. Better given by NOTIFY_URL: others see flags.",
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
    insecure: bool,
    show_env: bool,
    standby: bool,
    agent_silent_s: float,
    run_missing_s: float,
    run_orphan_s: float,
    keep_system_metrics_days: int,
    keep_console_days: int,
    max_upload_mib: int,
    spare_mib: int,
    notify_url: str | None,
) -> None:
    """Serve W&B sweeps from one directory, with no account and no network."""
    if context.invoked_subcommand is not None:
        return
    named = [name for name in ELSEWHERE if os.environ.get(name)] if standby else []
    if named:
        with listening(host, port) as listener:
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
            keep_system_metrics_days=keep_system_metrics_days,
            keep_console_days=keep_console_days,
            max_upload_bytes=max_upload_mib * MIB,
            spare_bytes=spare_mib * MIB,
            notify_url=notify_url,
            python=typed.python(sys.executable, ROOT, os.environ.get(typed.TYPED_AS)),
        )
        try:
            serve(settings, host, port, show_env, api_key_file, insecure)
        except InUseError as refused:
            _greet_again(settings, host, port, show_env, refused)


def _greet_again(settings: Settings, host: str, port: int, show_env: bool, refused: InUseError) -> None:
    """What the server that is at work would say, if it answers: a fresh link, and the export lines."""
    with used(settings.data):
        there = neighbour(settings.data)
    try:
        link = there.link() if there else ""
    except (OSError, ValueError, LookupError):
        link = ""
    if there is None or not link:
        raise refused
    shown = "" if readable_by_others(sys.stdout.fileno()) else link
    print("\n".join(there.greeting(settings.data, host, port, shown, show_env)), flush=True)


class InClearError(click.ClickException):
    """That other machines would come without TLS; exit code 2, as for any wrong flag."""

    exit_code = 2


def serve(
    settings: Settings,
    host: str,
    port: int,
    show_env: bool,
    api_key_file: Path | None = None,
    insecure: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        click.ClickException: the port is taken, the data directory is in use or cannot be used, there is no key in
            the file, or other machines would come without TLS, which `insecure` allows.
    """
    from server.app import create_app  # these take a second, which `env` and `verify` need not wait for
    from server.connections import Connections, most_connections, raise_descriptors
    from server.program import Program

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with held(settings), listening(host, port) as listener:
        place = Place(listener.getsockname()[0], listener.getsockname()[1], settings.public_url)
        if place.open_in_clear and not insecure:
            raise InClearError(refusal(place))
        with used(settings.data):
            keys, database = load_keys(settings.data, api_key_file), opened(settings)
        links = OneTimeLinks(settings.link_lifetime_s)
        try:
            believed = (*OWN_MACHINE, *map(str, settings.trusted_proxies))
            most = most_connections(raise_descriptors())
            connections = Connections(most, settings.trusted_proxies)
            own_url = settings.public_url or place.url
            program = Program(create_app(database, settings, keys, links, own_url=own_url), believed, connections)
            program.end_on_signals()
            note_address(settings, place, keys.api_key)
            login = "" if readable_by_others(sys.stdout.fileno()) else f"/login?token={links.make()}"
            exports = export_lines(place.url_to_export, keys.api_key) if show_env else []
            print("\n".join([*greeting(place, settings.data, login), *exports]), flush=True)
            program.run(sockets=[listener])
        finally:
            database.close()


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that waits for clients, with port 0 at a free one.

    An answer has its head and its body in packets of their own, of which the second would wait until the client
    acknowledges the first, some 40 ms: asyncio sees to that only for sockets that it makes itself.

    Raises:
        ClickException: it cannot listen there.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        advice = "give another --port, or 0 for a free one" if taken else "give --host an address of this machine"
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}; {advice}") from error
    with listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits that
        yield listener


for command in (env, verify, user, team, audit, delete, empty, backup, restore, compact):
    main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
