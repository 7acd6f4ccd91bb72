"""`python -m app`: the commands that run a sweep. The only reader of their environment."""

import os
import sys
from typing import Any

import click
from rich.console import Console

from app import agent as agents
from app import client, embedded, register, report
from app.children import Interrupts, Stopped
from app.results import Reader
from app.setup import Setup
from app.up import Job


class Commands(click.Group):
    """Tells an error that speaks for itself in a line, in place of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(error, click.ClickException) or not hasattr(error, "exit_code"):
                raise
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=Commands)
def main() -> None:
    """Run a W&B sweep. What to run and where is set by variables: .env.example lists them all."""


@main.command()
def up() -> None:
    """Do the whole job on this machine: server, sweep, agents, results."""
    sys.exit(Job(_setup()).run())


@main.command()
def serve() -> None:
    """Start the embedded server alone and print what makes any W&B program use it."""
    command = embedded.command(Setup.read(os.environ).settings, "--show-env")
    os.execv(command[0], command)


@main.command("register")
def register_sweep() -> None:
    """Register the sweep, unless it is there already."""
    setup = _setup()
    wanted = register.wanted(setup.settings, setup.backend.identity)
    environment = setup.environment(setup.located())
    api = client.connect(environment)
    path, new = register.register(api, wanted, environment, setup.settings.data_dir)
    results = Reader(api, path).read()
    for line in (register.standing(results, new), register.code_changed(results), f"Dashboard: {results.url}"):
        if line:
            click.echo(line)


@main.command()
def agent() -> None:
    """Run one agent: wait for the sweep, work for it, end when it is done."""
    with Interrupts() as interrupts:
        try:
            sys.exit(agents.run(_setup(), interrupts, click.echo))
        except Stopped as stopped:
            sys.exit(128 + stopped.signum)


@main.command("report")
def show_report() -> None:
    """Print the best runs of the sweep and the causes of failed ones."""
    setup = _setup()
    api = client.connect(setup.environment(setup.located()))
    path = setup.settings.sweep_id
    if not path:
        wanted = register.wanted(setup.settings, setup.backend.identity)
        path = register.find(api, wanted) or ""
    if not path:
        raise click.ClickException(f"{setup.settings.wandb_project} has no sweep {wanted.name}.")
    sys.exit(report.show(Reader(api, path).read(), Console()))


def _setup() -> Setup:
    setup = Setup.read(os.environ)
    for line in setup.notes():
        click.echo(line)
    return setup


if __name__ == "__main__":
    main(prog_name="python -m app")
