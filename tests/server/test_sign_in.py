"""Signing in by key, and out; sessions seen and ended; W&B's own addresses; who did what."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.one_step import Client
from tests.server.people import add_user, command, key_of
from tests.server.shelf import BASE, Seen
from tests.server.speaker import GRID, Clock, Speaker, speaking


@pytest.fixture
def key(wb: Speaker) -> str:
    return key_of(command(wb.settings.data, "user", "add", "alice").output)


@pytest.fixture
def browser(wb: Speaker) -> Iterator[Client]:
    with Client(wb.http.app, base_url=BASE, follow_redirects=False) as http:  # type: ignore[attr-defined]
        yield http


def sign_in(browser: Client, key: str, leads_to: str = "/") -> int:
    return browser.post("/login", data={"key": key, "next": leads_to}, headers={"User-Agent": "A browser"}).status_code


def form(browser: Client, page: str, action: str) -> str:
    """The address of a button on a page."""
    tags = Seen(browser.get(page).text).tags
    return next(sent for tag, a in tags if tag == "form" and action in (sent := a.get("action") or ""))


def test_a_key_signs_a_browser_in_and_out(browser: Client, key: str) -> None:
    closed = browser.get("/alice/p?show=all")
    assert closed.status_code == 403
    assert 'value="/alice/p?show=all"' in closed.text
    assert 'class="user"' not in closed.text, "nobody is signed in yet"

    opened = browser.post("/login", data={"key": f" {key} ", "next": "/settings"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/settings")
    assert key not in str(opened.headers)
    assert "alice" in browser.get("/settings").text

    out = form(browser, "/settings", "/logout")
    assert browser.post("/logout").status_code == 303
    assert browser.get("/").status_code == 200, "a button without a seal does nothing"
    browser.post(out)
    assert browser.get("/").status_code == 403


def test_sessions_are_listed_and_one_can_be_ended_from_another(wb: Speaker, browser: Client, key: str) -> None:
    with Client(wb.http.app, base_url=BASE, follow_redirects=False) as other:  # type: ignore[attr-defined]
        assert (sign_in(browser, key), sign_in(other, key)) == (303, 303)
        assert browser.get("/settings").text.count("A browser") == 4

        end = form(browser, "/settings", "/settings/sessions/2/end")
        assert [browser.post(end).status_code for _ in range(2)] == [303, 303]

        assert (browser.get("/").status_code, other.get("/").status_code) == (200, 403)
        command(wb.settings.data, "user", "key", "alice")
        assert browser.get("/").status_code == 403


def test_a_stored_session_is_no_cookie(wb: Speaker, browser: Client, key: str) -> None:
    sign_in(browser, key)

    token = browser.cookies["tf_sweeps_8080"]

    assert token.encode() not in wb.settings.database.read_bytes() + Path(f"{wb.settings.database}-wal").read_bytes()


def test_a_key_that_only_reads_signs_in_and_sees_no_button(wb: Speaker, browser: Client) -> None:
    reader = key_of(command(wb.settings.data, "user", "add", "reader", "--role", "read").output)
    alice = add_user(wb, "alice")
    command(wb.settings.data, "team", "add", "lab", "alice", "reader")
    document = """mutation ($config: String!) { upsertSweep(input: {config: $config, entityName: "lab",
        projectName: "p"}) { sweep { name } } }"""
    sweep = alice.ask(document, config=str(GRID))["upsertSweep"]["sweep"]["name"]
    assert sign_in(browser, reader) == 303

    page = browser.get(f"/lab/p/sweeps/{sweep}").text

    assert "by alice" in page
    assert 'method="post"' not in page
    assert "lab/p</a> · by alice" in browser.get("/").text


def test_a_wrong_key_is_told_waits_and_is_logged_without_it(
    browser: Client, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        refused = browser.post("/login", data={"key": "0" * 40})

    assert refused.status_code == 403
    assert "This is no key of this server" in refused.text
    assert "wrong key from testclient, the 1. in a row" in caplog.text
    assert "0" * 40 not in caplog.text
    assert sign_in(browser, key) == 303


def test_another_site_cannot_sign_a_browser_in(browser: Client, key: str) -> None:
    crossed = browser.post("/login", data={"key": key}, headers={"Sec-Fetch-Site": "cross-site"})

    assert crossed.status_code == 403
    assert "set-cookie" not in crossed.headers


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/authorize", "/settings"),
        ("/alice/p/workspace", "/alice/p"),
        ("/alice/p/runs", "/alice/p"),
        ("/alice/p/sweeps", "/alice/p"),
        ("/alice/p/table", "/alice/p"),
        ("/alice/p/runs/one/overview", "/alice/p/runs/one"),
        ("/alice/p/runs/one/files", "/alice/p/runs/one"),
        ("/alice/p/sweeps/SWEEP/workspace", "/alice/p/sweeps/SWEEP"),
    ],
)
def test_addresses_of_wandb_lead_to_the_page_that_serves_them(
    wb: Speaker, browser: Client, asked: str, leads_to: str
) -> None:
    alice = add_user(wb, "alice")
    alice.begin("one")
    sweep = alice.register(GRID)

    led = browser.get(asked.replace("SWEEP", sweep), headers=alice.headers)

    assert (led.status_code, led.headers["location"]) == (303, leads_to.replace("SWEEP", sweep))
    assert browser.get(led.headers["location"], headers=alice.headers).status_code == 200
    for path in ("/bob", "/alice/p/nothing", "/alice/p/runs/one/nothing", "/alice/q/workspace"):
        assert browser.get(path, headers=alice.headers).status_code == 404


def test_who_did_what_is_kept_and_told(wb: Speaker, browser: Client, key: str, clock: Clock) -> None:
    boss = add_user(wb, "boss", "admin")
    sign_in(browser, key)
    from tests.server.people import fill, with_key

    alice = with_key(wb, key)
    things = fill(alice, "alice")
    page = f"/alice/p/sweeps/{things.sweep}"
    browser.post(form(browser, page, f"{page}/share"))
    browser.post(form(browser, page, f"{page}/unshare"))
    alice.post("mutation ($id: ID!) { stopRun(input: {id: $id}) { success } }", id=things.run_id)
    browser.post(form(browser, page, f"{page}/cancel"))
    alice.post("mutation ($id: ID!) { deleteFiles(input: {files: [$id]}) { success } }", id=things.file_id)
    alice.post(DELETE_ARTIFACT, id=things.artifact_id)
    alice.post(DELETE_COLLECTION, id=things.portfolio_id)
    alice.post("mutation ($id: ID!) { deleteRun(input: {id: $id}) { clientMutationId } }", id=things.run_id)

    told = command(wb.settings.data, "audit").output.splitlines()

    acts = [re.sub(r"^\S+  ", "", line) for line in told]
    assert acts == [
        "server  added user  alice (run)",
        "server  added user  boss (admin)",
        "alice  signed in  A browser",
        f"alice  shared sweep  alice/p/{things.sweep}",
        f"alice  ended sharing of sweep  alice/p/{things.sweep}",
        f"alice  stopped run  alice/p/{things.run}",
        f"alice  cancelled sweep  alice/p/{things.sweep}",
        f"alice  deleted file  alice/p/{things.run}/own.txt",
        "alice  deleted artifact  alice/p/data:v0",
        "alice  deleted collection  alice/p/shelf",
        f"alice  deleted run  alice/p/{things.run}",
    ]
    assert "cancelled sweep" in browser.get("/settings", headers=boss.headers).text
    assert "cancelled sweep" not in browser.get("/settings", headers=alice.headers).text


DELETE_ARTIFACT = """mutation ($id: ID!) { deleteArtifact(input: {artifactID: $id, deleteAliases: true}) {
    artifact { id } } }"""
DELETE_COLLECTION = """mutation ($id: ID!) { deleteArtifactPortfolio(input: {artifactPortfolioID: $id}) {
    artifactCollection { name } } }"""


def test_a_guests_file_addresses_end_with_the_share(tmp_path: Path, clock: Clock) -> None:
    with speaking(tmp_path / "data", clock) as wb:
        from tests.server.people import CONTENT, fill

        things = fill(wb, "local")
        page = f"/local/p/sweeps/{things.sweep}"
        with (
            Client(wb.http.app, base_url=BASE, follow_redirects=False) as own,  # type: ignore[attr-defined]
            Client(wb.http.app, base_url=BASE, follow_redirects=False) as guest,  # type: ignore[attr-defined]
        ):
            sign_in(own, (wb.settings.data / "api-key").read_text().strip())
            shown = own.post(form(own, page, f"{page}/share")).text
            found = re.search(rf"{BASE}(/share/[\w-]+)", shown)
            assert found
            guest.get(found[1])
            links = Seen(guest.get(f"/local/p/runs/{things.run}").text).links
            address = next(link for link in links if link.startswith("/storage/"))
            assert guest.get(address).content == CONTENT

            own.post(form(own, page, f"{page}/unshare"))

            assert guest.get(address).status_code == 404
            assert guest.put(address, content=b"x").status_code == 403
