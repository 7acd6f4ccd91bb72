"""How long does a server hear nothing of an agent and its run? `python -m benchmarks.silences`

One real `wandb agent` with one run that logs a row every 2 s reaches a real server through a proxy, which is cut for
some seconds: connections are refused, or what is sent vanishes and nobody answers. Printed is, for each cut, how long
the server heard of neither the agent nor its run. Who is given up has to be silent for longer.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import yaml

CUTS_S = (0, 5, 10, 20, 30, 45, 60)
SETTLED_S = 45.0
KINDS = ("refused", "unanswered")
TRIAL = """
import time, wandb
run = wandb.init()
while True:
    run.log({"loss": 1.0})
    time.sleep(2)
"""


@dataclass
class Proxy:
    """Passes connections on, unless it is cut; notes when bytes came through to the server."""

    server_port: int
    port: int = 0
    heard_s: list[float] = field(default_factory=list)
    _vanishes: bool = False
    _listener: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._do(self._listen())

    def cut(self, kind: str) -> None:
        self._do(self._cut(kind))

    def mend(self) -> None:
        self._do(self._mend())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _cut(self, kind: str) -> None:
        if kind == "unanswered":
            self._vanishes = True
        elif self._listener:
            self._listener.close()
            self._break_off()

    async def _mend(self) -> None:
        if self._vanishes:
            self._vanishes = False
            self._break_off()  # as after a lost route: what was sent meanwhile does not come any more
        else:
            await self._listen()

    def _break_off(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.server_port)
        self._open |= {writer, far_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pour(reader, far_writer, True), self._pour(far_reader, writer, False))
        self._open -= {writer, far_writer}

    async def _pour(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, to_server: bool) -> None:
        while piece := await source.read(65536):
            if self._vanishes:
                continue
            if to_server:
                self.heard_s.append(time.monotonic())
            target.write(piece)
            await target.drain()
        target.close()


@click.command()
@click.option("--cuts-s", default=",".join(map(str, CUTS_S)), show_default=True, help="How long each cut takes.")
def main(cuts_s: str) -> None:
    """Print the longest silences that cuts of the network make."""
    with tempfile.TemporaryDirectory(prefix="silences-") as name, contextlib.ExitStack() as ends:
        proxy = _sweep_behind_proxy(Path(name), ends)
        print(f"load {os.getloadavg()[0]:.1f}\n{'cut':>12} {'for':>6} {'silence':>9}")
        for kind in KINDS:
            for cut_s in map(float, cuts_s.split(",")):
                silence_s = _silence(proxy, kind, cut_s)
                print(f"{kind:>12} {cut_s:>5.0f}s {silence_s:>8.1f}s", flush=True)


def _sweep_behind_proxy(folder: Path, ends: contextlib.ExitStack) -> Proxy:
    data = folder / "server"
    _started(
        ends, folder, "server", [sys.executable, "-m", "server", "--data", str(data), "--port", "0"], dict(os.environ)
    )
    while not (data / "server.json").exists():
        time.sleep(0.1)
    proxy = Proxy(int(json.loads((data / "server.json").read_text())["url"].rsplit(":", 1)[1]))
    proxy.start()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")} | {
        "WANDB_BASE_URL": f"http://127.0.0.1:{proxy.port}",
        "WANDB_API_KEY": (data / "api-key").read_text().strip(),
        "WANDB_DIR": str(folder),
        "HOME": str(folder),
    }
    (folder / "trial.py").write_text(TRIAL)
    sweep = {"program": "trial.py", "method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    (folder / "sweep.yaml").write_text(yaml.dump(sweep | {"command": [sys.executable, "trial.py"]}))
    wandb = str(Path(sys.executable).with_name("wandb"))
    made = subprocess.run(
        [wandb, "sweep", "--project", "p", "sweep.yaml"], cwd=folder, env=environment, capture_output=True, text=True
    )
    sweep_id = made.stderr.rsplit("wandb agent ", 1)[1].split()[0]
    _started(ends, folder, "agent", [wandb, "agent", sweep_id], environment)
    time.sleep(SETTLED_S)
    return proxy


def _silence(proxy: Proxy, kind: str, cut_s: float) -> float:
    """Seconds of the longest silence around one cut."""
    begin = len(proxy.heard_s)
    if cut_s:
        proxy.cut(kind)
        time.sleep(cut_s)
        proxy.mend()
    before = len(proxy.heard_s)
    while cut_s and len(proxy.heard_s) == before:
        time.sleep(0.1)
    time.sleep(SETTLED_S)
    heard_s = proxy.heard_s[max(begin - 1, 0) :]
    return max(later - earlier for earlier, later in itertools.pairwise(heard_s))


def _started(ends: contextlib.ExitStack, folder: Path, name: str, command: list[str], env: dict[str, str]) -> None:
    root = Path(__file__).parents[1]
    log = ends.enter_context((folder / f"{name}.log").open("w"))
    cwd = root if name == "server" else folder
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=log, stderr=log, start_new_session=True)

    def end() -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    ends.callback(end)


if __name__ == "__main__":
    main()
