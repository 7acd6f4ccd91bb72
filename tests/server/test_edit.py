"""What people change by hand on the pages: names, notes, tags, a run's project, a sweep's file, what is deleted."""

import html
import re
from pathlib import Path
from typing import Any

import pytest

from server.store.database import reading
from server.verify import verify
from tests.server.people import add_user
from tests.server.speaker import GRID, Clock, Speaker, speaking

FORM = r'<form[^>]*method="post" action="([^"]+)">(?:(?!</form>).)*aria-label="([^"]+)">[^<]*</button>'
DAY_S = 24 * 3600.0
BEGIN = 'mutation ($run: String!) { upsertBucket(input: {name: $run, modelName: "p"}) { inserted } }'
RUNS = '{ project(name: "p") { runCount runs { edges { node { name } } } } }'


def page(wb: Speaker, path: str) -> str:
    return html.unescape(wb.http.get(path, headers=wb.headers).text)


def send(wb: Speaker, path: str, button: str, **fields: str) -> Any:
    """Presses a button of a page, with what its form holds."""
    (action,) = (action for action, name in re.findall(FORM, page(wb, path), re.DOTALL) if name == button)
    return wb.http.post(action, data=fields, headers=wb.headers, follow_redirects=False)


def names(wb: Speaker) -> list[str]:
    return [edge["node"]["name"] for edge in wb.ask(RUNS)["project"]["runs"]["edges"]]


def end_of(wb: Speaker, sweep: str) -> float:
    """When it ended."""
    with reading(wb.settings.database) as connection:
        return float(connection.execute("SELECT ended_at_s FROM sweep WHERE name = ?", (sweep,)).fetchone()[0])


def holds(wb: Speaker) -> bool:
    with reading(wb.settings.database) as connection:
        return verify(connection).problems == ()


def test_a_run_is_renamed_tagged_and_described_as_by_its_client(wb: Speaker) -> None:
    wb.begin("r")

    sent = send(wb, "/local/p/runs/r/edit", "Save run 1", name="fast one", tags="a, b,, a", notes="**bold**\r\n- x")

    assert (sent.status_code, sent.headers["location"]) == (303, "/local/p/runs/r")
    assert wb.field("r", "displayName") == "fast one"
    assert wb.field("r", "tags") == ["a", "b"]
    assert wb.field("r", "notes") == "**bold**\n- x"
    shown = page(wb, "/local/p/runs/r")
    assert "<strong>bold</strong>" in shown
    assert '<span class="tag">b</span>' in shown


def test_a_sweep_and_a_project_are_described_as_by_the_client(wb: Speaker) -> None:
    sweep = wb.register(GRID)

    send(wb, f"/local/p/sweeps/{sweep}/edit", f"Save {sweep}", name="best one", notes="why")
    send(wb, "/local/p/edit", "Save p", notes="what for")

    assert wb.sweep(sweep)["description"] == "why"
    assert "best one" in page(wb, f"/local/p/sweeps/{sweep}")
    assert wb.ask('{ project(name: "p") { description } }')["project"]["description"] == "what for"


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("<img src=//evil.example/a.png>", "&lt;img"),
        (
            "![a](https://evil.example/a.png)",
            '!<a href="https://evil.example/a.png" rel="nofollow noopener noreferrer">',
        ),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("[a](data:text/html,x)", "[a](data:text/html,x)"),
        ("# Head", "<h3>Head</h3>"),
    ],
)
def test_notes_are_markdown_that_brings_nothing_of_its_own_into_the_page(wb: Speaker, notes: str, shown: str) -> None:
    wb.begin("r", notes=notes)

    written = wb.http.get("/local/p/runs/r", headers=wb.headers).text.split('class="written">')[1].split("</div>")[0]

    assert shown in written


def sent(wb: Speaker, sweep: str, **fields: str) -> Any:
    """Sends the form of the page of a new sweep, and gives the answer."""
    (action,) = re.findall(r'action="([^"]+/begin[^"]+)"', page(wb, f"/local/p/sweeps/{sweep}/new"))
    return wb.http.post(action, data=fields, headers=wb.headers, follow_redirects=False)


def test_a_new_sweep_begins_with_the_file_of_another_one_as_somebody_changed_it(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    text = "# tried less\nmethod: grid\nparameters: {units: {values: [8]}}\n"

    opened = page(wb, f"/local/p/sweeps/{sweep}/new")
    tried = sent(wb, sweep, config=text, name="less", do="check")
    registered = sent(wb, sweep, config=text, name="less", do="register")
    new = registered.headers["location"]

    assert "values:\n    - 8\n    - 16" in opened
    assert "No mistakes." in tried.text
    assert new.startswith("/local/p/sweeps/")
    assert wb.sweep(new.rpartition("/")[2])["runCountExpected"] == 1
    assert '<h1 title="less">' in page(wb, new)
    assert wb.http.get(f"{new}/take/sweep.yaml", headers=wb.headers).text == text


def test_a_wrong_sweep_file_is_told_with_its_places_and_kept_in_the_form(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    text = "method: gird\nparameters:\n  units: {values: [8]}\n  lr: {distribution: uniform, min: 1}\n"

    told = html.unescape(sent(wb, sweep, config=text, name="n", do="register").text)

    assert "sweep.yaml:1:1: " in told
    assert "sweep.yaml:4:3: " in told
    assert text in told
    assert wb.ask('{ project(name: "p") { totalSweeps } }')["project"]["totalSweeps"] == 1
    assert "at most 100,000 characters" in sent(wb, sweep, config="#" * 100_001, name="", do="check").text


def test_what_is_deleted_is_in_no_answer_and_is_brought_back_as_it_was(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(GRID | {"run_cap": 1})
    run = wb.do_trial(wb.agent(sweep), sweep, loss=1.0)
    wb.begin("other")
    ended_at_s = end_of(wb, sweep)

    for path, button in (
        (f"/local/p/runs/{run}/edit", "Delete trial 1"),
        (f"/local/p/sweeps/{sweep}/edit", f"Delete {sweep}"),
    ):
        assert send(wb, path, button).status_code == 303
    left, gone = names(wb), wb.http.get(f"/local/p/sweeps/{sweep}", headers=wb.headers).status_code
    refused = send(wb, "/deleted", "Bring back run trial 1")
    clock.pass_s(60)
    send(wb, "/deleted", f"Bring back sweep {sweep}")
    send(wb, "/deleted", "Bring back run trial 1")

    assert (left, gone) == (["other"], 404)
    assert (refused.status_code, "is deleted, too: bring that back first" in html.unescape(refused.text)) == (400, True)
    assert names(wb) == [run, "other"]
    assert (wb.sweep(sweep)["state"], wb.runs(sweep)[0]["state"]) == ("FINISHED", "finished")
    assert end_of(wb, sweep) == ended_at_s
    assert "nothing" in page(wb, "/deleted")
    assert holds(wb)


def test_a_run_whose_point_went_on_without_it_comes_back_beside_its_sweep(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"run_cap": 1})
    agent = wb.agent(sweep)
    first = wb.do_trial(agent, sweep, loss=1.0)
    send(wb, f"/local/p/runs/{first}/edit", "Delete trial 1")
    wb.set_state(sweep, "RUNNING")
    second = wb.do_trial(agent, sweep, loss=2.0)

    send(wb, "/deleted", "Bring back run trial 1")

    assert [run["name"] for run in wb.runs(sweep)] == [second]
    assert names(wb) == [first, second]
    assert wb.field(first, "sweepName") is None
    assert holds(wb)


def test_an_attempt_that_failed_comes_back_as_one(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"run_cap": 1})
    agent = wb.agent(sweep)
    failed = wb.do_trial(agent, sweep, exit_code=1)
    send(wb, f"/local/p/runs/{failed}/edit", "Delete trial 1")
    finished = wb.do_trial(agent, sweep, loss=1.0)

    send(wb, "/deleted", "Bring back run trial 1")

    assert [run["name"] for run in wb.runs(sweep)] == [failed, finished]
    assert holds(wb)


def test_a_project_comes_back_under_a_name_beside_the_one_that_took_its_own(wb: Speaker) -> None:
    wb.begin("r")
    wb.finish("r")
    send(wb, "/local/p/edit", "Delete p")
    wb.begin("new")

    send(wb, "/deleted", "Bring back project p")

    assert names(wb) == ["new"]
    assert wb.field("r", "state", project="p-2") == "finished"


def test_a_run_comes_back_after_its_project_and_as_it_was(wb: Speaker) -> None:
    for run in ("r", "other"):
        wb.begin(run)
        wb.finish(run)
    send(wb, "/local/p/runs/r/edit", "Delete run 1")
    send(wb, "/local/p/edit", "Delete p")

    refused = send(wb, "/deleted", "Bring back run run 1")
    send(wb, "/deleted", "Bring back project p")
    send(wb, "/deleted", "Bring back run run 1")

    assert "project p is deleted, too: bring that back first" in refused.text
    assert names(wb) == ["r", "other"]


def test_what_is_under_way_is_not_deleted(wb: Speaker) -> None:
    sweep = wb.register(GRID)

    refused = [
        send(wb, "/local/p/edit", "Delete p"),
        wb.http.get(f"/local/p/sweeps/{sweep}/edit", headers=wb.headers),
    ]

    assert "is PENDING: cancel what is under way, then delete" in refused[0].text
    assert "cancel it first" in refused[1].text
    assert wb.sweep(sweep)["state"] == "PENDING"


def test_what_is_deleted_is_gone_for_good_after_30_days(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(GRID | {"run_cap": 2})
    agent = wb.agent(sweep)
    runs = [wb.do_trial(agent, sweep, loss=1.0) for _ in range(2)]
    wb.begin("loose")
    for run, name in ((runs[0], "trial 1"), ("loose", "run 3")):
        send(wb, f"/local/p/runs/{run}/edit", f"Delete {name}")
    clock.set_by_s(DAY_S)
    wb.set_state(sweep, "FINISHED")
    send(wb, f"/local/p/sweeps/{sweep}/edit", f"Delete {sweep}")

    clock.set_by_s(29.5 * DAY_S)
    for _ in range(3):
        wb.look()
    left = page(wb, "/deleted")
    clock.set_by_s(DAY_S)
    for _ in range(2):
        wb.look()

    assert "Bring back run" not in left
    assert f"Bring back sweep {sweep}" in left
    assert "nothing" in page(wb, "/deleted")
    assert wb.post(BEGIN, run="loose").status_code == 410
    assert holds(wb)


def test_what_is_left_to_do_for_a_run_waits_while_it_is_deleted(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock, tick_s=3600.0) as wb:
        wb.begin("r")
        wb.log("r", 0, *({"_step": step, "loss": step} for step in range(5)))
        wb.log("r", 3, {"_step": 3, "acc": 7})  # its history is to be gone through anew
        send(wb, "/local/p/runs/r/edit", "Delete run 1")
        wb.look()
        send(wb, "/deleted", "Bring back run run 1")
        wb.look()

        assert sorted(wb.field("r", "historyKeys")["keys"]) == ["_step", "acc", "loss"]


def test_a_run_moves_to_another_project_and_back_but_not_into_its_sweep(wb: Speaker) -> None:
    sweep = wb.register(GRID | {"run_cap": 1})
    run = wb.do_trial(wb.agent(sweep), sweep, loss=1.0)
    wb.begin("r", project="q")

    moved = send(wb, f"/local/p/runs/{run}/edit", "Move trial 1", project="local/q")
    there = wb.field(run, "summaryMetrics", project="q")
    begun = wb.post(BEGIN, run=run).status_code
    left = wb.sweep(sweep)["runs"]["edges"]
    send(wb, f"/local/q/runs/{run}/edit", "Move trial 1", project="p")

    assert moved.headers["location"] == f"/local/q/runs/{run}"
    assert "1.0" in there
    assert (begun, left) == (410, [])
    assert names(wb) == [run]
    assert wb.runs(sweep) == []
    assert holds(wb)


def test_a_run_does_not_move_under_the_feet_of_its_program_nor_onto_another(wb: Speaker) -> None:
    wb.begin("r")
    wb.begin("r", project="q")
    wb.finish("r")

    under_way = page(wb, "/local/q/runs/r/edit")
    (move,) = re.findall(r'action="([^"]+/move[^"]+)"', page(wb, "/local/p/runs/r/edit"))
    wb.begin("r", jobProgram="again.py")
    again = wb.http.post(move, data={"project": "elsewhere"}, headers=wb.headers)
    wb.finish("r")
    taken = send(wb, "/local/p/runs/r/edit", "Move run 1", project="q")
    same = send(wb, "/local/p/runs/r/edit", "Move run 1", project="p")

    assert 'aria-label="Move' not in under_way
    assert "its program still writes to p; stop it first" in again.text
    assert "ids are never used again" in taken.text
    assert "is in project p already" in same.text


def test_a_key_that_only_reads_edits_nothing_and_each_sees_their_own_bin(wb: Speaker) -> None:
    alice, bob, eve = (add_user(wb, name, role) for name, role in (("alice", "run"), ("bob", "run"), ("eve", "read")))
    alice.begin("r")
    send(alice, "/alice/p/runs/r/edit", "Delete run 1")
    (restore,) = re.findall(r'action="(/deleted/[^"]+)"', page(alice, "/deleted"))

    seen = [page(who, "/deleted") for who in (alice, bob, eve)]
    others = [wb.http.post(restore, headers=who.headers).status_code for who in (bob, eve)]

    assert ["run 1" in text for text in seen] == [True, False, False]
    assert others == [403, 403]
