"""`python -m app`: the commands that run a sweep. The only reader of their environment."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from app.commands import agent as agents
from app.commands import best, check, client, embedded, follow, lookup, prepare, preview, register, replay, slurm, visit
from app.commands.progress import Progress
from app.commands.report import terminal
from app.commands.results import Reader
from app.commands.setup import Setup
from app.commands.up import LOOK_S, Job
from app.machine import capacity, device
from app.machine.children import Interrupts, Stopped, leave
from app.settings import ip_address
from app.training import reproduce
from search.json_schema import json_schema


class Commands(click.Group):
    """Tells an error that speaks for itself in a line, in place of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, click.ClickException | click.exceptions.Exit) or not hasattr(error, "exit_code"):
                raise
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)


def _ip_address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    try:
        return ip_address(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r}; allowed: {error}.") from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run a W&B sweep. What to run and where is set by variables: .env.example lists them all."""


@main.command()
@click.option("--dry-run", is_flag=True, help="Tell what would run, and how long; register nothing. The same as DRY=1.")
def up(dry_run: bool) -> None:
    """Do the whole job on this machine: server, sweep, agents, results."""
    setup = _read(DRY="1") if dry_run else _read()
    _say(*setup.notes())
    sys.exit(Job(setup).run())


@main.command()
@click.option(
    "--host", metavar="IP", callback=_ip_address, help="Address to listen on, for other machines. HOST=IP does too."
)
@click.option("--insecure", is_flag=True, help="Let other machines come without TLS. INSECURE=1 does too.")
def serve(host: str | None, insecure: bool) -> None:
    """Start the embedded server alone and print what makes any W&B program use it."""
    given = ({"HOST": host} if host else {}) | ({"INSECURE": "1"} if insecure else {})
    setup = _read(**given)
    _say(*setup.misspelt(), err=True)
    settings = setup.settings
    watched = sys.stdout.isatty()  # the lines with the key are for a person's eyes, not for a log
    if not watched:
        click.echo(f"For W&B programs, in any folder of this machine: {embedded.exports_command(settings)}")
        sys.stdout.flush()
    command = embedded.command(settings, *(["--show-env"] if watched else []))
    os.execv(command[0], command)


@main.command("open")
@click.argument("sweep", required=False)
def open_page(sweep: str | None) -> None:
    """Open a SWEEP's page in the browser; print a link to it where there is none.

    SWEEP is entity/project/id, the address of the sweep's page, or its id; without it, the sweep of the settings, or
    the list of sweeps while there is none.
    """
    setup = _setup(err=True)
    api = client.connect(setup.environment(setup.located()))
    if sweep or not setup.embedded or setup.target().find(api):
        url = setup.page(_reader(setup, api, sweep).read().url)
    else:
        url = setup.page("")
    if not visit.visit(url, setup.settings.data_dir, setup.environ):
        click.echo(f"Dashboard: {url}{' (opens once)' if setup.embedded else ''}")


@main.command("prepare")
def prepare_data() -> None:
    """Get the data ready in DATA_DIR, where there is a network: trials and agents download nothing."""
    setup = _read()
    _say(*setup.misspelt(), err=True)
    if setup.settings.dry:
        _say("Dry run: nothing is prepared.")
        return
    _say(prepare.prepare(setup.environment(setup.backend)))


@main.command("slurm")
def show_slurm() -> None:
    """Print the lines that run the sweep on a Slurm cluster, filled in for this checkout."""
    setup = _read()
    _say(*setup.misspelt(), err=True)
    for line in slurm.lines(setup, os.getcwd(), slurm.addresses()):
        click.echo(line)


@main.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="json is for programs.")
@click.option("--portable", is_flag=True, help="Refuse the key that only this project's server heeds.")
def check_files(files: tuple[Path, ...], form: str, portable: bool) -> None:
    """Check sweep files: exit code 2 if there is a mistake. Nothing runs."""
    checked = {path: check.check(path, portable) for path in files}
    for line in [check.as_json(checked)] if form == "json" else check.lines(checked):
        click.echo(line)
    sys.exit(check.exit_code(checked))


@main.command()
def schema() -> None:
    """Print the JSON Schema of sweep files, which docs/sweep.schema.json holds for editors."""
    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@main.command("register")
def register_sweep() -> None:
    """Register the sweep, unless it is there already."""
    setup = _setup(first=True)
    _say(device.idle_gpu(setup.environ), capacity.crowded(setup.environ), reproduce.stale())
    if setup.settings.dry:
        _say(*preview.dry_run(setup, lambda: preview.earlier(setup)))
        return
    target = setup.target()
    environment = setup.environment(setup.located())
    api = client.connect(environment)
    _say(prepare.prepare_for(target, api, environment))
    path, new = register.register(api, target, environment, setup.settings.data_dir)
    results = Reader(api, path).read()
    _say(register.standing(results, new), register.code_changed(results), setup.dashboard(results.url))


@main.command()
def agent() -> None:
    """Run one agent: wait for the sweep, work for it, end when it is done."""
    setup = _setup()
    _say(device.missing_gpu(setup.environ), device.without_cuda(setup.environ))
    if setup.settings.dry:
        _say("Dry run: no agent starts.")
        return
    with Interrupts() as interrupts:
        try:
            sys.exit(agents.run(setup, interrupts, click.echo))
        except Stopped as stopped:
            sys.exit(128 + stopped.signum)


@main.command("report")
@click.argument("sweep", required=False)
@click.option("--wait", is_flag=True, help="Wait until the sweep is over; progress goes to stderr.")
def show_report(sweep: str | None, wait: bool) -> None:
    """Print a SWEEP's best runs and why others failed; write report.html, results.csv, results.json.

    SWEEP is entity/project/id, the address of the sweep's page, or its id; without it, the sweep of the settings.
    """
    setup = _setup(err=True)
    if wait and setup.settings.dry:
        _say("Dry run: there is nothing to wait for.")
        return
    api = client.connect(setup.environment(setup.located()))
    reader = _reader(setup, api, sweep)
    results = reader.read()
    if wait:
        _say(setup.dashboard(results.url), err=True)
        with Progress(Console(stderr=True)) as progress:
            results = follow.until_over(reader, progress, LOOK_S[setup.backend.kind])
    now = datetime.now().astimezone()
    sys.exit(terminal.finish(api, results, Console(), setup.settings.data_dir, now, setup.python))


@main.command("replay")
@click.argument("run")
def replay_run(run: str) -> None:
    """Run a finished RUN again: exit code 0 if all is identical, 1 if it differs. Nothing is recorded.

    RUN is entity/project/id, the address of the run's page, or its id in the project.
    """
    setup = _setup(err=True)
    environment = setup.environment(setup.located())
    api = client.connect(environment)
    found = lookup.run(api, lookup.path(run, "run", *setup.home(api)))
    with Interrupts() as interrupts:
        try:
            sys.exit(replay.replay(found, environment, interrupts))
        except Stopped as stopped:
            sys.exit(128 + stopped.signum)


@main.command("best")
@click.argument("sweep", required=False)
def show_best(sweep: str | None) -> None:
    """Fetch the model of a SWEEP's best run, evaluate it on the test set, tell how to make it again.

    SWEEP is entity/project/id, the address of the sweep's page, or its id; without it, the sweep of the settings.
    """
    setup = _setup(err=True)
    api = client.connect(setup.environment(setup.located()))
    sys.exit(best.show(api, _reader(setup, api, sweep).read(), setup.settings, os.environ, setup.python))


def _reader(setup: Setup, api: Any, sweep: str | None) -> Reader:
    """Of the sweep that somebody names, or else of that of the settings."""
    path = lookup.path(sweep, "sweep", *setup.home(api)) if sweep else _sweep_path(setup, api)
    return lookup.sweep(api, path)


def _sweep_path(setup: Setup, api: Any) -> str:
    """The path of the sweep that the settings name."""
    target = setup.target()
    path = target.find(api)
    if not path:
        raise click.ClickException(f"{setup.settings.wandb_project} has no sweep {target.name}.")
    return path


def _setup(err: bool = False, first: bool = False) -> Setup:
    setup = _read()
    _say(*setup.notes(first), err=err)
    return setup


def _read(**variables: str) -> Setup:
    setup = Setup.read({**os.environ, **variables})
    os.environ.update(setup.environ)  # what `.env` says counts in this process too
    return setup


def _say(*lines: str | None, err: bool = False) -> None:
    for line in lines:
        if line:
            click.echo(line, err=err)


if __name__ == "__main__":
    try:
        main(prog_name="python -m app")
    except SystemExit as ended:
        leave(ended.code)
