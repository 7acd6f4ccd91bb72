"""What a crowd of agents does to a server: `python -m benchmarks.load --agents 1000`, two minutes.

Each agent speaks as W&B's client does, over sockets of its own: a heartbeat every 5 s, on a new connection whenever the
server has closed the last; for its live run a file stream every 15 s with 15 rows of history, one of system metrics, 15
lines of console and the summary. They run in processes of their own, and join one after another. `--bodies N` lets N
file streams of 30 MB arrive at once in the middle. `--rows` measures instead how many rows are stored a second, by 16
connections that send small requests one after another, as after an outage.

On a machine that others use, `chrt -r 1 python -m benchmarks.load` puts server and agents before them all.

Printed are quantiles of the time to an answer, errors, rows a second, the server's memory, CPU and descriptors, and the
machine's load.
"""

import asyncio
import base64
import json
import multiprocessing
import os
import random
import resource
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.pages import Server, serving

HEARTBEAT_S: Final = 5.0
STREAM_S: Final = 15.0
ROWS: Final = 15
JOIN_S: Final = 0.015
ANSWER_S: Final = 60.0
AGAIN_S: Final = 5.0
BODY_BYTES: Final = 30_000_000
SENDERS: Final = 16
PROJECT: Final = "load"

SWEEP: Final = """mutation ($config: String) { upsertSweep(input: {config: $config, projectName: "load"}) {
    sweep { name } } }"""
JOIN: Final = """mutation CreateAgent($host: String!, $sweep: String!) { createAgent(input: {
    host: $host, projectName: "load", sweep: $sweep}) { agent { id } } }"""
BEAT: Final = """mutation Heartbeat($id: ID!, $metrics: JSONString, $runState: JSONString) {
    agentHeartbeat(input: {id: $id, metrics: $metrics, runState: $runState}) { agent { id } commands } }"""
BEGIN: Final = """mutation UpsertBucket($name: String, $config: JSONString, $sweep: String) { upsertBucket(input: {
    name: $name, modelName: "load", config: $config, sweep: $sweep}) { bucket { id name } inserted } }"""
CONFIG: Final = {
    "method": "random",
    "metric": {"name": "loss"},
    "parameters": {"lr": {"distribution": "uniform", "min": 0, "max": 1}, "units": {"values": [32, 64, 128]}},
}
METRICS: Final = ("loss", "accuracy", "val_loss", "val_accuracy")
SYSTEM: Final = ("cpu", "memory_percent", "disk.in", "disk.out", "proc.memory.rssMB", "network.sent", "network.recv")


@dataclass
class Seen:
    """What agents have seen: seconds to an answer by kind of request, errors by name, rows that were stored."""

    beats_s: list[float] = field(default_factory=list)
    streams_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    connections: int = 0

    def add(self, other: "Seen") -> None:
        self.beats_s += other.beats_s
        self.streams_s += other.streams_s
        self.errors += other.errors
        self.rows += other.rows
        self.connections += other.connections


class Wire:
    """One HTTP/1.1 connection that is kept, and opened anew when the server has closed it."""

    def __init__(self, port: int, key: str, seen: Seen) -> None:
        self._port, self._seen = port, seen
        self._credentials = base64.b64encode(f"api:{key}".encode()).decode()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: dict[str, Any] | bytes) -> tuple[int, bytes]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        kept = self._streams is not None and not self._streams[0].at_eof()
        try:
            return await asyncio.wait_for(self._exchange(path, content), ANSWER_S)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            if not kept:
                raise
        return await asyncio.wait_for(self._exchange(path, content), ANSWER_S)

    async def ask(self, query: str, **variables: Any) -> Any:
        status, reply = await self.post("/graphql", {"query": query, "variables": variables, "operationName": ""})
        if status != 200:
            raise RuntimeError(f"{status} {reply[:100]!r}")
        return json.loads(reply)["data"]

    async def _exchange(self, path: str, content: bytes) -> tuple[int, bytes]:
        if self._streams is None or self._streams[0].at_eof():
            self.close()
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            self._seen.connections += 1
        reader, writer = self._streams
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Basic {self._credentials}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines if ": " in line)
        reply = await reader.readexactly(int(fields.get("content-length", 0)))
        if fields.get("connection") == "close":
            self.close()
        return int(status.split()[1]), reply

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


@dataclass
class Agent:
    """One agent and its run; `seen` counts from `from_s` on."""

    number: int
    sweep: str
    calls: Wire
    stream: Wire
    seen: Seen
    from_s: float
    run: str = ""
    sent: int = 0

    async def live(self, end_s: float) -> None:
        joined = await self.calls.ask(JOIN, host=f"h{self.number}", sweep=self.sweep)
        id, beat_s, stream_s = joined["createAgent"]["agent"]["id"], time.monotonic(), float("inf")
        while (now_s := time.monotonic()) < end_s:
            if now_s >= beat_s:
                beat_s = now_s + HEARTBEAT_S
                if await self._beat(id):
                    stream_s = time.monotonic() + random.random() * STREAM_S
            if now_s >= stream_s:
                stream_s = now_s + STREAM_S
                await self._log()
            await asyncio.sleep(max(0.001, min(beat_s, stream_s) - time.monotonic()))

    async def _beat(self, id: str) -> bool:
        """A heartbeat; whether it brought a run."""
        begin_s = time.monotonic()
        running = {self.run: True} if self.run else {}
        answer = await self.calls.ask(BEAT, id=id, metrics="{}", runState=json.dumps(running))
        self._took(self.seen.beats_s, begin_s)
        for command in json.loads(answer["agentHeartbeat"]["commands"]):
            if command["type"] != "run":
                self.seen.errors[f"told to {command['type']}"] += 1
                continue
            self.run = command["run_id"]
            await self.stream.ask(BEGIN, name=self.run, config=json.dumps(command["args"]), sweep=self.sweep)
            return True
        return False

    async def _log(self) -> None:
        begin_s = time.monotonic()
        status, reply = await self.stream.post(f"/files/local/{PROJECT}/{self.run}/file_stream", chunk(self.sent, ROWS))
        if status != 200:
            self.seen.errors[f"stream {status} {reply[:100]!r}"] += 1
            return
        self.sent += ROWS
        self.seen.rows += ROWS if begin_s >= self.from_s else 0
        self._took(self.seen.streams_s, begin_s)

    def _took(self, times_s: list[float], begin_s: float) -> None:
        if begin_s >= self.from_s:
            times_s.append(time.monotonic() - begin_s)


def chunk(first: int, rows: int) -> dict[str, Any]:
    """What a run logs in 15 s."""
    now_s = time.time()
    history = [
        json.dumps({"_step": step, "_timestamp": now_s, **{name: random.random() for name in METRICS}})
        for step in range(first, first + rows)
    ]
    system = json.dumps({**{f"system.{name}": 1234.567 for name in SYSTEM}, "_timestamp": now_s, "_runtime": 1.0})
    console = [f"2026-11-29T06:33:11.116329 epoch {step} loss 0.1234" for step in range(first, first + rows)]
    files = {
        "wandb-history.jsonl": {"offset": first, "content": history},
        "wandb-events.jsonl": {"offset": first // rows, "content": [system]},
        "wandb-summary.json": {"offset": 0, "content": history[-1:]},
        "output.log": {"offset": first, "content": console},
    }
    return {"files": files}


def crowd(port: int, key: str, sweep: str, numbers: range, from_s: float, end_s: float, results: Any) -> None:
    """A process full of agents; clocks of one machine's processes agree."""
    results.put(asyncio.run(_crowd(port, key, sweep, numbers, from_s, end_s)))


async def _crowd(port: int, key: str, sweep: str, numbers: range, from_s: float, end_s: float) -> Seen:
    seen = Seen()

    async def one(number: int) -> None:
        await asyncio.sleep(number * JOIN_S)
        agent = Agent(number, sweep, Wire(port, key, seen), Wire(port, key, seen), seen, from_s)
        try:
            await agent.live(end_s)
        except Exception as error:
            seen.errors[f"{type(error).__name__} {error}"[:120]] += 1
        finally:
            agent.calls.close()
            agent.stream.close()

    await asyncio.gather(*(one(number) for number in numbers))
    return seen


async def flood(port: int, key: str, bodies: int, at_s: float) -> Counter[int]:
    """Sends large file streams at once, again where the server is busy; counts the answers by status."""
    lines = ["x" * 999] * (BODY_BYTES // 1003)
    content = json.dumps({"files": {"output.log": {"offset": 0, "content": lines}}}).encode()

    async def one(number: int) -> None:
        wire = Wire(port, key, Seen())
        await wire.ask(BEGIN, name=f"big{number}", config="{}", sweep=None)
        await asyncio.sleep(at_s - time.monotonic())
        while True:
            status, _ = await wire.post(f"/files/local/{PROJECT}/big{number}/file_stream", content)
            statuses[status] += 1
            if status != 503:
                break
            await asyncio.sleep(AGAIN_S)
        wire.close()

    statuses: Counter[int] = Counter()
    await asyncio.gather(*(one(number) for number in range(bodies)))
    return statuses


async def store(port: int, key: str, rows: int, seconds: float) -> Seen:
    """Sends small file streams one after another on each of 16 connections."""
    seen, end_s = Seen(), time.monotonic() + seconds

    async def one(number: int) -> None:
        wire, name, first = Wire(port, key, seen), f"store{rows}x{number}", 0
        await wire.ask(BEGIN, name=name, config="{}", sweep=None)
        while time.monotonic() < end_s:
            begin_s = time.monotonic()
            status, _ = await wire.post(f"/files/local/{PROJECT}/{name}/file_stream", chunk(first, rows))
            seen.streams_s.append(time.monotonic() - begin_s)
            seen.errors[f"stream {status}"] += status != 200
            seen.rows, first = seen.rows + rows, first + rows
        wire.close()

    await asyncio.gather(*(one(number) for number in range(SENDERS)))
    return seen


def report_rows(server: Server, seconds: float) -> None:
    for rows in (1, 15, 100):
        cpu_s = server.cpu_s()
        seen = asyncio.run(store(port_of(server), server.key, rows, seconds))
        requests, cpu_s = len(seen.streams_s), server.cpu_s() - cpu_s
        print(
            f"{rows} rows a request: {seen.rows / seconds:,.0f} rows/s, {requests / seconds:.0f} requests/s, "
            f"{cpu_s / requests * 1000:.2f} CPU ms a request, {times(seen.streams_s)}, "
            f"{trouble(seen)}{surroundings(server)}",
            flush=True,
        )


def report_agents(server: Server, agents: int, seconds: float, processes: int, bodies: int) -> None:
    sweep = asyncio.run(Wire(port_of(server), server.key, Seen()).ask(SWEEP, config=json.dumps(CONFIG)))
    name = sweep["upsertSweep"]["sweep"]["name"]
    from_s = time.monotonic() + agents * JOIN_S + 2 * HEARTBEAT_S
    end_s = from_s + seconds
    results: multiprocessing.Queue[Seen] = multiprocessing.Queue()
    shares = [range(first, agents, processes) for first in range(processes)]
    crowds = [
        multiprocessing.Process(target=crowd, args=(port_of(server), server.key, name, share, from_s, end_s, results))
        for share in shares
    ]
    for each in crowds:
        each.start()
    statuses = asyncio.run(flood(port_of(server), server.key, bodies, from_s + seconds / 3)) if bodies else Counter()
    time.sleep(max(0.0, from_s - time.monotonic()))
    begin_s, cpu_s = time.monotonic(), server.cpu_s()
    time.sleep(max(0.0, end_s - 1 - time.monotonic()))
    share = (server.cpu_s() - cpu_s) / (time.monotonic() - begin_s)
    load = surroundings(server)
    seen = Seen()
    for _ in crowds:
        seen.add(results.get())
    print(
        f"{agents} agents: heartbeats {len(seen.beats_s)}, {times(seen.beats_s)}; streams {len(seen.streams_s)}, "
        f"{times(seen.streams_s)}; {seen.rows / seconds:.0f} rows/s; {seen.connections} connections; "
        f"{share:.0%} of a core; bodies {dict(statuses)}; {trouble(seen)}{load}"
    )


def times(times_s: list[float]) -> str:
    if not times_s:
        return "no answers"
    ordered = sorted(times_s)
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {ordered[-1] * 1000:.0f} ms"


def trouble(seen: Seen) -> str:
    return f"errors {dict(+seen.errors) or 'none'}; "


def surroundings(server: Server) -> str:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    now, most = (int(status.split(f"{name}:")[1].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    return f"memory {now:.0f} MB, at most {most:.0f}; {descriptors} descriptors; load {os.getloadavg()[0]:.1f}"


def port_of(server: Server) -> int:
    return int(server.url.rsplit(":", 1)[1])


@contextmanager
def many_descriptors() -> Iterator[None]:
    """Thousands of sockets want more than a shell's limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@click.command()
@click.option("--agents", default=100, show_default=True, help="How many, each with a live run.")
@click.option("--seconds", default=30.0, show_default=True, help="How long to measure, when all have joined.")
@click.option("--processes", default=4, show_default=True, help="Among which the agents are shared.")
@click.option("--bodies", default=0, show_default=True, help="File streams of 30 MB that arrive at once.")
@click.option("--rows", is_flag=True, help="Measure stored rows a second in place of agents.")
def main(agents: int, seconds: float, processes: int, bodies: int, rows: bool) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with serving(folder / "data") as server, many_descriptors():
            if rows:
                report_rows(server, seconds)
            else:
                report_agents(server, agents, seconds, processes, bodies)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
