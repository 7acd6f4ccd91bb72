"""Sweeps are found, sorted and told apart in their list; runs by what they are called, tagged and given."""

import json
from collections.abc import Iterator

import pytest

from server.store import writes
from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Six sweeps in three projects of two entities; two of them have one name."""
    with shelf_at(tmp_path_factory.mktemp("search") / "data", Clock()) as shelf:
        first, second = shelf.project("vision"), shelf.project("speech")
        with shelf.database.write() as tx:
            lab = writes.insert(tx, "project", entity="lab", name="vision", created_at_s=shelf.clock())
            writes.update(tx, "project", second, description="Of sounds\nand words")
        now_s = shelf.clock()
        own = {"user_name": "ada", "expected": 30}
        shelf.sweep(first, "s1", display_name="twin", created_at_s=now_s - 10, **own)
        s2 = shelf.sweep(second, "s2", display_name="twin", created_at_s=now_s - 20, user_name="bob")
        shelf.sweep(lab, "s3", display_name="Alone 100%", created_at_s=now_s - 30, description="with noise")
        shelf.sweep(lab, "s4", state="PAUSED", created_at_s=now_s - 40)
        shelf.sweep(first, "s5", display_name="zebra", state="FINISHED", ended_at_s=now_s, created_at_s=now_s - 50)
        for number in range(3):
            shelf.run(second, s2, number, metric=0.1, tags=json.dumps(["seed-a"] if number else []))
        shelf.run(first, params={"model": {"backbone": "resnet_50"}}, notes="a good one", state="running")
        shelf.run(first, params={"backbone": 3}, group_name="night", notes="a <b>bad</b> one")
        yield shelf


def names(page: Seen) -> list[str]:
    return [row[0].split()[0] for row in page.rows("sweeps")] if 'class="sweeps"' in page.html else []


ASKED = {
    "": ["twin", "twin", "Alone", "s4", "zebra"],
    "q=TWIN": ["twin", "twin"],
    "q=s4": ["s4"],
    "q=100%25": ["Alone"],
    "q=noise": ["Alone"],
    "q=rmsprop&sweeps=name": ["Alone", "s4", "twin", "twin", "zebra"],
    "entity=lab": ["Alone", "s4"],
    "project=vision&sweeps=-name": ["zebra", "twin", "s4", "Alone"],
    "user=bob": ["twin"],
    "state=PAUSED": ["s4"],
    "show=done&state=PAUSED": [],
    "state=nonsense&sweeps=nonsense": ["twin", "twin", "Alone", "s4", "zebra"],
    "sweeps=%2Bcreated": ["zebra", "s4", "Alone", "twin", "twin"],
    "sweeps=state": ["zebra", "s4", "twin", "twin", "Alone"],
    "sweeps=project": ["Alone", "s4", "twin", "twin", "zebra"],
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_list_of_sweeps_is_narrowed_and_sorted_by_its_address(shelf: Shelf, asked: str) -> None:
    assert names(shelf.look(f"/?{asked}")) == ASKED[asked]


def test_most_settled_runs_come_first_by_the_head_and_last_by_its_next_press(shelf: Shelf) -> None:
    settled = next(link for link in shelf.look("/?entity=local").links if "sweeps=settled" in link)
    page = shelf.look(settled)
    turned = next(link for link in page.links if "sweeps=%2Bsettled" in link)

    assert [row[3] for row in page.rows("sweeps")] == ["3 of 6", "0 of 30", "0 of 6"]
    assert [row[3] for row in shelf.look(turned).rows("sweeps")] == ["0 of 30", "0 of 6", "3 of 6"]
    assert "entity=local" in turned


def test_equal_names_have_their_ids_beside_them_and_other_entities_are_named(shelf: Shelf) -> None:
    rows = shelf.look("/").column("sweeps", 0)

    assert rows[0].startswith("twin s1 ")
    assert rows[1].startswith("twin s2 ")
    assert "s3" not in rows[2]
    assert "lab/vision" in rows[2]
    assert "/lab/vision" in shelf.look("/").links


def test_the_finder_offers_what_there_is_and_keeps_what_is_asked(shelf: Shelf) -> None:
    page = shelf.look("/?show=running&user=bob&sweeps=name")
    finder = Seen(page.html.split('class="finder"')[1].split("</form>")[0])
    offered = [text for text in finder.texts if text not in ("all", "Find")]
    chosen = [attrs for tag, attrs in finder.tags if tag == "option" and "selected" in attrs]
    sent = {attrs["name"]: attrs["value"] for tag, attrs in finder.tags if attrs.get("type") == "hidden"}

    assert {"Entity", "lab", "local", "Project", "speech", "vision", "User", "ada", "bob", "Paused"} <= set(offered)
    assert len(chosen) == 1
    assert sent == {"show": "running", "sweeps": "name"}
    assert "/?show=running&sweeps=name" in page.links, "to show all"


def test_what_finds_no_sweep_says_so(shelf: Shelf) -> None:
    page = shelf.look("/?q=nothing-like-it")

    assert "No sweep here" in page.text
    assert "All 0" in page.text


def found(page: Seen, kind: str) -> list[list[str]]:
    table = f"found {kind}-found"
    return page.rows(table) if table in page.html else []


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("resnet_50", [["trial 4 run4", "model.backbone: resnet_50"]]),
        ("resnet-50", []),
        ("NIGHT", [["trial 5 run5", "group: night"]]),
        ("seed-a", [["trial 3 run3", "tag: seed-a"], ["trial 2 run2", "tag: seed-a"]]),
        ("run5", [["trial 5 run5", ""]]),
        ("a good", [["trial 4 run4", "notes: a good one"]]),
        ("backbone", []),
        ("<b>bad</b>", [["trial 5 run5", "notes: a <b>bad</b> one"]]),
    ],
)
def test_runs_are_found_by_name_id_tag_group_note_and_the_values_of_their_config(
    shelf: Shelf, text: str, runs: list[list[str]]
) -> None:
    page = shelf.look(f"/search?q={text.replace('<', '%3C').replace('>', '%3E')}")

    assert [[row[0], row[3]] for row in found(page, "runs")] == runs


def test_sweeps_are_found_by_name_id_and_file_with_their_projects(shelf: Shelf) -> None:
    page = shelf.look("/search?q=twin")

    assert [row[0] for row in found(page, "sweeps")] == ["twin s1", "twin s2"]
    assert [row[2] for row in found(page, "sweeps")] == ["local/vision", "local/speech"]
    assert "Name what is to be found" in shelf.look("/search").text


def test_projects_are_listed_with_what_they_hold_and_those_of_an_entity_alone(shelf: Shelf) -> None:
    rows = {(row[1], row[0]): row[2:5] for row in shelf.look("/projects").rows("projects")}
    lab = shelf.look("/lab")

    assert rows == {
        ("local", "vision"): ["2", "2", "1"],
        ("local", "speech Of sounds"): ["1", "3", "0"],
        ("lab", "vision"): ["2", "0", "0"],
    }
    assert [row[:3] for row in lab.rows("projects")] == [["vision", "2", "0"]]
    assert shelf.look("/lab/projects").text == lab.text
    assert "There is no page" in shelf.look("/nobody", 404).text
