"""The unmodified `wandb` command line and SDK against a real server process."""

import ast
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import wandb
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse, validate

from server.protocol.graphql import RULES
from server.protocol.schema import load_schema
from tests.patience import HANG_S
from tests.server import hanging
from tests.server.real_client import SWEEP, Agents, cli, register, script, start
from tests.server.real_server import RunningServer, ending, python

INSIDE = """
import wandb
def train():
    run = wandb.init()
    run.log({"acc": run.config.units})
sweep_id = wandb.sweep({"method": "grid", "parameters": {"units": {"values": [1, 2]}}}, project="inside")
wandb.agent(sweep_id, function=train)
print("SWEEP", sweep_id)
"""


@dataclass(frozen=True)
class Work:
    """What agents do on the server of all tests, begun at once: an agent waits five seconds before each request.

    Attributes:
        grid: two agents at three points.
        endless: one agent at a point that takes longer than the tests.
        inside: a program that registers a sweep and works for it in its own process, and its directory.
    """

    grid: Agents
    endless: Agents
    inside: tuple[subprocess.Popen[str], Path]


@pytest.fixture(scope="module")
def work(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    grid, endless, inside = (tmp_path_factory.mktemp(name) for name in ("grid", "endless", "inside"))
    process = start(server, inside, sys.executable, "-c", INSIDE)
    long = SWEEP.replace("[8, 16, 32]", "[8]") + "  pause_s: {value: 86400}\n"
    begun = Work(
        Agents(server, grid, register(server, grid, plain=True), count=2, plain=True),
        Agents(server, endless, register(server, endless, long)),
        (process, inside),
    )
    yield begun
    for each in (begun.grid, begun.endless, process):
        each.kill()
    process.communicate()  # its pipes are left open where no test has read them to the end


def until(check: Any, home: Path, limit_s: float = HANG_S) -> None:
    end_s = time.monotonic() + limit_s
    while not check():
        if time.monotonic() > end_s:
            hanging.abort(home)
            raise AssertionError(f"it did not happen:\n{(home / 'agents.log').read_text()}")
        time.sleep(0.2)


@pytest.mark.slow
def test_an_agent_survives_the_servers_sudden_death(own_server: RunningServer, tmp_path: Path, work: Work) -> None:
    agents = Agents(own_server, tmp_path, register(own_server, tmp_path, SWEEP.replace(", 32", "")))
    sweep, api = agents.path.split("/")[-1], own_server.api()
    until(lambda: len(api.runs("local/p", {"sweep": sweep, "state": "finished"})), tmp_path)

    own_server.kill()
    time.sleep(2)
    own_server.start()

    assert agents.exit_codes() == [0]
    runs = own_server.api().sweep(agents.path).runs
    assert sorted((run.config["units"], run.state) for run in runs) == [(8, "finished"), (16, "finished")]


@pytest.fixture(scope="module")
def done_sweep(work: Work) -> str:
    """A grid of three points, done by two real agents."""
    assert work.grid.exit_codes() == [0, 0]
    return work.grid.path


@pytest.mark.slow
@pytest.mark.feature("wandb sweep, wandb agent")
def test_two_agents_do_each_point_once_and_leave(server: RunningServer, done_sweep: str) -> None:
    sweep = server.api().sweep(done_sweep)

    assert sweep.state == "FINISHED"
    assert sweep.expected_run_count == 3
    assert sorted(run.config["units"] for run in sweep.runs) == [8, 16, 32]
    assert {run.state for run in sweep.runs} == {"finished"}
    assert len(sweep.agents()) == 2


@pytest.mark.slow
@pytest.mark.feature("history, scan_history, best_run")
def test_the_api_reads_back_what_runs_logged(server: RunningServer, done_sweep: str) -> None:
    best = server.api().sweep(done_sweep).best_run()

    assert best.config == {"units": 32}
    assert best.summary["acc"] == pytest.approx(0.322)
    assert [row["epoch"] for row in best.scan_history()] == [0, 1, 2]
    assert [row["acc"] for row in best.scan_history(keys=["acc"])] == pytest.approx([0.32, 0.321, 0.322])
    assert [row["_step"] for row in best.history(pandas=False)] == [0, 1, 2]
    assert best.history(keys=["acc"], pandas=False)[-1]["acc"] == pytest.approx(0.322)
    assert "wandb-metadata.json" in [file.name for file in best.files()]
    assert best.metadata["program"].endswith("trial.py")
    assert best.sweep.id == done_sweep.split("/")[-1]


@pytest.mark.slow
@pytest.mark.feature("Api.runs: filters, orders; project, projects, sweeps")
def test_the_api_filters_orders_and_lists(server: RunningServer, done_sweep: str) -> None:
    api, name = server.api(), done_sweep.split("/")[-1]

    ordered = api.runs("local/p", filters={"sweep": name}, order="-summary_metrics.acc")
    found = api.runs("local/p", filters={"$and": [{"sweep": name}, {"config.units": {"$lt": 20}}]})

    assert [run.config["units"] for run in ordered] == [32, 16, 8]
    assert sorted(run.config["units"] for run in found) == [8, 16]
    assert len(api.runs("local/p", filters={"sweep": name, "created_at": {"$gt": "2020-01-01"}})) == 3
    assert len(api.runs("local/p", filters={"sweep": name, "created_at": {"$lt": "2020-01-01"}})) == 0
    assert name in [sweep.id for sweep in api.project("p", "local").sweeps()]
    assert "p" in [project.name for project in api.projects("local")]


@pytest.mark.slow
@pytest.mark.feature("wandb.sweep, wandb.agent(function=...)")
def test_the_agent_in_process_does_the_grid(server: RunningServer, work: Work) -> None:
    said, _ = hanging.output(*work.inside)

    sweep = server.api().sweep("local/inside/" + said.split("SWEEP ")[1].strip())
    assert sorted((run.config["units"], run.state) for run in sweep.runs) == [(1, "finished"), (2, "finished")]


@pytest.mark.feature("Run.update, summary.update, delete")
def test_the_api_edits_runs(server: RunningServer, tmp_path: Path) -> None:
    name = script(
        server, tmp_path, 'import wandb\nrun = wandb.init(project="edit")\nrun.finish()\nprint("RUN", run.id)'
    ).split("RUN ")[1]
    path = f"local/edit/{name.strip()}"

    run = server.api().run(path)
    run.tags.append("later")
    run.config["added"] = 1
    run.update()
    run.summary.update({"extra": 5})

    again = server.api().run(path)
    assert (again.tags, again.config["added"], again.summary["extra"]) == (["later"], 1, 5)
    again.delete()
    assert len(server.api().runs("local/edit")) == 0


@pytest.mark.feature("wandb sweep --stop, --cancel, --pause, --resume")
def test_the_verbs_of_wandb_sweep_change_its_state(server: RunningServer, tmp_path: Path) -> None:
    path = register(server, tmp_path)

    states = []
    for verb in ("--stop", "--resume", "--pause", "--cancel"):
        cli(server, tmp_path, "sweep", verb, path)
        states.append(server.api().sweep(path).state)

    assert states == ["FINISHED", "RUNNING", "PAUSED", "CANCELED"]


@pytest.mark.feature("a sweep file that is wrong")
def test_wandb_sweep_shows_why_a_config_is_refused(server: RunningServer, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("method: bayes\nparameters: {b: {min: 0.0, max: 1.0}}")

    said = cli(server, tmp_path, "sweep", "--project", "p", "sweep.yaml", code=1)

    assert "`metric` is missing: needed by `method: bayes`" in said
    assert "Traceback" not in said


@pytest.mark.feature("wandb login")
def test_wandb_login_accepts_the_key_and_refuses_another(server: RunningServer, tmp_path: Path) -> None:
    cli(server, tmp_path, "login", "--relogin", "--verify", "--host", server.url, server.api_key, plain=True)

    assert server.api_key in (tmp_path / ".netrc").read_text()
    cli(server, tmp_path, "login", "--relogin", "--verify", "--host", server.url, "0" * 40, code=1)


@pytest.mark.slow
@pytest.mark.feature("Run.stop")
def test_a_run_stopped_through_the_api_is_killed_and_loses_no_row(server: RunningServer, work: Work) -> None:
    (run,) = server.api().sweep(work.endless.path).runs
    assert run.state == "running"

    server.api().run("/".join(run.path)).stop()

    assert work.endless.exit_codes() == [0]
    ended = server.api().run("/".join(run.path))
    assert ended.state == "killed"
    assert [row["epoch"] for row in ended.scan_history()] == [0]
    assert server.api().sweep(work.endless.path).state == "FINISHED"


@pytest.mark.feature('mode="offline", wandb sync')
def test_an_offline_run_is_synced_once_however_often(server: RunningServer, tmp_path: Path) -> None:
    program = 'import wandb\nrun = wandb.init(project="sync")\nrun.log({"a": 1})\nrun.log({"a": 2})\nrun.finish()'
    script(server, tmp_path, program, WANDB_MODE="offline")
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")

    cli(server, tmp_path, "sync", str(folder))
    for mark in folder.glob("*.synced"):
        mark.unlink()
    cli(server, tmp_path, "sync", str(folder))

    (run,) = server.api().runs("local/sync")
    assert [row["a"] for row in run.scan_history()] == [1, 2]


@pytest.mark.feature("the same id without resume")
def test_a_run_that_starts_again_without_resume_overwrites_its_former_start(
    server: RunningServer, tmp_path: Path
) -> None:
    program = """
import sys, wandb
rows, name = int(sys.argv[1]), sys.argv[2]
run = wandb.init(project="again", id="anew")
for row in range(rows):
    print(name, row)
    run.log({"a": row / rows, name: row})
with open(f"{run.dir}/{name}", "w") as file:
    file.write(name)
run.save(file.name, base_path=run.dir, policy="end")
run.finish(exit_code=1 if name == "first" else 0)
"""
    script(server, tmp_path, program, "8", "first")
    script(server, tmp_path, program, "3", "second")

    run = server.api().run("local/again/anew")
    assert [(row["_step"], row["second"]) for row in run.scan_history()] == [(0, 0), (1, 1), (2, 2)]
    assert [line.content for line in run.console_logs()] == ["second 0", "second 1", "second 2"]
    assert (run.state, run.summary["second"], run.summary.get("first")) == ("finished", 2, None)
    assert {"first", "second"} & {file.name for file in run.files()} == {"second"}


@pytest.mark.feature("wandb.restore")
def test_a_file_that_a_run_does_not_have_is_told_so_when_it_is_restored(server: RunningServer, tmp_path: Path) -> None:
    program = """
import wandb
wandb.init(project="restore", id="r").finish()
try:
    wandb.restore("missing.txt", run_path="local/restore/r")
except ValueError as error:
    print(error)
"""
    assert "File missing.txt not found in local/restore/r" in script(server, tmp_path, program)


@pytest.mark.feature("resume")
def test_a_resumed_run_goes_on_at_its_next_step(server: RunningServer, tmp_path: Path) -> None:
    program = """
import sys, wandb
run = wandb.init(project="resume", id="again", resume="allow")
run.log({"a": int(sys.argv[1])})
run.finish()
"""
    script(server, tmp_path, program, "1")
    script(server, tmp_path, program, "2")

    run = server.api().run("local/resume/again")
    assert [(row["_step"], row["a"]) for row in run.scan_history()] == [(0, 1), (1, 2)]


NEEDED = {
    *("UpsertSweep", "SweepWithRuns", "CreateAgent", "Heartbeat", "GetSweep", "GetSweeps", "GetSweepState"),
    *("GetSweepAgents", "GetSweepAgent", "GetAgentRuns", "UpsertBucket", "CreateRunFiles", "deleteFiles"),
    *("RunHistoryKeys", "RunSampledHistory", "RunState", "UpdateRunState", "GetProject", "GetProjects"),
    *("CreateProject", "GetViewer", "GetDefaultEntity", "GetTeamEntity", "SearchUsers", "ServerFeaturesQuery"),
    *("ArtifactType", "CreateArtifact", "ArtifactByID", "ArtifactMembershipByName", "FetchArtifactManifest"),
    *("GetArtifactMembershipFileUrls", "ArtifactMembershipFiles", "ArtifactUsedBy", "ArtifactCreatedBy"),
    *("RunInputArtifacts", "RunOutputArtifacts", "ProjectArtifactTypes", "ProjectArtifactType", "ProjectArtifacts"),
    *("ArtifactTypeArtifactCollections", "ProjectArtifactCollections", "ProjectArtifactCollection"),
    *("ArtifactCollectionAliases", "AddAliases", "DeleteAliases", "UpdateArtifact", "DeleteArtifact"),
    *("LinkArtifact", "UnlinkArtifact", "FetchLinkedArtifacts", "FetchOrgInfoFromEntity"),
    *("UpdateArtifactSequence", "UpdateArtifactPortfolio", "UpdateArtifactSequenceType"),
    *("DeleteArtifactSequence", "DeleteArtifactPortfolio"),
    *("AddArtifactCollectionTags", "DeleteArtifactCollectionTags"),
}


def test_the_schema_has_what_the_installed_client_asks_for() -> None:
    """Reads the GraphQL documents out of the installed package; a new client that asks for more fails here."""
    schema, valid = load_schema(), set()
    for text in client_documents(Path(wandb.__file__).parent):
        try:
            document = parse(text)
        except GraphQLSyntaxError:
            continue
        if not validate(schema, document, RULES):
            operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            valid |= {node.name.value for node in operations if node.name}

    assert valid >= NEEDED, f"not covered: {sorted(NEEDED - valid)}"


def client_documents(package: Path) -> list[str]:
    found = []
    for path in package.rglob("*.py"):
        if "proto" in path.parts or not re.search(r"(query|mutation) \w", source := path.read_text()):
            continue
        texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
        found += [text for text in texts if isinstance(text, str) and re.search(r"^\s*(query|mutation)\s", text, re.M)]
    return found


def test_a_taken_port_is_one_clear_error(server: RunningServer, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    command = [*python(), "-m", "server", "--data", str(tmp_path), "--port", port]

    taken = subprocess.run(command, capture_output=True, text=True)

    assert taken.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in taken.stderr
    assert "Traceback" not in taken.stderr


def test_a_second_start_says_what_the_server_that_is_there_would_say(server: RunningServer) -> None:
    command = [*python(), "-m", "server", "--data", str(server.data)]

    here = subprocess.run([*command, "--port", "0", "--show-env"], capture_output=True, text=True)
    elsewhere = subprocess.run([*command, "--port", "1"], capture_output=True, text=True)

    assert (here.returncode, elsewhere.returncode) == (0, 0), here.stderr + elsewhere.stderr
    greeting, dashboard, *exports = here.stdout.splitlines()
    assert greeting == f"tf-sweeps server at {server.url} runs already, data in {server.data}"
    link = dashboard.removeprefix("dashboard (opens once): ")
    assert httpx2.get(link).status_code == 303
    assert exports == [f"export WANDB_BASE_URL={server.url}", f"export WANDB_API_KEY={server.api_key}"]
    told = f"it stays there until it is stopped (process {server.pid}), and is not at 127.0.0.1:1"
    assert elsewhere.stdout.splitlines()[1] == told
    assert server.api_key not in elsewhere.stdout


def test_a_second_start_beside_one_that_does_not_answer_is_one_clear_error(tmp_path: Path) -> None:
    with ending(RunningServer(tmp_path / "data"), RunningServer.kill) as server:
        (server.data / "server.json").unlink()  # as before its first greeting
        command = [*python(), "-m", "server", "--data", str(server.data), "--port", "0"]
        used = subprocess.run(command, capture_output=True, text=True)

    assert used.returncode == 1
    assert used.stderr == f"Error: another server is using {server.data}; stop it or give another --data\n"


def test_a_shell_in_any_folder_reads_the_export_lines_from_a_file_of_its_owner(server: RunningServer) -> None:
    exports = server.data / "exports.sh"
    command = f". {shlex.quote(str(exports))} && printenv WANDB_BASE_URL WANDB_API_KEY"

    said = subprocess.run(["sh", "-c", command], cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True)

    assert said.stdout.split() == [server.url, server.api_key]
    assert exports.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("note", ["{half", "{}", "[]"])
def test_a_note_of_the_server_that_tells_no_address_is_one_clear_error(tmp_path: Path, note: str) -> None:
    (tmp_path / "server.json").write_text(note)

    said = subprocess.run([*python(), "-m", "server", "env", "--data", str(tmp_path)], capture_output=True, text=True)

    told = f"Error: {tmp_path}/server.json does not tell where the server is: start it again, which writes it anew\n"
    assert (said.returncode, said.stderr) == (2, told)


def test_env_prints_the_two_export_lines(server: RunningServer) -> None:
    command = [sys.executable, "-m", "server", "env", "--data", str(server.data)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said == f"export WANDB_BASE_URL={server.url}\nexport WANDB_API_KEY={server.api_key}\n"


def test_secrets_are_readable_by_their_owner_only_and_not_in_the_database(server: RunningServer) -> None:
    modes = {name: oct((server.data / name).stat().st_mode & 0o777) for name in ("api-key", "signing-key", ".")}

    assert modes == {"api-key": "0o600", "signing-key": "0o600", ".": "0o700"}
    stored = b"".join(path.read_bytes() for path in server.data.glob("sweeps.sqlite*"))
    assert server.api_key.encode() not in stored
    assert server.api_key not in server.output()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("plain", [True, False])
def test_a_signal_stops_the_server_cleanly(tmp_path: Path, number: signal.Signals, plain: bool) -> None:
    with ending(RunningServer(tmp_path / "data", plain=plain), RunningServer.kill) as server:
        server.process.send_signal(number)
        code = server.process.wait(timeout=HANG_S)

    assert code == 0
    assert "Traceback" not in server.output()
    assert not list(server.data.glob("*-wal"))
