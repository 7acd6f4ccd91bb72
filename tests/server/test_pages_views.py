"""What a page shows is saved under a name, seen by all who see the page, and dropped by whoever saved it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.people import add_user, command
from tests.server.shelf import Seen
from tests.server.speaker import GRID, Clock, Speaker, speaking


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    """A server with the users ada and bob of one team, and eve, who only reads it."""
    with speaking(tmp_path_factory.mktemp("views") / "data", Clock()) as wb:
        yield wb


def page(wb: Speaker, path: str) -> Seen:
    answer = wb.http.get(path, headers=wb.headers)
    assert answer.status_code == 200, answer.text
    return Seen(answer.text)


def button(wb: Speaker, path: str, verb: str) -> str:
    """Where the form of the menu of views leads, as it stands on a page."""
    actions = (attrs["action"] or "" for tag, attrs in page(wb, path).tags if tag == "form")
    return next(action for action in actions if f"/views/{verb}" in action)


def send(wb: Speaker, action: str, name: str) -> Any:
    return wb.http.post(action, data={"name": name}, headers=wb.headers, follow_redirects=False)


def press(wb: Speaker, path: str, verb: str, name: str) -> Any:
    return send(wb, button(wb, path, verb), name)


def views(seen: Seen) -> dict[str, str]:
    """The saved views that a page offers, with what each leads to."""
    menu = seen.html.partition('id="views"')[2].partition("</details>")[0]
    links = [(text.partition('">')[2] or text.partition(">")[2]) for text in menu.split("<a href=")[1:]]
    names = [link.partition("<")[0].strip() for link in links]
    return dict(zip(names, Seen(menu).links, strict=True))


@pytest.fixture(scope="module")
def sweep(owner: Speaker) -> str:
    name = owner.register(GRID)
    agent = owner.agent(name)
    owner.do_trial(agent, name)
    return f"/local/p/sweeps/{name}"


def test_a_view_leads_back_to_what_was_shown_and_another_of_its_name_takes_its_place(
    owner: Speaker, sweep: str
) -> None:
    asked = f"{sweep}?sort=units&page=1&col=tags&col=state&w.host=h"
    saved = press(owner, asked, "save", "mine")
    first = views(page(owner, sweep))
    press(owner, f"{sweep}?f.units=8", "save", " mine ")
    second = page(owner, f"{sweep}?f.units=8")

    assert (saved.status_code, saved.headers["location"]) == (303, asked)
    assert first == {"mine": f"{sweep}?sort=units&col=tags&col=state&w.host=h"}
    assert views(second) == {"mine": f"{sweep}?f.units=8"}
    assert 'href="' + f'{sweep}?f.units=8" aria-current="true">mine' in second.html

    press(owner, sweep, "drop", "mine")
    assert views(page(owner, sweep)) == {}


def test_a_view_that_cannot_be_is_refused_with_the_reason(owner: Speaker, sweep: str) -> None:
    save = button(owner, sweep, "save")
    nameless = [send(owner, save, name) for name in (" ", "x" * 129, "a\nb")]
    long = send(owner, f"{save.partition('&next=')[0]}&next={sweep}?f.units={'9' * 9000}", "long")
    fitting = [send(owner, save, f"view {number}").status_code for number in range(50)]
    many, again = send(owner, save, "one more"), send(owner, save, "view 7")
    gone = send(owner, button(owner, sweep, "drop"), "one more")

    assert {answer.status_code for answer in (*nameless, long, many)} == {400}
    assert all("1 to 128 printable characters" in answer.text for answer in nameless)
    assert "at most 8,000 characters" in long.text
    assert set(fitting) == {303}
    assert "drop one first" in many.text
    assert again.status_code == 303
    assert (gone.status_code, "there is no view" in gone.text) == (404, True)


def test_what_is_no_button_of_the_page_changes_nothing(owner: Speaker, sweep: str) -> None:
    unsealed = send(owner, f"{sweep}/views/save", "x")
    unknown = send(owner, button(owner, sweep, "save").replace("/save?", "/keep?"), "x")

    assert (unsealed.status_code, unknown.status_code) == (403, 403)


def test_a_team_sees_its_views_and_each_is_changed_by_who_saved_it_alone(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as owner:
        ada, bob, eve = add_user(owner, "ada"), add_user(owner, "bob"), add_user(owner, "eve", "read")
        for name in ("ada", "bob", "eve"):
            command(owner.settings.data, "team", "add", "lab", name)
        ada.begin("r", entityName="lab")
        press(ada, "/lab/p", "save", "hers")
        save = button(bob, "/lab/p", "save")
        taken, own = send(bob, save, "hers"), send(bob, save, "his")
        seen = {name: views(page(wb, "/lab/p")) for name, wb in (("bob", bob), ("eve", eve), ("owner", owner))}
        dropped = press(owner, "/lab/p", "drop", "hers")

        assert (taken.status_code, "is ada's: take another name" in Seen(taken.text).text) == (403, True)
        assert (own.status_code, dropped.status_code) == (303, 303)
        assert {frozenset(names) for names in seen.values()} == {frozenset(("hers", "his"))}
        assert "<form" not in page(eve, "/lab/p").html.partition('id="views"')[2].partition("</details>")[0]
        assert set(views(page(bob, "/lab/p"))) == {"his"}
