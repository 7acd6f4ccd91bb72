"""Does the ledger hold when everything is killed? `python -m benchmarks.chaos`

A grid of light trials runs through real `wandb agent`s while the server, agents and trials are killed with SIGKILL, in
turn, at random moments. At the end every point must have exactly one finished run with all its rows, no row that the
server ever acknowledged may be missing, and `python -m server verify` must agree. Exit code 0 or 1; ends by itself
within `--limit-s`.
"""

import base64
import contextlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

from benchmarks.light_trial import ROWS

ROOT = Path(__file__).parents[1]
KINDS = ("server", "agent", "trial")
PROJECT = "chaos"
LOOK_S = 0.25
# Of a kill that is due, at each look: a second on average.
KILL_CHANCE = 0.25
# Quicker than the defaults, so that the proof does not spend its time waiting for silence.
SILENCE = ("--agent-silent-s", "30", "--run-missing-s", "8", "--run-orphan-s", "60")
RUNS = """query ($sweep: String!) { project(name: "chaos") { sweep(sweepName: $sweep) { state
    runs { edges { node { name state config historyLineCount } } } } } }"""


@dataclass
class Chaos:
    """The processes under test, and what has been seen of them.

    Attributes:
        python: what a trial is started by.
        acknowledged: rows of each run that the server has said to have, at most.
    """

    folder: Path
    agents_wanted: int
    chance: random.Random
    python: list[str]
    port: int = 0
    server: subprocess.Popen[bytes] | None = None
    agents: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, int] = field(default_factory=dict)
    sweep: str = ""

    @property
    def data(self) -> Path:
        return self.folder / "server"

    def start_server(self) -> None:
        """Starts the server, on the port it had before, and waits until it answers."""
        address = self.data / "server.json"
        address.unlink(missing_ok=True)
        command = [sys.executable, "-m", "server", "--data", str(self.data), "--port", str(self.port), *SILENCE]
        self.server = self._start(command, "server.log")
        while not address.exists():
            if self.server.poll() is not None:
                raise click.ClickException(f"the server died:\n{(self.folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.05)
        self.port = int(json.loads(address.read_text())["url"].rsplit(":", 1)[1])

    def register(self, points: int) -> None:
        """Registers the grid with the real `wandb sweep`."""
        command = ["${env}", *self.python, "-m", "benchmarks.light_trial"]
        grid = {"method": "grid", "parameters": {"x": {"values": list(range(1, points + 1))}}, "command": command}
        path = self.folder / "sweep.yaml"
        path.write_text(yaml.safe_dump(grid | {"metric": {"name": "val_accuracy", "goal": "maximize"}}))
        done = subprocess.run(
            [self._wandb(), "sweep", "--project", PROJECT, str(path)], env=self._environment(), cwd=ROOT, **CAPTURED
        )
        if done.returncode:
            raise click.ClickException(done.stderr)
        self.sweep = done.stderr.rsplit("/", 1)[1].split()[0]

    def keep_agents(self) -> None:
        """Starts agents in the place of those that have ended."""
        self.agents = [agent for agent in self.agents if agent.poll() is None]
        while len(self.agents) < self.agents_wanted:
            self.agents.append(self._start([self._wandb(), "agent", f"local/{PROJECT}/{self.sweep}"], "agents.log"))

    def kill_one(self, kind: str) -> None:
        """Ends one process of a kind with SIGKILL; a server is started again at once."""
        if kind == "server" and self.server is not None:
            self.server.kill()
            self.server.wait()
            self.start_server()
        elif kind == "agent" and self.agents:
            self.chance.choice(self.agents).kill()
        elif kind == "trial":
            trials = self.trials()
            if not trials:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.chance.choice(trials), signal.SIGKILL)
        self.kills[kind] += 1

    def trials(self) -> list[int]:
        """The living trials of this sweep, also those whose agent is gone."""
        return [pid for pid, command in self._processes() if b"benchmarks.light_trial" in command]

    def look(self) -> dict[str, Any] | None:
        """Asks the server how the sweep is, and remembers what it has acknowledged; None if it does not answer."""
        body = json.dumps({"query": RUNS, "variables": {"sweep": self.sweep}}).encode()
        credentials = base64.b64encode(f"api:{self._key()}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Authorization": f"Basic {credentials}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                found: dict[str, Any] = json.load(reply)["data"]["project"]["sweep"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        for node in runs_of(found):
            self.acknowledged[node["name"]] = max(self.acknowledged.get(node["name"], 0), node["historyLineCount"])
        return found

    def stop(self) -> None:
        """Ends all that was started."""
        for process in [*self.agents, *([self.server] if self.server else [])]:
            process.kill()
            process.wait()
        for pid, _ in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _start(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        with open(self.folder / log, "ab") as file:
            return subprocess.Popen(command, env=self._environment(), cwd=ROOT, stdout=file, stderr=file)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
        return kept | {
            "WANDB_BASE_URL": f"http://127.0.0.1:{self.port}",
            "WANDB_API_KEY": self._key(),
            "WANDB_DIR": str(self.folder),
            "WANDB_ERROR_REPORTING": "false",
            "WANDB_CONSOLE": "off",
            "WANDB_X_DISABLE_STATS": "true",
            "WANDB_X_FILE_STREAM_TRANSMIT_INTERVAL": "1",
            "WANDB_AGENT_DISABLE_FLAPPING": "true",
            "WANDB_AGENT_MAX_INITIAL_FAILURES": "1000000",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def _key(self) -> str:
        path = self.data / "api-key"
        return path.read_text().strip() if path.exists() else ""

    def _wandb(self) -> str:
        return str(Path(sys.executable).with_name("wandb"))

    def _processes(self) -> list[tuple[int, bytes]]:
        mark, found = f"WANDB_DIR={self.folder}".encode(), []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((int(entry.name), (entry / "cmdline").read_bytes()))
        return found


CAPTURED: dict[str, Any] = {"capture_output": True, "text": True}


@click.command()
@click.option("--points", default=300, show_default=True, help="Points of the grid.")
@click.option("--agents", default=8, show_default=True, help="Agents at once.")
@click.option("--kills", default=105, show_default=True, help="Kills in all, a third of each kind.")
@click.option("--seed", default=0, show_default=True, help="Of what is killed, and when.")
@click.option("--python", default=sys.executable, help="What starts a trial: words as in a shell.")
@click.option("--limit-s", default=1500.0, show_default=True, help="Gives up after this.")
def main(points: int, agents: int, kills: int, seed: int, python: str, limit_s: float) -> None:
    """Kill server, agents and trials of a real sweep at random and check that nothing is lost or doubled."""
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Path(folder), agents, random.Random(seed), shlex.split(python))
        begin_s = time.monotonic()
        try:
            chaos.start_server()
            chaos.register(points)
            sweep = carry_out(chaos, points, kills, begin_s + limit_s)
            if chaos.server is not None:
                chaos.server.terminate()
                chaos.server.wait()
        finally:
            chaos.stop()
        good = report(chaos, sweep, points, kills, time.monotonic() - begin_s)
    sys.exit(0 if good else 1)


def carry_out(chaos: Chaos, points: int, kills: int, end_s: float) -> dict[str, Any]:
    """Kills while the sweep goes on, as evenly over its points as chance has it, and waits for its end.

    Raises:
        click.ClickException: if it does not end in time.
    """
    settled = 0
    while time.monotonic() < end_s:
        found = chaos.look()
        if found is not None:
            settled = sum(node["state"] == "finished" for node in runs_of(found))
            if found["state"] == "FINISHED":
                return found
        chaos.keep_agents()
        # All kills must fall before the last points are handed out.
        due = kills * (settled + chaos.agents_wanted) / points
        if chaos.kills.total() < min(kills, due) and chaos.chance.random() < KILL_CHANCE:
            chaos.kill_one(KINDS[chaos.kills.total() % len(KINDS)])
            print(f"{chaos.kills.total()} kills, {settled} of {points} points finished", flush=True)
        time.sleep(LOOK_S)
    raise click.ClickException("the sweep did not end within the limit")


def report(chaos: Chaos, sweep: dict[str, Any], points: int, kills: int, elapsed_s: float) -> bool:
    """Prints what came of it; True if nothing was lost, doubled or wrong, and enough was killed."""
    runs = runs_of(sweep)
    results = Counter(json.loads(node["config"])["x"]["value"] for node in runs if node["state"] == "finished")
    lost = points - len(results)
    doubled = sum(count - 1 for count in results.values())
    short = sum(node["historyLineCount"] != ROWS for node in runs if node["state"] == "finished")
    stored = {node["name"]: node["historyLineCount"] for node in runs}
    missing = sum(max(rows - stored.get(name, 0), 0) for name, rows in chaos.acknowledged.items())
    print(f"{points} points, {len(runs)} attempts, {elapsed_s:.0f} s")
    print(f"kills: {chaos.kills.total()} of {kills} ({', '.join(f'{chaos.kills[kind]} {kind}s' for kind in KINDS)})")
    print(f"lost {lost}, doubled {doubled}, finished runs without all their rows {short}")
    print(f"acknowledged history rows missing: {missing}")
    verdict = subprocess.run(
        [sys.executable, "-m", "server", "verify", "--data", str(chaos.data)], cwd=ROOT, **CAPTURED
    )
    print(f"verify (with PRAGMA integrity_check): {verdict.stdout.strip() or verdict.stderr.strip()}")
    return chaos.kills.total() >= kills and not any((verdict.returncode, lost, doubled, short, missing))


def runs_of(sweep: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [edge["node"] for edge in sweep["runs"]["edges"]] if sweep else []


if __name__ == "__main__":
    main()
