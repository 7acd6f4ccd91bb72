"""The lines that run the sweep on a Slurm cluster, filled in for this checkout. They are told, not run."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence

from app.commands import preview
from app.commands.setup import Setup
from app.commands.target import Joined, Target
from app.settings import VARIABLES

SCRIPT = "deploy/slurm/agents.sbatch"
PYTHON = ".venv/bin/python"
# Tasks in the array, and of these at once: the others take the place of one that ends early.
TASKS, AT_ONCE = 20, 8
START_S = 60
NOT_HANDED_ON = ("HOST", "DRY")


def lines(setup: Setup, folder: str, addresses: Sequence[str]) -> Iterator[str]:
    """What to type on the login node, in order.

    Args:
        folder: of this checkout.
        addresses: of this machine, the likeliest first.

    Raises:
        SettingError: if the sweep file is missing or wrong.
    """
    target = setup.target()
    yield "# On the login node; the checkout and DATA_DIR lie on a disk that all nodes see (deploy/slurm/README.md)."
    yield f"cd {shlex.quote(folder)}"
    yield from _exports(setup)
    yield f"{PYTHON} -m app prepare"
    if setup.embedded:
        yield from _serve(setup, addresses)
    if not isinstance(target, Joined):
        yield f"{PYTHON} -m app register"
    tasks, at_once = array(target)
    yield f"sbatch --array=1-{tasks}%{at_once} {SCRIPT}"


def _exports(setup: Setup) -> Iterator[str]:
    """What was set for this command alone; `.env` speaks for itself."""
    for name in VARIABLES:
        value = setup.environ.get(name, "")
        if value and value != setup.env_file.get(name) and name not in NOT_HANDED_ON and not name.startswith("WANDB_"):
            yield f"export {name}={shlex.quote(value)}"


def _serve(setup: Setup, addresses: Sequence[str]) -> Iterator[str]:
    log = shlex.quote(str(setup.settings.data_dir / "serve.log"))
    host = setup.settings.host if setup.settings.host != VARIABLES["HOST"][0] else next(iter(addresses), "ADDRESS")
    yield f"# --host is an address that the nodes reach; this machine has {', '.join(addresses) or 'none it knows'}."
    # Nodes have no certificates, so that a cluster's own network must do. The log holds a link to the dashboard.
    yield f"(umask 077; nohup {PYTHON} -m app serve --host {host} --insecure > {log} 2>&1 &)"
    waiting = f"until grep -s server.at {log}; do sleep 1; done"
    yield f"timeout {START_S} sh -c {shlex.quote(waiting)}"


def array(target: Target) -> tuple[int, int]:
    """How many tasks, and how many of them at once: no more than there are runs."""
    runs = None if isinstance(target, Joined) else preview.size(target.config)
    return min(TASKS, runs or TASKS), min(AT_ONCE, runs or AT_ONCE)


def addresses() -> list[str]:
    """This machine's own addresses but loopback, as `hostname -I` lists them; none where it cannot."""
    try:
        return subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []
