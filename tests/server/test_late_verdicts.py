"""A verdict of early termination for which long histories are read beside the work, while others write."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from server.ledger import early_stop, late_verdicts
from server.store.database import Database
from server.store.scope import Connection
from tests.server.speaker import Clock, Speaker, speaking
from tests.server.test_early_stop import SWEEP, start, update

HOUR_S = 3600.0
BAD = [{"_step": step, "acc": 0.1} for step in range(4)]


class Between(Database):
    """Something happens before its first transaction: after all has been read for it."""

    meanwhile: Callable[[], object] | None = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        with super().write() as tx:
            yield tx


@pytest.fixture
def wb(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    """A client of an application for which all histories are long, and which looks only when it is told to."""
    monkeypatch.setattr(early_stop, "MOST_READ", 0)
    with speaking(tmp_path / "data", clock, tick_s=HOUR_S) as speaker:
        yield speaker


@pytest.fixture
def bad(wb: Speaker) -> str:
    """A run that has come to a bracket, worse than its two rivals."""
    sweep = wb.register(SWEEP)
    for _ in range(2):
        rival = start(wb, sweep)
        wb.log(rival, 0, *({"_step": step, "acc": 0.8} for step in range(4)))
        wb.finish(rival)
    run = start(wb, sweep)
    assert wb.log(run, 0, *BAD[:2]).json() == {}, "not with the row itself"
    return run


def give(wb: Speaker, meanwhile: Callable[[], object] | None) -> list[int]:
    """Gives the verdicts that are due; the numbers of the runs that were read for one."""
    given: list[int] = []
    with closing(Between(wb.settings.database)) as database:
        database.meanwhile = meanwhile
        while (number := late_verdicts.give_next(database, given[-1] if given else 0, wb.clock())) is not None:
            given.append(number)
    return given


def stopped(wb: Speaker, run: str) -> bool:
    return bool(wb.stream(run).json() == {"stopped": True})


def test_a_run_is_stopped_at_the_next_look_and_hears_of_it_with_its_next_rows(wb: Speaker, bad: str) -> None:
    wb.look()

    assert wb.log(bad, 2, BAD[2]).json() == {"stopped": True}
    assert wb.told(bad)["early_stop"]["bracket"] == 2
    assert give(wb, None) == []


def test_rows_that_come_while_it_is_read_are_counted(wb: Speaker, bad: str) -> None:
    give(wb, lambda: wb.log(bad, 2, *BAD[2:]))
    give(wb, None)

    assert stopped(wb, bad)
    assert wb.told(bad)["early_stop"]["bracket"] == 4


@pytest.mark.parametrize("what", ["its own rows", "a rival's rows", "the config"])
def test_what_is_written_over_while_it_is_read_is_read_again(wb: Speaker, bad: str, what: str) -> None:
    sweep = wb.field(bad, "sweepName")
    rival = next(run["name"] for run in wb.runs(sweep) if run["name"] != bad)
    again = {
        "its own rows": lambda: wb.log(bad, 2, {"_step": 0, "acc": 0.2}),
        "a rival's rows": lambda: wb.log(rival, 4, {"_step": 0, "acc": 0.7}),
        "the config": lambda: update(wb, sweep, SWEEP | {"description": "another"}),
    }

    give(wb, again[what])
    before = stopped(wb, bad)
    give(wb, None)

    assert (before, stopped(wb, bad)) == (False, True)


def test_a_run_that_is_asked_to_stop_while_it_is_read_gets_no_verdict(wb: Speaker, bad: str) -> None:
    stop = "mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }"

    give(wb, lambda: wb.ask(stop, id=wb.field(bad, "id")))

    assert stopped(wb, bad)
    assert "early_stop" not in wb.told(bad)
