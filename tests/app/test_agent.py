"""An agent alone, as in a container or on a second machine: it finds its sweep, works, and ends cleanly."""

import signal
import subprocess
import sys

import pytest

from tests.app.programs import Workplace, ending, lines_until, runs
from tests.server.real_server import RunningServer
from tests.server.real_server import ending as running

# As its batch script has them; the third task to start has the number 21 as well.
SLURM = {
    "SLURM_JOB_ID": "21",
    "SLURM_ARRAY_JOB_ID": "17",
    "SLURM_ARRAY_TASK_ID": "4",
    "SLURMD_NODENAME": "n3",
}


@pytest.fixture
def there(workplace: Workplace, server: RunningServer, request: pytest.FixtureRequest) -> Workplace:
    workplace.write_env_file(f"WANDB_BASE_URL={server.url}\nWANDB_API_KEY={server.api_key}\n")
    workplace.variables["WANDB_PROJECT"] = request.node.name
    return workplace


@pytest.mark.slow
def test_an_agent_waits_for_server_and_sweep_says_why_and_ends_when_all_is_done(
    workplace: Workplace, warm_environment: dict[str, str]
) -> None:
    workplace.write_quick_sweep(size=[1])

    agent = workplace.start("agent", plain=True, WARM="1", WARM_SOCKET=warm_environment["WARM_SOCKET"])
    no_server = lines_until(agent, "Waiting")
    with running(RunningServer(workplace.data / "server")) as server:
        no_sweep = lines_until(agent, "Waiting")
        workplace.run("register")
        code, output = ending(agent)
        again = workplace.run("agent")
        done = runs(server)

    assert "Waiting: no server answers for " in no_server[-1]
    assert "Waiting: wandb-sweep-practice has no sweep sweep #" in no_sweep[-1]
    assert code == 0
    assert output.splitlines()[-1] == "1 of 1 runs finished"
    assert "not started warm" not in output
    assert [run.config["size"] for run in done] == [1]
    assert again[0] == 0
    assert again[1].splitlines()[-1].endswith(" is over: 1 of 1 runs finished.")


def test_a_data_dir_that_cannot_be_written_ends_an_agent_at_once(there: Workplace) -> None:
    (there.folder / "file").touch()
    place = f"{there.folder}/file/data"
    there.write_quick_sweep(size=[1])

    code, output = there.run("agent", DATA_DIR=place)

    assert code == 2
    assert output.splitlines()[-1] == f"Error: DATA_DIR is {place!r}: Not a directory. Agents write there."


@pytest.mark.slow
def test_a_stopped_agent_ends_its_trial_in_order_and_its_point_is_given_out_again(
    there: Workplace, server: RunningServer
) -> None:
    project = there.variables["WANDB_PROJECT"]
    there.write_quick_sweep(epochs=400, size=[1])
    there.run("register")

    agent = there.start("agent")
    lines_until(agent, "epoch 3 of 400")
    agent.send_signal(signal.SIGTERM)
    code, output = ending(agent)
    left = there.left_running()

    (stopped,) = runs(server, project)
    assert code == 128 + signal.SIGTERM
    assert "Stopping: the trial ends first" in output
    assert left == {}
    assert stopped.state == "failed"
    assert stopped.summary["epoch"] >= 3  # what it had logged was sent before it ended
    assert "goes on: 0 of 1 runs finished." in there.run("register")[1]


@pytest.mark.slow
def test_an_agent_joins_a_sweep_by_its_id_names_its_job_and_says_that_the_sweep_is_paused(
    there: Workplace, server: RunningServer
) -> None:
    project = there.variables["WANDB_PROJECT"]
    there.write_quick_sweep(size=[1, 2])
    there.run("register")
    (sweep,) = server.api().project(project).sweeps()
    path = f"local/{project}/{sweep.id}"

    there.hold()

    there.variables |= SLURM
    agent = there.start("agent", SWEEP_ID=path, SWEEP="")
    lines_until(agent, "View run at")
    wandb_sweep(there, server, "--pause", path)
    there.hold(False)
    said = lines_until(agent, "The sweep is")
    wandb_sweep(there, server, "--resume", path)
    code, output = ending(agent)

    assert f"The sweep is paused. `wandb sweep --resume {path}` or its page lets it go on." in said[-1]
    assert (code, output.splitlines()[-1]) == (0, "2 of 2 runs finished")
    assert [each.host for each in server.api().sweep(path).agents()] == ["Slurm 17_4, n3"]
    assert {run.metadata["host"] for run in runs(server, project)} == {"Slurm 17_4, n3"}


def wandb_sweep(there: Workplace, server: RunningServer, *arguments: str) -> None:
    command = [sys.executable, "-m", "wandb", "sweep", *arguments]
    subprocess.run(command, env=server.env(there.folder), check=True, capture_output=True)
