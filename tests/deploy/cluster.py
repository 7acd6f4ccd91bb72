"""A Slurm cluster of three nodes on this machine (`cluster.sh`), and the faults that befall it."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.app.programs import ROOT
from tests.patience import HANG_S

PROGRAM = str(ROOT / "tests/deploy/cluster.sh")
NODES = (1, 2, 3)
LOGIN = "10.184.0.254"
LOOK_S = 0.2
SPACES = ("--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
CPUS = 4  # of a node; more than the machine has
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged", "ip", "nsenter", "unshare", "setpriv")

# Jobs of `high` take the place of others. Slurm requeues a job only when its credential has run out, which takes two
# minutes by default, and takes a node for dead after five.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost=login({login})
SlurmUser=root
AuthInfo=cred_expire=5,socket=/run/munge
SlurmctldPort=6817
SlurmdPort=6818
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd-%n.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/{proctrack}
MailProg=/bin/true
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core,CR_LLN
SchedulerParameters=bf_interval=1,sched_min_interval=200000,batch_sched_delay=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout={node_timeout_s}
FirstJobId={first_job}
NodeName=n[1-3] NodeAddr=10.184.0.[1-3] NodeHostname=n[1-3] CPUs={cpus} RealMemory=16000
PartitionName=low Nodes=ALL Default=YES PriorityTier=1
PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF
"""
CGROUPS = """\
CgroupPlugin=cgroup/v1
CgroupMountpoint=/run/cgroup
CgroupAutomount=no
"""
# What a killed slurmd leaves of its control groups, which are the machine's.
EMPTY_GROUPS = ("/run/cgroup/freezer", "-depth", "-path", "*/slurm_n*", "-type", "d", "-exec", "rmdir", "{}", "+")


def missing(proctrack: str = "linuxproc") -> str:
    """What keeps this machine from being such a cluster; "" if nothing does."""
    if os.geteuid() != 0:
        return "only root can make a cluster of this machine"
    if lacking := [name for name in PROGRAMS if not shutil.which(name)]:
        return f"{', '.join(lacking)} missing: apt-get install slurmctld slurmd slurm-client munge iproute2 (Debian)"
    if subprocess.run(["unshare", *SPACES, "true"], capture_output=True).returncode:
        return "this machine makes no namespaces"
    tried = ["unshare", "--mount", "mount", "-t", "cgroup", "-o", "freezer", "freezer", "/mnt"]
    if proctrack == "cgroup" and subprocess.run(tried, capture_output=True).returncode:
        return "Slurm's cgroup/v1 wants the freezer of control groups, version 1"
    return ""


class Cluster:
    """Made in `folder`, which is the disk that all its machines share; `close` leaves nothing of it.

    Args:
        proctrack: how Slurm knows the processes of a job: "cgroup" or "linuxproc".
        node_timeout_s: a node that says nothing for so long is down, and its jobs are requeued.
    """

    def __init__(self, folder: Path, proctrack: str, node_timeout_s: int = 10) -> None:
        self._folder = folder / "slurm"
        self._started: list[subprocess.Popen[str]] = []
        self._nodes: dict[int, subprocess.Popen[str]] = {}
        self._configure(proctrack, node_timeout_s)
        self._login = subprocess.Popen(
            ["unshare", *SPACES, PROGRAM, "login", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._started.append(self._login)
        assert self._login.stdout is not None
        assert self._login.stdout.readline() == "ready\n", "there is no login node"
        for node in NODES:
            self.boot(node)
        self.wait_for(lambda: self.run("sinfo", "-h", "-p", "low", "-t", "idle", "-o", "%D").strip() == "3")

    def _configure(self, proctrack: str, node_timeout_s: int) -> None:
        self._folder.mkdir(mode=0o755)
        (self._folder / "state").mkdir()
        key = self._folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        values = {"folder": self._folder, "login": LOGIN, "cpus": CPUS, "first_job": secrets.randbelow(60_000_000) + 1}
        text = CONFIGURATION.format(proctrack=proctrack, node_timeout_s=node_timeout_s, **values)
        (self._folder / "slurm.conf").write_text(text)
        (self._folder / "cgroup.conf").write_text(CGROUPS)

    def run(self, *command: str, environ: Mapping[str, str] | None = None) -> str:
        """Runs a command on the login node; what it says, both streams together."""
        process = self.start(*command, environ=environ)
        output, _ = process.communicate(timeout=HANG_S)
        self._started.remove(process)
        assert process.returncode == 0, f"{command}: {process.returncode}\n{output}"
        return output

    def start(self, *command: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Starts a command on the login node; it ends with the cluster at the latest."""
        process = subprocess.Popen(
            [*self._at_login(), *command],
            env={**(os.environ if environ is None else environ), "SLURM_CONF": str(self._folder / "slurm.conf")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._started.append(process)
        return process

    def _at_login(self) -> list[str]:
        pid = self._login.pid
        spaces = ["--net", "--uts", "--mount", f"--pid=/proc/{pid}/ns/pid_for_children"]
        return ["nsenter", f"--target={pid}", *spaces, "env", f"--chdir={ROOT}", "setpriv", "--pdeathsig", "KILL"]

    def boot(self, node: int) -> None:
        """Starts a node, or starts it anew."""
        self.mend(node)
        self._nodes[node] = self.start(PROGRAM, "node", str(self._folder.parent), str(node))

    def crash(self, node: int) -> None:
        """The node loses its power: no process of it can say a last word."""
        self.cut(node)
        self._nodes[node].kill()
        self._nodes[node].wait()

    def cut(self, node: int) -> None:
        """Nothing reaches the node any more, and nothing comes from it."""
        self.run("ip", "link", "set", f"n{node}", "down")

    def mend(self, node: int) -> None:
        self.run("ip", "link", "set", f"n{node}", "up")

    def drain(self, node: int) -> None:
        """What runs on the node may end, nothing new begins there."""
        self.run("scontrol", "update", f"nodename=n{node}", "state=drain", "reason=test")

    def resume(self, node: int) -> None:
        self.run("scontrol", "update", f"nodename=n{node}", "state=resume")

    def node(self, job: str) -> int:
        """The number of the node on which a job runs."""
        return int(self.run("squeue", "-h", "-j", job, "-o", "%N").strip().removeprefix("n"))

    def tell(self, job: str) -> None:
        """Sends a job's script, and nothing that it has started, the signal that announces a time limit."""
        self.run("scancel", "--batch", "--signal=TERM", job)

    def preempt(self, node: int) -> None:
        """A job that is more important takes the whole node, and keeps it."""
        self.run("sbatch", "-p", "high", "-w", f"n{node}", "--exclusive", "-o/dev/null", "--wrap", "sleep infinity")

    def wait_for(self, happened: Callable[[], bool], tell: Callable[[], str] = str) -> None:
        """Waits until it has; `tell` says, besides Slurm's own logs, what is known if it does not."""
        deadline_s = time.monotonic() + HANG_S
        while not happened():
            assert time.monotonic() < deadline_s, f"{tell()}\n{self.logs()}"
            time.sleep(LOOK_S)

    def logs(self) -> str:
        """The ends of Slurm's own logs."""
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in sorted(self._folder.glob("*.log")))

    def close(self) -> None:
        """Ends all of it at once; a second time nothing."""
        while len(self._started) > 1:
            self._kill(self._started[-1])
        if self._started:
            self._kill(self.start("find", *EMPTY_GROUPS), after_s=HANG_S)
            self._kill(self._login)

    def _kill(self, process: subprocess.Popen[str], after_s: float = 0) -> None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        process.kill()
        process.communicate()
        self._started.remove(process)
