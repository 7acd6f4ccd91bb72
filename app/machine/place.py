"""Where a program runs, in the words of the system that has started it there: W&B knows only the machine's name."""

import socket
from collections.abc import Mapping


def of_job(environ: Mapping[str, str]) -> str | None:
    """The job of a cluster and its node, as "Slurm 17_4, n3": its user looks for these; None without a cluster.

    Args:
        environ: Slurm's variables; of an array's task the job's own number may be the whole array's.
    """
    job = environ.get("SLURM_JOB_ID")
    if not job:
        return None
    array, task = environ.get("SLURM_ARRAY_JOB_ID"), environ.get("SLURM_ARRAY_TASK_ID")
    node = environ.get("SLURMD_NODENAME") or socket.gethostname()
    return f"Slurm {f'{array}_{task}' if array and task else job}, {node}"
