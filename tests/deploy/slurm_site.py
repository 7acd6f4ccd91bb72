"""A Slurm cluster with a sweep on the disk that its machines share, and what a user types on its login node."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.app.programs import Workplace
from tests.deploy.cluster import LOGIN, Cluster

SILENT_S = 10  # for so long the server and Slurm wait for a node that says nothing


class Site:
    """One of both; `close` ends all that runs."""

    def __init__(self, folder: Path, proctrack: str) -> None:
        self.place = Workplace(folder / "work")
        self.place.data.mkdir()
        self.logs = folder / "logs"
        self.logs.mkdir()
        # The names of sbatch's own variables stand for its options.
        self.place.variables |= {"HOME": str(folder), "PORT": "8080", "SBATCH_OUTPUT": f"{self.logs}/%a"}
        self.place.variables["AGENT_SILENT_S"] = str(SILENT_S)
        self.cluster = Cluster(folder, proctrack, SILENT_S)
        self.job = ""

    def app(self, *command: str) -> str:
        return self.cluster.run(sys.executable, "-m", "app", *command, environ=self._environment())

    def type_lines(self) -> None:
        """Types what `make slurm` prints; the tasks of its job begin as soon as they may."""
        said = self.cluster.run("bash", "-ec", self.app("slurm"), environ=self._environment())
        self.job = said.split()[-1]

    def start_trial(self, run_id: str, values: Mapping[str, int]) -> subprocess.Popen[str]:
        """Trains by hand on the login node."""
        key = (self.place.data / "server/api-key").read_text().strip()
        backend = {"WANDB_BASE_URL": f"http://{LOGIN}:8080", "WANDB_API_KEY": key, "WANDB_DIR": str(self.logs)}
        environ = self._environment() | backend | {"WANDB_RUN_ID": run_id, "PYTHONHASHSEED": "0", "WARM": "0"}
        command = ["-I", "-S", "app/trial.py", "-m", "app.train", *(f"--{name}={at}" for name, at in values.items())]
        return self.cluster.start(sys.executable, *command, environ=environ)

    def submit(self, name: str, *options: str) -> str:
        """Submits one more agent, which is no array; its log has this name. Returns its job."""
        command = ["sbatch", "--parsable", f"--output={self.logs}/{name}", *options, "deploy/slurm/agents.sbatch"]
        return self.cluster.run(*command, environ=self._environment()).strip()

    def log(self, task: int | str) -> str:
        """What the agent of a task and its trials have said, on all nodes on which it ran."""
        log = self.logs / str(task)
        return log.read_text() if log.exists() else ""

    def wait_until(self, task: int | str, said: str, restart: int = 0) -> None:
        self._wait_for(lambda: said in self.log(task).partition(f"restart {restart}\n")[2])

    def once_each_has_said(self, said: str, act: Mapping[int, Callable[[], object]]) -> None:
        """Acts on each task as soon as its log holds a text."""
        left = dict(act)

        def acted_on_all() -> bool:
            for task in [task for task in left if said in self.log(task)]:
                left.pop(task)()
            return not left

        self._wait_for(acted_on_all)

    def node(self, task: int) -> int:
        return self.cluster.node(f"{self.job}_{task}")

    def wait_for_end(self, *jobs: str) -> None:
        self._wait_for(lambda: not self.cluster.run("squeue", "-h", "-j", ",".join(jobs), "-o", "%i").strip())

    def _wait_for(self, happened: Callable[[], bool]) -> None:
        self.cluster.wait_for(happened, self._tell)

    def _tell(self) -> str:
        """What the agents and their trials have said, and which processes there are."""
        logs = [f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(self.logs.iterdir()) if log.is_file()]
        return "\n".join([*logs, self.cluster.run("ps", "-eo", "pid,ppid,stat,etimes,wchan:20,args")])

    def nodes_of_runs(self, tasks: Iterable[int]) -> dict[str, set[str]]:
        """On which nodes each run was worked on."""
        found: dict[str, set[str]] = {}
        for log in map(self.log, tasks):
            for start in re.split(r"^== \S+ on ", log, flags=re.M)[1:]:
                for run in re.findall(r"View run at \S+/runs/(\w+)", start):
                    found.setdefault(run, set()).add(start[:2])
        return found

    def verify(self) -> str:
        return self.cluster.run(sys.executable, "-m", "server", "verify", "--data", str(self.place.data / "server"))

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in self.place.environment().items() if name != "TMPDIR"}
