"""What an answer costs at full size beside a tenth of it: `python -m benchmarks.growth`, some five minutes.

Fills two folders, of 13,000 runs and 10 million rows, one run of 1 million among them, and of a tenth of that; asks
each server for the same things; prints the server's CPU time per answer, which other work on the machine changes
little, and the ratio. `--data DIR` keeps the folders and finds them again; `--only TEXT` asks what has it in its name.
"""

import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import httpx2

from benchmarks import lab
from benchmarks.lab import FULL, LONG_RUN, METRIC, PROJECT, TENTH, Size
from benchmarks.pages import Server, serving

LIMIT: Final = 1.5
# CPU time is counted in hundredths of a second.
MEASURED_S: Final = 1.0
MOST_TIMES: Final = 150
PAGE: Final = 50
ASK_EVERY_S: Final = 0.05
LONGEST_WAIT_S: Final = 120.0
LONGEST_START_S: Final = 600.0
REST_S: Final = 2.0
IDLE_AGENTS: Final = 3

LAZY: Final = """id tags name displayName sweepName state group jobType commit readOnly createdAt heartbeatAt
    description notes historyLineCount user { name username } projectId"""
WHOLE: Final = f"{LAZY} config systemMetrics summaryMetrics historyKeys"
RUNS: Final = """query Runs($entity: String!, $project: String!, $cursor: String, $perPage: Int, $order: String,
    $filters: JSONString) { project(name: $project, entityName: $entity) { internalId runCount(filters: $filters)
    runs(filters: $filters, after: $cursor, first: $perPage, order: $order) { edges { node { %s } cursor }
    pageInfo { endCursor hasNextPage } } } }"""
AGENT: Final = """mutation ($sweep: String!) { createAgent(input: {host: "h", sweep: $sweep, projectName: "lab"}) {
    agent { id } } }"""
BEAT: Final = """mutation ($id: ID!, $state: JSONString) { agentHeartbeat(
    input: {id: $id, metrics: "{}", runState: $state}) { agent { id } commands } }"""


@dataclass(frozen=True)
class Cost:
    """Of one answer, or of one page of it: milliseconds of the server's CPU time, and how long it took."""

    cpu_ms: float
    wall_ms: float


class Asking:
    """One client of one filled server."""

    def __init__(self, server: Server, http: httpx2.Client, size: Size) -> None:
        self._server, self._http, self.size = server, http, size
        found = self.ask('{ project(name: "lab") { sweeps { edges { node { name displayName } } } } }')
        nodes = [edge["node"] for edge in found["project"]["sweeps"]["edges"]]
        self.sweeps = {node["displayName"]: node["name"] for node in nodes}

    def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables, "operationName": ""}
        answer = self._http.post("/graphql", json=body)
        if answer.is_error:
            raise click.ClickException(f"{answer.status_code}: {answer.text[:300]}")
        return answer.json()["data"]

    def page(self, path: str) -> None:
        self._http.get(path, headers={"Accept-Encoding": "gzip"}).raise_for_status()

    def post(self, run: str, **body: Any) -> Any:
        return self._http.post(f"/files/local/{PROJECT}/{run}/file_stream", json=body).raise_for_status().json()

    def cost(self, asked: Callable[[], int | None]) -> Cost:
        """Asks until it can be measured; the first time is not counted.

        Args:
            asked: gives how many answers it had, if not one.
        """
        asked()
        cpu_s, begin_s, answers, times = self.cpu_s(), time.perf_counter(), 0, 0
        while times < MOST_TIMES and self.cpu_s() - cpu_s < MEASURED_S:
            answers += asked() or 1
            times += 1
        wall_s = time.perf_counter() - begin_s
        return Cost((self.cpu_s() - cpu_s) / answers * 1000, wall_s / answers * 1000)

    def wait_for_rest(self) -> None:
        """Waits until the server has done what it does at its start: it looks through its whole database."""
        end_s = time.monotonic() + LONGEST_START_S
        busy_s = REST_S
        while busy_s > REST_S / 20 and time.monotonic() < end_s:
            before_s = self.cpu_s()
            time.sleep(REST_S)
            busy_s = self.cpu_s() - before_s

    def cpu_s(self) -> float:
        """The server's and that of the process that it lets search."""
        children = Path(f"/proc/{self._server.process.pid}/task/{self._server.process.pid}/children").read_text()
        return sum(map(_cpu_s, [self._server.process.pid, *map(int, children.split())]))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def runs(asking: Asking, fields: str = LAZY, pages: int | None = None, **variables: Any) -> int:
    """Lists runs as `wandb.Api().runs` does, page by page; how many pages it were."""
    cursor, done = None, 0
    while True:
        given = {"entity": "local", "project": PROJECT, "perPage": PAGE, "order": "+created_at", **variables}
        found = asking.ask(RUNS % fields, cursor=cursor, **given)["project"]["runs"]
        done += 1
        if done == pages or not found["pageInfo"]["hasNextPage"]:
            return done
        cursor = found["pageInfo"]["endCursor"]


def run(asking: Asking, fields: str) -> None:
    document = f'query ($name: String!) {{ project(name: "lab") {{ run(name: $name) {{ {fields} }} }} }}'
    asking.ask(document, name=LONG_RUN)


def history_page(asking: Asking) -> None:
    """In the middle, as `scan_history` asks."""
    first = asking.size.long // 2
    run(asking, f"history(minStep: {first}, maxStep: {first + 1000}, samples: 1000)")


def sampled(asking: Asking, **spec: Any) -> None:
    text = json.dumps(json.dumps({"keys": ["_step", METRIC], **spec}))
    run(asking, f"sampledHistory(specs: [{text}])")


def sampled_page(asking: Asking) -> None:
    first = asking.size.long // 2
    sampled(asking, minStep=first, maxStep=first + 1000, samples=1000)


def console_page(asking: Asking) -> None:
    middle = asking.size.long // 20
    run(
        asking, f'logLines(first: 1000, after: "{middle}") {{ edges {{ node {{ line }} }} pageInfo {{ hasNextPage }} }}'
    )


def sweep_page(asking: Asking) -> None:
    asking.page(f"/local/{PROJECT}/sweeps/{asking.sweeps['finished 3']}")


def best_run(asking: Asking) -> None:
    filters = json.dumps({"$and": [{"sweep": asking.sweeps["finished 3"]}]})
    runs(asking, WHOLE, 1, perPage=1, order=f"+summary_metrics.{METRIC}", filters=filters)


FILTERS: Final = json.dumps({"$and": [{f"summary_metrics.{METRIC}": {"$lt": 0.5}}, {"config.units.value": 64}]})
ANSWERS: Final[dict[str, Callable[[Asking], int | None]]] = {
    "api.runs, a page of all": runs,
    "api.runs, the first page": partial(runs, pages=1),
    "api.runs, filtered and ordered, a page of all": partial(runs, filters=FILTERS, order=f"-summary_metrics.{METRIC}"),
    "api.runs, whole runs, a page": partial(runs, fields=WHOLE, pages=1),
    "the best run of a sweep": best_run,
    "api.run of the long run": partial(run, fields=WHOLE),
    "history of the long run, 500 samples": partial(run, fields="history(samples: 500)"),
    "the same by two keys": partial(sampled, samples=500),
    "a page of scan_history": history_page,
    "a page of scan_history with keys": sampled_page,
    "a page of the console": console_page,
    "the end of the console": partial(run, fields="logLines(last: 1000) { edges { node { line } } }"),
    "the list of sweeps": lambda asking: asking.page("/"),
    "the page of a sweep": sweep_page,
    "the page of the long run": lambda asking: asking.page(f"/local/{PROJECT}/runs/{LONG_RUN}"),
}


class Agents:
    """Agents of one sweep, of whose runs each ends at once."""

    def __init__(self, asking: Asking, sweep: str, number: int = 1) -> None:
        self._asking = asking
        self._agents = [
            asking.ask(AGENT, sweep=asking.sweeps[sweep])["createAgent"]["agent"]["id"] for _ in range(number)
        ]

    def next_run(self, agent: int = 0) -> str:
        """The next run of an agent that polls until it gets one."""
        end_s = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < end_s:
            answer = self._asking.ask(BEAT, id=self._agents[agent], state="{}")
            commands = json.loads(answer["agentHeartbeat"]["commands"])
            if commands:
                return str(commands[0]["run_id"])
            time.sleep(ASK_EVERY_S)
        raise click.ClickException("no run was handed out")

    def hand_out(self) -> None:
        """A run, handed out and ended."""
        self.end(self.next_run(), 0.5)

    def end(self, run: str, value: float) -> None:
        summary = {"wandb-summary.json": {"offset": 0, "content": [json.dumps({METRIC: value})]}}
        self._asking.post(run, files=summary, complete=True, exitcode=0)

    def pass_bracket(self) -> None:
        """A run that comes to where its rivals are compared, and ends."""
        run = self.next_run()
        rows = [json.dumps({"_step": step, METRIC: 0.5, "_timestamp": 1.8e9}) for step in range(lab.RIVAL_ROWS)]
        self._asking.post(run, files={"wandb-history.jsonl": {"offset": 0, "content": rows}})
        self.end(run, 0.5)

    def several(self, waits_s: list[float]) -> int:
        """A point for each of several agents that are idle at once."""
        begin_s = time.perf_counter()
        given = []
        for agent in range(len(self._agents)):
            given.append(self.next_run(agent))
            waits_s.append(time.perf_counter() - begin_s)
        for run in given:
            self.end(run, 0.5)
        return len(given)


def measured(data: Path, size: Size, only: str) -> Iterator[tuple[str, Cost]]:
    """Everything, one after the other; hand-outs come last, since they change what is there."""
    with serving(data) as server, server.http() as http:
        asking = Asking(server, http, size)
        asking.wait_for_rest()
        for name, asked in ANSWERS.items():
            if only in name:
                yield name, asking.cost(partial(asked, asking))
        for method in ("grid", "random"):
            if only in (name := f"hand-out, {method}"):
                yield name, asking.cost(Agents(asking, method).hand_out)
        if only in (name := "hand-out and a bracket, Hyperband"):
            yield name, asking.cost(Agents(asking, "hyperband").pass_bracket)
        if only in (name := "hand-out, bayes, one agent"):
            yield name, asking.cost(Agents(asking, "bayes").hand_out)
        if only in (name := f"hand-out, bayes, {IDLE_AGENTS} agents at once"):
            waits_s: list[float] = []
            cost = asking.cost(partial(Agents(asking, "bayes", IDLE_AGENTS).several, waits_s))
            yield name, cost
            print(f"    each waited {statistics.median(waits_s):.2f} s, at most {max(waits_s):.2f} s", flush=True)


def folder(data: Path, name: str, size: Size) -> Path:
    """A copy of a filled folder that may be changed."""
    kept = data / name
    if not kept.exists():
        unfinished = data / f"{name}-unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        lab.fill(unfinished, size)
        unfinished.rename(kept)
    copy = data / f"{name}-in-use"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(kept, copy)
    os.sync()  # else the server's first commit waits for all of the copy
    return copy


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Keeps the filled folders here.")
@click.option("--only", default="", help="Asks only what has this in its name.")
def main(data: Path | None, only: str) -> None:
    """Print what each answer costs at full size and at a tenth of it."""
    with tempfile.TemporaryDirectory(prefix="growth-") as scratch:
        place = data or Path(scratch)
        costs: list[dict[str, Cost]] = []
        for name, size in (("tenth", TENTH), ("full", FULL)):
            costs.append({})
            for answer, cost in measured(folder(place, name, size), size, only):
                costs[-1][answer] = cost
                print(f"{name}: {answer}: {cost.cpu_ms:.1f} ms of CPU, {cost.wall_ms:.0f} ms", flush=True)
    print(f"\nserver's CPU time per answer, ms (took, ms); load {os.getloadavg()[0]:.1f}")
    print(f"{'':<48}{'a tenth':>20}{'full size':>20}{'ratio':>8}")
    for answer, full in costs[1].items():
        tenth = costs[0][answer]
        ratio = full.cpu_ms / max(tenth.cpu_ms, 0.01)
        texts = (f"{cost.cpu_ms:.1f} ({cost.wall_ms:.0f})" for cost in (tenth, full))
        print(f"{answer:<48}" + "".join(f"{text:>20}" for text in texts) + f"{ratio:>8.2f}" + " !" * (ratio > LIMIT))


if __name__ == "__main__":
    main()
