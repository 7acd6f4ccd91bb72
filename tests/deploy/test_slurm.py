"""A sweep on a Slurm cluster as deploy/slurm/README.md has it: real sbatch, real agents, nodes without a network."""

import re
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.app.programs import runs
from tests.app.test_signal_to_all import epochs, losses
from tests.deploy.cluster import missing
from tests.deploy.slurm_site import Site
from tests.server.real_server import RunningServer, ending

LACK, LACK_CGROUP = missing(), missing("cgroup")
CGROUP = pytest.param("cgroup", marks=pytest.mark.skipif(LACK_CGROUP != "", reason=LACK_CGROUP))
BOTH = pytest.mark.parametrize("site", [CGROUP, "linuxproc"], indirect=True)
pytestmark = [pytest.mark.deploy, pytest.mark.slow, pytest.mark.skipif(LACK != "", reason=LACK)]

EPOCHS = 16
TRAINED = {"layer1_size": 16, "epochs": EPOCHS, "batch_size": 200}
CUT_S = 30
TASKS = (1, 2, 3)
HOSTS = """{ project(name: "wandb-sweep-practice") { sweeps(first: 1) { edges { node {
    agents { edges { node { host } } } } } } } }"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("slurm"), request.param)
    yield made
    made.cluster.close()


def hosts(server: RunningServer) -> set[str]:
    """What the agents of all sweeps are called on the dashboard."""
    reply = httpx2.post(f"{server.url}/graphql", json={"query": HOSTS}, auth=("api", server.api_key))
    (sweep,) = reply.json()["data"]["project"]["sweeps"]["edges"]
    return {edge["node"]["host"] for edge in sweep["node"]["agents"]["edges"]}


@BOTH
def test_runs_whose_tasks_are_preempted_told_to_end_or_requeued_go_on_elsewhere_and_end_the_same(site: Site) -> None:
    cluster, fixed = site.cluster, {name: {"value": value} for name, value in TRAINED.items()}
    site.place.write_sweep(["-m", "app.train"], fixed, method="random", run_cap=3)
    cluster.drain(3)
    site.type_lines()
    by_hand = site.start_trial("uninterrupted", TRAINED)
    for task in TASKS:
        site.wait_until(task, "Agent works for")
    nodes = {task: site.node(task) for task in TASKS}
    alone, told, requeued = sorted(TASKS, key=lambda task: list(nodes.values()).count(nodes[task]))
    cluster.resume(3)
    cluster.drain(nodes[told])

    site.once_each_has_said(
        "Epoch 3/",
        {
            alone: lambda: cluster.preempt(nodes[alone]),
            told: lambda: cluster.tell(f"{site.job}_{told}"),
            requeued: lambda: cluster.run("scontrol", "requeue", f"{site.job}_{requeued}"),
        },
    )
    site.wait_for_end(site.job)
    assert by_hand.wait() == 0
    been = site.nodes_of_runs(TASKS)
    cluster.close()

    with ending(RunningServer(site.place.data / "server")) as server:
        found = {run.id: run for run in runs(server)}
        whole = found.pop("uninterrupted")
        assert sorted(been) == sorted(found)
        for run in found.values():
            assert (run.state, epochs(run)) == ("finished", list(range(1, EPOCHS + 1)))
            assert losses(run) == losses(whole)
            assert run.summary["weights_sha256"] == whole.summary["weights_sha256"]
        assert {f"Slurm {site.job}_{task}, n3" for task in TASKS} < hosts(server)
    assert all(len(nodes) == 2 and "n3" in nodes for nodes in been.values()), been


@BOTH
def test_a_dead_node_one_that_is_cut_off_and_a_time_limit_cost_no_point_and_double_none(site: Site) -> None:
    site.place.write_quick_sweep(size=[1, 2, 3, 4, 5, 6])
    site.place.hold()
    site.type_lines()
    for task in TASKS:
        site.wait_until(task, "epoch 1 of")
    cut_off, dead, alive = TASKS
    cut_node, dead_node = site.node(cut_off), site.node(dead)
    limited = site.submit("limited", f"--nodelist=n{site.node(alive)}", "--time=1", "--signal=B:TERM@30")

    site.cluster.crash(dead_node)
    site.cluster.cut(cut_node)
    mended_s = time.monotonic() + CUT_S
    for task in (cut_off, dead):
        site.wait_until(task, "epoch 1 of", restart=1)
    site.wait_until("limited", "Agent works for", restart=1)
    site.place.hold(False)
    time.sleep(max(0.0, mended_s - time.monotonic()))
    site.cluster.mend(cut_node)
    site.cluster.boot(dead_node)
    site.wait_for_end(site.job, limited)
    table = site.app("report")
    verdict = site.verify()

    assert "6 of 6 runs finished" in table
    held = re.search(r"6 points: 6 finished; (\d+) attempts\nThe ledger holds\.", verdict)
    assert held, verdict
    assert int(held[1]) >= 8  # on a busy machine others fall silent too
