"""W&B's own agent, as this project runs it: it looks at once where it would sleep first."""

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from server.settings import Settings
from tests.app.programs import ROOT
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

# A signal when the trial is at work, and another one as late as it can come: while the client answers the first.
SIGNALLED_TWICE = """
import os, signal
import wandb, wandb.wandb_agent
from app.machine import agent_wandb

say, poll = wandb.termlog, wandb.wandb_agent.AgentProcess.poll

def say_late(text, *arguments, **options):
    if "received" in text:
        os.kill(os.getpid(), signal.SIGTERM)
    say(text, *arguments, **options)

def poll_once(process):
    if os.path.exists("at-work"):
        os.remove("at-work")
        os.kill(os.getpid(), signal.SIGTERM)
    return poll(process)

wandb.termlog, wandb.wandb_agent.AgentProcess.poll = say_late, poll_once
agent_wandb.main(os.environ)
"""
CLOSES_ITS_RUN = "trap 'sleep 1; echo clo''sed; exit' TERM; touch at-work; while :; do sleep .1; done"

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
        agent = subprocess.run(
            [sys.executable, "-c", SIGNALLED_TWICE, "agent", "--forward-signals", f"local/signalled/{sweep}"],
            cwd=tmp_path,
            env=server.env(tmp_path) | {"WANDB_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=HANG_S,
        )

    assert agent.returncode == 0, agent.stdout
    assert "closed" in agent.stdout
    assert "Traceback" not in agent.stdout


def test_a_child_that_ends_between_two_looks_is_not_missed_and_one_more_look_follows_soon() -> None:
    done = subprocess.run([sys.executable, "-c", THREE_WAITS], capture_output=True, text=True, timeout=HANG_S)

    assert done.stdout.splitlines() == ["back"] * 3, done.stderr
