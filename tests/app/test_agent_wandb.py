"""W&B's own agent, as this project runs it: it looks at once where it would sleep first."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from server.settings import Settings
from tests.app.programs import ending, lines_until
from tests.patience import HANG_S
from tests.server.real_server import RunningServer
from tests.server.speaker import Clock, Speaker

# The client's own poll is put off until after the end of the test: only who is woken gets on.
NEVER_POLLS = f"""
import os, sys
import wandb.wandb_agent
from app.machine import agent_wandb

wandb.wandb_agent.Agent.POLL_INTERVAL = {2 * HANG_S}
agent_wandb.main(os.environ)
"""
GRID = {"method": "grid", "parameters": {"units": {"values": [8, 16]}}, "command": ["true"]}

# Another signal, as late as it can come: while the client answers the first one.
SIGNALLED_AGAIN = """
import os, signal
import wandb
from app.machine import agent_wandb

say = wandb.termlog

def say_late(text, *arguments, **options):
    if "received" in text:
        os.kill(os.getpid(), signal.SIGTERM)
    say(text, *arguments, **options)

wandb.termlog = say_late
agent_wandb.main(os.environ)
"""
CLOSES_ITS_RUN = "trap 'sleep 1; echo clo''sed; exit' TERM; echo at''work; while :; do sleep .1; done"

THREE_WAITS = """
import queue, subprocess
from app.machine import agent_wandb

waiting = agent_wandb.WokenQueue(agent_wandb.Woken())
for ended in (True, True, False):
    if ended:
        subprocess.run(["true"])
    try:
        waiting.get(True, 3600)
    except queue.Empty:
        print("back")
"""


@pytest.mark.slow
def test_an_agent_asks_for_its_first_trial_at_once_and_for_the_next_as_soon_as_one_has_ended(
    server: RunningServer, tmp_path: Path
) -> None:
    with httpx2.Client(base_url=server.url, timeout=HANG_S) as http:
        sweep = Speaker(http, server.api_key, Clock(), Settings(data=server.data)).register(GRID, "woken")
        agent = subprocess.run(
            [sys.executable, "-c", NEVER_POLLS, "agent", "--forward-signals", "--count", "3", f"local/woken/{sweep}"],
            env=server.env(tmp_path) | {"WANDB_DIR": str(tmp_path), "WANDB_AGENT_DISABLE_FLAPPING": "true"},
            capture_output=True,
            text=True,
            timeout=HANG_S,
        )

    assert agent.returncode == 0, agent.stderr
    assert agent.stderr.count("About to run command: true") == 3


@pytest.mark.slow
def test_a_second_signal_at_once_lets_the_trial_close_its_run_first(server: RunningServer, tmp_path: Path) -> None:
    config = GRID | {"command": ["sh", "-c", CLOSES_ITS_RUN]}
    with httpx2.Client(base_url=server.url, timeout=HANG_S) as http:
        sweep = Speaker(http, server.api_key, Clock(), Settings(data=server.data)).register(config, "signalled")
        agent = subprocess.Popen(
            [sys.executable, "-c", SIGNALLED_AGAIN, "agent", "--forward-signals", f"local/signalled/{sweep}"],
            env=server.env(tmp_path) | {"WANDB_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines_until(agent, "atwork")
        agent.terminate()
        code, output = ending(agent)

    assert code == 0, output
    assert "closed" in output
    assert "Traceback" not in output


def test_a_child_that_ends_between_two_looks_is_not_missed_and_one_more_look_follows_soon() -> None:
    done = subprocess.run([sys.executable, "-c", THREE_WAITS], capture_output=True, text=True, timeout=HANG_S)

    assert done.stdout.splitlines() == ["back"] * 3, done.stderr
