"""Where the settings say so, system metrics and consoles of runs that ended long ago become less, and nothing else."""

from pathlib import Path

import pytest

from tests.server.speaker import Clock, Speaker, speaking

DAY_S = 24 * 3600.0
LINES = 1000


@pytest.fixture
def long_run(tmp_path: Path, clock: Clock) -> Path:
    """A run with many system metrics, a long console and a long history."""
    with speaking(tmp_path / "data", clock) as wb:
        wb.begin("r")
        rows = [f'{{"system.cpu": {number}, "_runtime": {number}}}' for number in range(LINES)]
        console = [f"2026-11-23T16:33:42.164330 line {number}" for number in range(LINES)]
        files = {"wandb-events.jsonl": rows, "output.log": console, "wandb-history.jsonl": rows}
        wb.stream("r", files={name: {"offset": 0, "content": content} for name, content in files.items()})
        wb.finish("r")
    return tmp_path / "data"


def counts(wb: Speaker) -> tuple[int, int, int]:
    """Rows of system metrics, lines of the console, rows of the history."""
    return tuple(wb.field("r", f"{name}LineCount") for name in ("events", "log", "history"))


def test_after_its_time_a_sample_and_both_ends_are_left(long_run: Path, clock: Clock) -> None:
    with speaking(long_run, clock, keep_system_metrics_days=3, keep_console_days=30) as wb:
        clock.freeze_s(3 * DAY_S - 60)
        wb.look()
        early = counts(wb)
        clock.freeze_s(120)
        wb.look()
        then = counts(wb)
        clock.freeze_s(27 * DAY_S)
        wb.look()
        late = counts(wb)
        events = wb.field("r", "events(samples: 1000)")
        console = wb.http.get("/local/p/runs/r", headers=wb.headers).text
        wb.look()

        assert (early, then, late) == ((1000, 1000, 1000), (200, 1000, 1000), (200, 501, 1000))
        assert counts(wb) == late
    assert len(events) == 200
    assert '"system.cpu": 0,' in events[0]
    assert '"system.cpu": 999,' in events[-1]
    assert "line 999" in console


def test_what_is_left_of_a_console_says_what_is_not(long_run: Path, clock: Clock) -> None:
    with speaking(long_run, clock, keep_console_days=1) as wb:
        clock.freeze_s(DAY_S + 60)
        wb.look()
        edges = wb.field("r", "logLines(first: 1000) { edges { node { line } } }")["edges"]

    lines = [edge["node"]["line"].rstrip("\n") for edge in edges]
    assert [line.split()[-1] for line in (lines[0], lines[99], lines[101], lines[-1])] == ["0", "99", "600", "999"]
    assert lines[100] == "... 500 lines of this console are not kept any more ..."


def test_a_run_that_goes_on_after_that_goes_on_behind_what_is_left(long_run: Path, clock: Clock) -> None:
    with speaking(long_run, clock, keep_system_metrics_days=1) as wb:
        clock.freeze_s(DAY_S + 60)
        wb.look()
        wb.begin("r")
        offset = wb.field("r", "eventsLineCount")
        wb.stream("r", files={"wandb-events.jsonl": {"offset": offset, "content": ['{"system.cpu": 7}']}})

        assert counts(wb) == (201, 1000, 1000)


def test_without_the_settings_all_is_kept(long_run: Path, clock: Clock) -> None:
    with speaking(long_run, clock) as wb:
        clock.freeze_s(3650 * DAY_S)
        wb.look()

        assert counts(wb) == (1000, 1000, 1000)
