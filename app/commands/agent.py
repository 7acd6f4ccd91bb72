"""Runs one real `wandb agent` until its sweep is done, and says why whenever there is nothing to do."""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from app.commands import client, left_words, lookup, prepare, waiting
from app.commands.client import BackendError
from app.commands.results import Reader, Results
from app.commands.setup import Setup
from app.commands.target import Target
from app.commands.warm_server import WarmServer
from app.machine.children import Child, Interrupts, Stopped, stop
from terms import states

# What a trial may take to end after SIGTERM: an epoch of a larger model, then its last upload.
TERM_TIMEOUT_S = 45
# The agent's own time on top, before it is killed with all that it started.
GRACE_S = TERM_TIMEOUT_S + 15

# With --forward-signals an agent of wandb 0.31.0 dies at its 992nd run: each adds a call to its signal handler.
RUNS_PER_PROCESS = 500

LOOK_S = 10.0


def command(path: str) -> list[str]:
    """The command of an agent for the sweep "entity/project/id"; it ends when the sweep is done."""
    options = ["--forward-signals", "--term-timeout", str(TERM_TIMEOUT_S), "--count", str(RUNS_PER_PROCESS)]
    return [sys.executable, "-m", "wandb", "agent", *options, path]


def idle_reason(results: Results, agents: int = 1) -> str | None:
    """Why an agent of this sweep has nothing to run, if there is a reason.

    Args:
        agents: how many are looked after here; no more runs than these may all be theirs.
    """
    if results.state == states.SWEEP_PAUSED:
        return f"The sweep is paused. `wandb sweep --resume {results.path}` or its page lets it go on."
    if not results.over and results.waits:
        return f"Idle agents wait: {results.waits}"
    if not results.over and results.handed_out and 0 < len(results.running) != agents:
        return "Nothing is left to start; idle agents wait until the last runs have ended."
    return None


def run(setup: Setup, interrupts: Interrupts, say: Callable[[str], None] = print) -> int:
    """Waits for the sweep and works for it; SIGINT and SIGTERM end the trial cleanly.

    Args:
        interrupts: entered; a second signal ends the trial at once.
        say: prints a line.

    Returns:
        The exit code: 0 when the sweep is done.

    Raises:
        Refused, SettingError: at once, if the backend would answer the same if it were asked again.
        GivenUp: if there is no answer for WAIT_S.
        NotPrepared: before it takes a point, if its trials would not find their data.
    """
    tell = only_news(say)
    target = setup.target()
    reader, environment = waiting.for_answer(partial(_find_sweep, setup, target), setup.settings.wait_s, tell)
    prepare.ensure(reader.config, environment)  # three trials that fail end a sweep for all
    say(f"Agent works for {reader.path}.")
    left_words.tell(environment, say)
    warm = WarmServer(environment)

    def look() -> None:
        if news := warm.news():
            say(news)
        tell(_look(reader))

    try:
        while True:
            code = _work(Child("agent", command(reader.path), warm.environment), look, interrupts, say)
            results = reader.read()
            if not worth_another(code, results):
                break
    finally:
        warm.stop(interrupts)
    say(results.count())
    return 0 if results.over or (code == 0 and results.handed_out) else 1


def worth_another(code: int | None, results: Results) -> bool:
    """Whether an agent that ended with `code` did so only because it had run its share."""
    return code == 0 and not (results.over or results.handed_out or results.hopeless)


def _work(child: Child, look: Callable[[], None], interrupts: Interrupts, say: Callable[[str], None]) -> int | None:
    try:
        while child.exit_code() is None:
            look()
            child.wait(LOOK_S)
    except Stopped:
        say("Stopping: the trial ends first. Once more ends it at once.")
        raise
    finally:
        if child.exit_code() is None:
            stop([child], GRACE_S, interrupts)
    return child.exit_code()


def _find_sweep(setup: Setup, target: Target) -> tuple[Reader, Mapping[str, str]]:
    environment = setup.environment(setup.located())
    api = client.connect(environment)
    if path := target.find(api):
        return lookup.sweep(api, path), environment
    raise BackendError(f"{setup.settings.wandb_project} has no sweep {target.name} yet.")


def _look(reader: Reader) -> str | None:
    try:
        return idle_reason(reader.read())
    except BackendError as error:
        return f"{error.message}; the agent goes on when it answers."


def only_news(say: Callable[[str], None]) -> Callable[[str | None], None]:
    """Gives a way to say a line whenever it differs from the one before; None is silence, and news after it."""
    last: str | None = None

    def tell(line: str | None) -> None:
        nonlocal last
        if line and line != last:
            say(line)
        last = line

    return tell
