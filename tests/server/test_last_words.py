"""A program that dies and says nothing itself is told of by the last exception in its console."""

import pytest

from tests.server.speaker import GRID, Speaker

AT = "2026-11-29T12:00:00.000001"
TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "mine.py", line 7, in <module>',
    "    train()",
    "    ~~~~~^^",
]


def told(wb: Speaker, lines: list[str], exit_code: int = 1, prefix: str = "ERROR ") -> str | None:
    """The cause in the summary of a run that printed these lines and ended."""
    sweep = wb.register(GRID)
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    wb.summarise(run, acc=0.5)
    console = {"output.log": {"offset": 0, "content": [f"{prefix}{AT} {line}" for line in lines]}}
    wb.stream(run, files=console, complete=True, exitcode=exit_code)
    assert wb.sent(run) == {"acc": 0.5}
    cause = wb.told(run).get("cause")
    return None if cause is None else str(cause)


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([*TRACEBACK, "ValueError: units is 3", "wandb: a line behind it"], "ValueError: units is 3"),
        ([*TRACEBACK, "mine.errors.Oops"], "mine.errors.Oops"),
        ([*TRACEBACK, "ValueError: first", "  second"], "ValueError: first"),
        (
            [*TRACEBACK, "KeyError: 'a'", "", "During handling of it, another occurred:", "", *TRACEBACK, "OSError: b"],
            "OSError: b",
        ),
        (["\x1b[31mRuntimeError: in colour\x1b[0m"], "RuntimeError: in colour"),
        (
            ["usage: mine.py [-h]", "mine.py: error: unrecognized arguments: --x=1"],
            "mine.py: error: unrecognized arguments: --x=1",
        ),
        (
            ["╭─ Traceback (most recent call last) ─╮", "│ mine.py:7 │", "╰───╯", "TypeError: by rich"],
            "TypeError: by rich",
        ),
        (["  | ExceptionGroup: two (2 sub-exceptions)"], "ExceptionGroup: two (2 sub-exceptions)"),
        (["epoch 1", "loss 0.5"], None),
        ([], None),
    ],
)
def test_the_last_exception_of_the_console_is_the_cause(wb: Speaker, lines: list[str], cause: str | None) -> None:
    assert told(wb, lines) == cause


def test_a_very_long_message_is_cut(wb: Speaker) -> None:
    assert len(told(wb, [*TRACEBACK, "ValueError: " + "x" * 9000]) or "") == 500


def test_what_is_printed_as_a_result_is_no_exception(wb: Speaker) -> None:
    assert told(wb, ["error: 0.25"], prefix="") is None


@pytest.mark.parametrize("exit_code", [0, 130, 143])
def test_a_program_that_did_not_fail_by_itself_has_no_such_cause(wb: Speaker, exit_code: int) -> None:
    assert told(wb, [*TRACEBACK, "ValueError: caught"], exit_code) is None


def test_the_programs_own_word_counts_before_its_console(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    run = wb.beat(wb.agent(sweep))["run_id"]
    wb.begin(run, sweep)
    wb.summarise(run, _cause="no data")
    wb.stream(run, files={"output.log": {"offset": 0, "content": [*TRACEBACK, "ValueError: x"]}})
    wb.finish(run, exit_code=1)

    assert '"no data"' in wb.runs(sweep, "failed")[0]["summaryMetrics"]


def test_failures_of_unlike_exceptions_do_not_stop_a_sweep(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    for error in ("ValueError: a", "TypeError: b", "KeyError: c"):
        run = wb.beat(agent)["run_id"]
        wb.begin(run, sweep)
        wb.stream(run, files={"output.log": {"offset": 0, "content": [*TRACEBACK, error]}})
        wb.finish(run, exit_code=1)

    assert wb.sweep(sweep)["state"] == "RUNNING"
