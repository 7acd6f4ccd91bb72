"""What programs say by `run.alert`: kept, and shown where their run is."""

from typing import Any

import pytest

from tests.server.shelf import Seen
from tests.server.speaker import GRID, Speaker


@pytest.fixture
def run(wb: Speaker) -> str:
    """A run of a sweep, under way."""
    sweep = wb.register(GRID)
    name = str(wb.beat(wb.agent(sweep))["run_id"])
    wb.begin(name, sweep, displayName="the run")
    return name


def page_of(wb: Speaker, path: str) -> Seen:
    reply = wb.http.get(path, headers=wb.headers)
    assert reply.status_code == 200, reply.text
    return Seen(reply.text)


def sweep_path(wb: Speaker, run: str) -> str:
    return f"/local/p/sweeps/{wb.field(run, 'sweepName')}"


def test_an_alert_is_on_the_page_of_its_run_and_of_its_sweep(wb: Speaker, run: str) -> None:
    reply = wb.alert(run, text="\x1b[31m3.2\x1b[0m <b>now</b>", severity="WARN", waitDuration=60_000)
    wb.alert(run, "Nothing left", "", severity="ERROR")
    wb.alert(run, "By the way", "all is well")
    of_run, of_sweep = page_of(wb, f"/local/p/runs/{run}"), page_of(wb, sweep_path(wb, run))

    assert reply.json()["data"]["notifyScriptableRunAlert"] == {"success": True}
    for page in (of_run, of_sweep):
        told = page.text[page.text.index("Alerts 3") :]
        for words in ("Warning 0 s ago Loss is high", "3.2 <b>now</b>", "Error 0 s ago Nothing left"):
            assert words in told
        assert told.index("Info 0 s ago By the way") < told.index("Error 0 s ago")
        assert "\x1b" not in page.html
    assert "Loss is high the run 3.2" in of_sweep.text


def test_a_page_without_alerts_has_no_place_for_them(wb: Speaker, run: str) -> None:
    for path in (f"/local/p/runs/{run}", sweep_path(wb, run)):
        assert "Alerts" not in page_of(wb, path).text


def test_the_same_title_is_said_again_only_after_the_time_that_its_program_names(wb: Speaker, run: str) -> None:
    for passing_s, title in ((0, "high"), (0, "high"), (0, "low"), (59, "high"), (2, "high")):
        wb.clock.pass_s(passing_s)
        assert wb.alert(run, title, waitDuration=60_000).status_code == 200

    page = page_of(wb, f"/local/p/runs/{run}")

    assert "Alerts 3" in page.text
    assert page.texts.count("high") == 2


def test_many_alerts_are_counted_and_the_last_of_them_shown(wb: Speaker, run: str) -> None:
    for number in range(21):
        wb.alert(run, f"alert number {number}")

    of_run, of_sweep = page_of(wb, f"/local/p/runs/{run}"), page_of(wb, sweep_path(wb, run))

    assert "the last 20 of 21" in of_run.text
    assert "alert number 0" not in of_run.texts
    assert "the last 5 of 21" in of_sweep.text


def test_alerts_go_and_come_back_with_their_run(wb: Speaker, run: str) -> None:
    wb.alert(run)
    path, id = sweep_path(wb, run), wb.field(run, "id")
    wb.ask("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=id)
    without = page_of(wb, path)
    restore = next(
        str(attributes["action"])
        for tag, attributes in page_of(wb, "/deleted").tags
        if tag == "form" and "/restore" in str(attributes.get("action"))
    )
    wb.http.post(restore, headers=wb.headers)

    assert "Loss is high" not in without.text
    assert "Loss is high" in page_of(wb, path).text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": "x" * 1_001}, "an alert has a title of 1,000 characters and 20,000 of text at most"),
        ({"text": "x" * 20_001}, "an alert has a title of 1,000 characters and 20,000 of text at most"),
        ({"waitDuration": "soon"}, "'soon' is no whole number of 64 bits"),
        ({"runName": "none"}, "could not find run local/p/none"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_alert_that_cannot_be_kept_is_refused(wb: Speaker, run: str, given: dict[str, Any], said: str) -> None:
    reply = wb.alert(run, **given)

    assert said in reply.text
    assert "Alerts" not in page_of(wb, f"/local/p/runs/{run}").text
