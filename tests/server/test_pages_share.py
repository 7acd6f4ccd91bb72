"""A link that shows one sweep to whoever has it, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.one_step import Client
from tests.server.shelf import BASE, Seen, Shelf, shelf_at
from tests.server.speaker import Clock

SWEEP = "/local/p/sweeps/sweep1"


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        project = shelf.project()
        shelf.run(project, shelf.sweep(project), 0, name="inside", state="running", metric=0.8)
        shelf.run(project, shelf.sweep(project, "sweep2"), 0, name="outside")
        shelf.run(project, name="alone")
        shelf.http.get("/login", params={"token": shelf.links.make()})
        yield shelf


@pytest.fixture
def guest(shelf: Shelf) -> Iterator[Client]:
    """A browser that is not signed in."""
    with Client(shelf.http.app, base_url=BASE, follow_redirects=False) as http:
        yield http


def press(shelf: Shelf, action: str) -> str:
    """Presses a button of the sweep's page; what is shown then."""
    forms = [
        attributes.get("action") or "" for tag, attributes in Seen(shelf.http.get(SWEEP).text).tags if tag == "form"
    ]
    return shelf.http.post(next(form for form in forms if f"/{action}?" in form)).text


def link(shelf: Shelf) -> str:
    found = re.search(rf"{BASE}(/share/[\w-]+)", press(shelf, "share"))
    assert found
    return found[1]


def test_a_link_shows_its_sweep_and_the_runs_of_it_alone(shelf: Shelf, guest: Client) -> None:
    opened = guest.get(link(shelf))

    assert (opened.status_code, opened.headers["location"]) == (303, SWEEP)
    assert "0.8" in guest.get(SWEEP).text
    shown = [guest.get(path).status_code for path in (SWEEP, "/local/p/runs/inside", "/local/p/runs/inside/logs")]
    closed = [
        guest.get(path).status_code
        for path in (
            "/",
            "/local/p",
            "/local/p/sweeps/sweep2",
            "/local/p/runs/outside",
            "/local/p/runs/outside/logs",
            "/local/p/runs/alone",
            "/x/y/z",
        )
    ]
    assert (shown, set(closed)) == ([200, 200, 200], {403})


def test_who_has_a_link_sees_no_button_and_can_press_none(shelf: Shelf, guest: Client) -> None:
    guest.get(link(shelf))
    own = shelf.http.get(SWEEP).text
    pause = next(
        form or "" for tag, a in Seen(own).tags if tag == "form" and "/pause?" in (form := a.get("action") or "")
    )

    for path in (SWEEP, "/local/p/runs/inside"):
        assert 'method="post"' in shelf.http.get(path).text
        assert 'method="post"' not in guest.get(path).text
    assert guest.post(pause).status_code == 403
    assert "Paused" not in shelf.look(SWEEP).text


def test_every_link_that_a_guest_is_shown_can_be_opened(shelf: Shelf, guest: Client) -> None:
    guest.get(link(shelf))

    for path in (SWEEP, "/local/p/runs/inside"):
        page, own = Seen(guest.get(path).text), Seen(shelf.http.get(path).text)
        pages = [address for address in page.links if not address.startswith(("#", "/storage/"))]
        assert {guest.get(address).status_code for address in pages} <= {200}
        assert "Sweeps p" in page.text
        assert {"/", "/local/p"} <= set(own.links)
    assert SWEEP in page.links


def test_a_link_ends_when_sharing_does_or_another_is_made(shelf: Shelf, guest: Client) -> None:
    first = link(shelf)
    guest.get(first)
    second = link(shelf)
    assert [guest.get(path).status_code for path in (SWEEP, first)] == [403, 403]
    guest.get(second)
    assert guest.get(SWEEP).status_code == 200

    press(shelf, "unshare")

    assert [guest.get(path).status_code for path in (SWEEP, second, "/events")] == [403, 403, 403]


def test_the_store_does_not_hold_the_link(shelf: Shelf) -> None:
    token = link(shelf).rsplit("/", 1)[1]

    with shelf.database.read() as connection:
        stored = connection.execute("SELECT * FROM share").fetchall()

    assert len(stored) == 1
    assert token not in str(stored)
