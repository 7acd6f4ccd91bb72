"""Two to five chosen runs stand side by side over all that they were given and came to; a sixth is one too many."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from server.ledger.files import path_of
from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"
FIVE = "run1,run2,run3,run4,run5"
RATES = (0.1, 0.01, 0.001)


def config(params: dict[str, Any], number: int) -> str:
    """As W&B's client and the trainer leave it."""
    internal = {"python_version": "3.11.7", "cli_version": "0.31.0", "t": {"1": []}}
    own = {"data": {"name": "mnist", "seed": number}, "provenance": {"code_sha256": f"c{number % 2}", "cores": 2}}
    return json.dumps({name: {"value": value} for name, value in {**params, **own, "_wandb": internal}.items()})


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """A sweep of six runs, of which the last failed without a row, and two runs of no sweep."""
    with shelf_at(tmp_path_factory.mktemp("compare") / "data", Clock()) as shelf:
        project = shelf.project()
        sweep = shelf.sweep(project, state="FINISHED", ended_at_s=shelf.clock())
        agent = shelf.agent(sweep, "agent-1")
        for number in range(6):
            params = {"learning_rate": RATES[number % 3], "optimizer": "adam", "epochs": 5}
            failed = number == 5
            run = shelf.run(
                project,
                sweep,
                number,
                "failed" if failed else "finished",
                None if failed else 0.8 + number / 100,
                params,
                {} if failed else {"val_accuracy": 0.8 + number / 100, "loss": 0.123456 + number * 1e-7, "_step": 4},
                cause="MemoryError" if failed else None,
                config=config(params, number),
                host=f"node{number % 2}",
                agent_id=agent,
                commit_sha="abc" if number else "def",
            )
            if not failed:
                shelf.history(run, [{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2, "val_accuracy": 0.8}])
        for number in range(2):
            shelf.history(
                shelf.run(project, params={"lr": number}, summary={"loss": 0.5}), [{"loss": 1}, {"loss": 0.5}]
            )
        yield shelf


def compared(page: Seen) -> dict[str, list[str]]:
    """The texts beside each name."""
    return {name: texts for name, *texts in page.rows("compared")}


def test_all_chosen_runs_stand_side_by_side_with_the_settings_that_differ(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?run=run3,run1,run2")
    rows = compared(page)

    assert page.heads("compared") == ["What", "A trial 3", "B trial 1", "C trial 2"]
    assert rows["learning_rate"] == ["1e-3", "0.1", "0.01"]
    assert rows["data.seed"] == ["2", "0", "1"]
    assert "optimizer" not in rows
    assert "Parameters and config 3 are the same" in page.text
    assert rows["val_accuracy"] == ["0.820", "0.800", "0.810"]
    assert rows["Host"] == ["node0", "node0", "node1"]


def test_values_that_differ_do_not_read_alike(shelf: Shelf) -> None:
    rows = compared(shelf.look(f"{SWEEP}?run=run1,run2"))

    assert rows["loss"] == ["0.123456", "0.1234561"]


def test_a_failed_run_is_compared_too_with_what_it_ran_on(shelf: Shelf) -> None:
    rows = compared(shelf.look(f"{SWEEP}?run=run1,run6"))

    assert rows["State"] == ["Finished", "Failed"]
    assert rows["Cause"] == ["–", "MemoryError"]
    assert rows["val_accuracy"] == ["0.800", "–"]
    assert rows["commit"] == ["def", "abc"]
    assert rows["code_sha256"] == ["c0", "c1"]
    assert not {"python", "cores", "Agent"} & set(rows)


def test_chosen_runs_have_their_letters_in_every_chart(shelf: Shelf) -> None:
    page = shelf.look(f"{SWEEP}?run=run3,run1,run6&across=p.learning_rate")

    for part, letters in {
        "best": ["A", "B"],
        "scatter": ["A", "B"],
        "parallel": ["A", "B"] * 2,
        "curves": ["A", "B"],
        "agents": ["A", "B", "C"],
    }.items():
        section = page.html.split(f'id="{part}"')[1].split("</section>")[0]
        assert sorted(re.findall(r'<svg class="letter tick-.*?>([A-E])</text>', section)) == sorted(letters), part
    assert not re.findall(r'<svg class="letter', shelf.look(f"{SWEEP}?run=of-another").html.split('id="curves"')[0])


def test_packages_and_machines_are_compared_by_what_w_b_s_client_has_written_down(shelf: Shelf) -> None:
    for run, numpy, gpu in ((1, "1.26.4", "NVIDIA A100"), (2, "2.1.0", "NVIDIA H200")):
        for name, text in {
            "requirements.txt": f"numpy=={numpy}\nkeras==3.5.0\n-e .\n",
            "wandb-metadata.json": json.dumps({"os": "Linux", "gpu": gpu, "email": f"{run}@example.com"}),
        }.items():
            path = path_of(shelf.settings.files, run, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    page = shelf.look(f"{SWEEP}?run=run1,run2")

    assert compared(page)["package numpy"] == ["1.26.4", "2.1.0"]
    assert compared(page)["gpu"] == ["NVIDIA A100", "NVIDIA H200"]
    assert not {"package keras", "os", "email"} & set(compared(page))


def test_one_run_is_compared_with_nothing(shelf: Shelf) -> None:
    assert 'id="compare"' not in shelf.look(f"{SWEEP}?run=run1").html
    assert 'id="compare"' not in shelf.look(SWEEP).html


def test_a_sixth_choice_says_that_it_is_one_too_many_and_changes_nothing(shelf: Shelf) -> None:
    five = shelf.look(f"{SWEEP}?run={FIVE}")
    sixth = next(
        str(attrs["href"]) for tag, attrs in five.tags if tag == "a" and attrs.get("aria-label") == "Compare trial 6"
    )

    page = shelf.look(sixth)

    assert "trial 6 is one too many: five runs can be compared. Leave one out first." in page.text
    assert page.rows("compared") == five.rows("compared")
    assert not [link for link in page.links if "run6" in link and "/runs/" not in link and link != sixth]
    assert "run7, run8 are too many" in shelf.look(f"{SWEEP}?run={FIVE},run7,run8").text


def test_runs_of_a_project_are_compared_as_those_of_a_sweep(shelf: Shelf) -> None:
    page = shelf.look("/local/p?run=run8,run7")

    assert page.heads("compared") == ["What", "A trial 8", "B trial 7"]
    assert compared(page)["lr"] == ["1", "0"]
    assert compared(page)["loss"] == ["0.5", "0.5"]
    many = shelf.look(f"/local/p?runs=all&run={FIVE},run6")
    assert "trial 6 is one too many" in many.text
    assert len(many.heads("compared")) == 6
