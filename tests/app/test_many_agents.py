"""What an agent asks of its backend while it has nothing to say: hundreds of them do so at once."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from app.commands.agent import Watch
from app.commands.client import BackendError
from app.commands.results import Results
from app.commands.waiting import Looks

PAUSED = Results("me/p/s", "s", "", "PAUSED", None, False, 1, (), None)


class Backend:
    """Counts what it is asked for; stands for a sweep's reader and for W&B's agent."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.said: list[str | None] = []
        self.is_away = False
        self.watch = Watch(cast(Any, self), Looks(600), self.said.append)

    def read(self) -> Results:
        self.asked["all runs"] += 1
        return PAUSED

    def state(self) -> str:
        self.asked["state"] += 1
        if self.is_away:
            raise BackendError("no answer in time")
        return "PAUSED"

    def look(self, times: int, at_work: bool) -> None:
        for _ in range(times):
            self.watch.look(cast(Any, SimpleNamespace(at_work=lambda: at_work)))


def test_an_agent_at_work_asks_for_the_sweeps_state_alone() -> None:
    backend = Backend()

    backend.look(100, at_work=True)

    assert backend.asked == {"state": 100}


def test_an_idle_agent_reads_all_runs_once_to_say_why_and_then_every_five_minutes() -> None:
    backend = Backend()

    backend.look(31, at_work=False)

    assert backend.asked == {"all runs": 1, "state": 30}
    assert backend.said == ["The sweep is paused. `wandb sweep --resume me/p/s` or its page lets it go on."]


def test_after_an_outage_an_idle_agent_says_again_how_it_stands() -> None:
    backend = Backend()
    backend.look(3, at_work=False)

    backend.is_away = True
    backend.look(1, at_work=False)
    backend.is_away = False
    backend.look(1, at_work=False)

    assert backend.said[1] == "no answer in time; the agent goes on when it answers."
    assert backend.said[2] == backend.said[0]
