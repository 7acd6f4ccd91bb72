"""Two runs side by side, and only what is not the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from charts import format
from server.pages.sweep.recipe import recipe
from server.pages.sweep.view import SweepView
from server.pages.words.how_long import epochs, run_time
from server.pages.words.look import run_look
from server.store.page_queries import Attempt


@dataclass(frozen=True)
class Difference:
    """What a name stands for in the one run and in the other."""

    name: str
    first: str
    second: str


def differences(view: SweepView, runs: Sequence[Attempt]) -> list[Difference]:
    """Compares the first two of some runs.

    Returns:
        Parameters first, then what came of them; [] for fewer than two runs.
    """
    if len(runs) < 2:
        return []
    first, second = (_facts(view, run) for run in runs[:2])
    return [
        Difference(name, first.get(name, format.ABSENT), second.get(name, format.ABSENT))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]


def _facts(view: SweepView, attempt: Attempt) -> dict[str, str]:
    run, name = attempt.run, view.sweep.metric_name
    metric = {} if name is None else {name: format.metric(run.metric, view.decimals)}
    ended = {"state": run_look(run).word, "epochs done": epochs(run), "time": run_time(run, view.now)}
    return {**dict(recipe(attempt, view.sweep)), **metric, **ended}
