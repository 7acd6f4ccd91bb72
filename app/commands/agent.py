"""Runs one real `wandb agent` until its sweep is done, and says why whenever there is nothing to do."""

import sys
from collections.abc import Callable, Mapping
from functools import partial

from app.commands import client, left_words, lookup, prepare, waiting
from app.commands.client import BackendError, Refused
from app.commands.results import Reader, Results
from app.commands.setup import Setup
from app.commands.target import Target
from app.commands.waiting import GivenUp, Looks
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
# Of an idle agent's looks: the second, by which time a new one has been given its first run, then one in five minutes.
READ_FIRST, READ_EVERY = 2, 30
OUTAGE_S = 20.0


def command(path: str) -> list[str]:
    """The command of an agent for the sweep "entity/project/id"; it ends when the sweep is done."""
    options = ["--forward-signals", "--term-timeout", str(TERM_TIMEOUT_S), "--count", str(RUNS_PER_PROCESS)]
    return [sys.executable, "-m", "app.machine.agent_wandb", "agent", *options, path]


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
    setup.make_data_dir()
    tell = only_news(say)
    wait = partial(waiting.for_answer, limit_s=setup.settings.wait_s, tell=tell)
    reader, environment = wait(partial(_find_sweep, setup, setup.target()))
    if wait(reader.state) in states.SWEEP_OVER:
        say(f"{reader.path} is over: {wait(reader.read).count()}.")
        return 0
    prepare.ensure(reader.config, environment)  # three trials that fail end a sweep for all
    say(f"Agent works for {reader.path}.")
    left_words.tell(environment, say)
    warm = WarmServer(environment)
    try:
        while True:
            child = Child("agent", command(reader.path), warm.environment)
            _attend(child, warm, Watch(reader, Looks(setup.settings.wait_s), tell), interrupts, say)
            results = wait(reader.read)
            if not worth_another(child, results):
                break
            if code := child.exit_code():
                say(f"W&B's agent died, exit code {code}; another one takes its place.")
    finally:
        warm.stop(interrupts)
    say(results.count())
    return 0 if results.over or (child.exit_code() == 0 and results.handed_out) else 1


def worth_another(child: Child, results: Results) -> bool:
    """Whether a W&B agent that has ended is to have a successor.

    It had run its share, or it has died of a backend that was away when a trial ended: that takes it the 19 s for which
    W&B's client asks. What ends it sooner would end the next one too.
    """
    if results.over or results.hopeless:
        return False
    if child.exit_code() == 0:
        return not results.handed_out
    return child.exit_code() == 1 and child.lived_s() > OUTAGE_S


class Watch:
    """What is looked at while W&B's agent is at its work; hundreds of them look, and all runs are much to read."""

    def __init__(self, reader: Reader, looks: Looks, tell: Callable[[str | None], None]) -> None:
        self._reader, self._looks, self._tell = reader, looks, tell
        self._idle = 0

    def look(self, child: Child) -> None:
        """Says what is amiss: an idle agent's reason, or why there is no answer.

        Raises:
            Refused, GivenUp: as `Looks` does.
        """
        self._idle = 0 if child.at_work() else self._idle + 1
        reads = self._idle % READ_EVERY == READ_FIRST
        found = self._looks.look(self._reader.read if reads else self._reader.state, child.at_work)
        if found is None:
            self._idle = READ_FIRST - 1  # the next answer tells how it stands
            self._tell(f"{self._looks.trouble}; the agent goes on when it answers.")
        elif isinstance(found, Results):
            self._tell(idle_reason(found))
        elif not self._idle:
            self._tell(None)


def _attend(child: Child, warm: WarmServer, looks: Watch, interrupts: Interrupts, say: Callable[[str], None]) -> None:
    try:
        while child.exit_code() is None:
            if news := warm.news():
                say(news)
            looks.look(child)
            child.wait(LOOK_S)
    except Stopped:
        say("Stopping: the trial ends first. Ctrl-C (SIGINT) then ends it at once.")
        raise
    except (Refused, GivenUp) as error:
        say(f"Stopping, the trial first: {error.message}")
        raise
    finally:
        if child.exit_code() is None:
            stop([child], GRACE_S, interrupts)


def _find_sweep(setup: Setup, target: Target) -> tuple[Reader, Mapping[str, str]]:
    environment = setup.environment(setup.located())
    api = client.connect(environment)
    if path := target.find(api):
        return lookup.sweep(api, path), environment
    raise BackendError(f"{setup.settings.wandb_project} has no sweep {target.name} yet.")


def only_news(say: Callable[[str], None]) -> Callable[[str | None], None]:
    """Gives a way to say a line whenever it differs from the one before; None is silence, and news after it."""
    last: str | None = None

    def tell(line: str | None) -> None:
        nonlocal last
        if line and line != last:
            say(line)
        last = line

    return tell
