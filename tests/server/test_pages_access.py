"""Who may see the pages, and what every page carries for a reader's safety."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.pages import rendering
from server.pages.door.session import local_path
from tests.server.one_step import Client
from tests.server.shelf import BASE, Shelf, shelf_at
from tests.server.speaker import Clock

PATHS = ("/", "/local/p", "/local/p/sweeps/sweep1", "/local/p/runs/run1", "/nothing/at/all/here")


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        project = shelf.project()
        shelf.run(project, shelf.sweep(project), 0, metric=0.8)
        yield shelf


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_sees_only_how_to_sign_in(shelf: Shelf, path: str) -> None:
    response = shelf.http.get(path)

    assert response.status_code == 403
    assert f"{BASE}/login-links" in response.text
    assert "make serve" in response.text
    assert "val_accuracy" not in response.text


def test_a_one_time_link_opens_all_pages_once(shelf: Shelf) -> None:
    token = shelf.links.make()

    first = shelf.http.get("/login", params={"token": token})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert [shelf.http.get(path).status_code for path in PATHS] == [200, 200, 200, 200, 404]

    shelf.http.cookies.clear()
    second = shelf.http.get("/login", params={"token": token})
    assert second.status_code == 403
    assert "has been used or is too old" in second.text


def test_an_unknown_link_opens_nothing(shelf: Shelf) -> None:
    response = shelf.http.get("/login", params={"token": "guessed"})

    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_who_is_signed_in_may_follow_a_used_link_again(shelf: Shelf) -> None:
    token = shelf.links.make()
    shelf.http.get("/login", params={"token": token})

    again = shelf.http.get("/login", params={"token": token, "next": "/local/p"})

    assert (again.status_code, again.headers["location"]) == (303, "/local/p")


def test_asking_for_the_headers_of_a_link_does_not_use_it_up(shelf: Shelf) -> None:
    token = shelf.links.make()

    shelf.http.head("/login", params={"token": token})

    assert shelf.http.get("/login", params={"token": token}).status_code == 303


def test_the_cookie_is_kept_from_scripts_and_named_after_the_port(shelf: Shelf) -> None:
    response = shelf.http.get("/login", params={"token": shelf.links.make()})

    cookie = response.headers["set-cookie"]
    assert cookie.startswith("tf_sweeps_8080=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_kept_to_https(shelf: Shelf) -> None:
    with Client(shelf.http.app, base_url="https://sweeps.example", follow_redirects=False) as https:
        response = https.get("/login", params={"token": shelf.links.make()})

    assert response.headers["set-cookie"].startswith("tf_sweeps_443=")
    assert "Secure" in response.headers["set-cookie"]


def test_a_session_ends(shelf: Shelf, clock: Clock) -> None:
    shelf.http.get("/login", params={"token": shelf.links.make()})

    clock.pass_s(shelf.settings.session_lifetime_s + 1)

    assert shelf.http.get("/").status_code == 403


@pytest.mark.parametrize("forged", ["", "x", "99999999999.AAAA", "é", "1.2.3"])
def test_a_forged_cookie_opens_nothing(shelf: Shelf, forged: str) -> None:
    cookie = f"tf_sweeps_8080={forged}".encode("latin-1")

    assert shelf.http.get("/", headers=[(b"cookie", cookie)]).status_code == 403


@pytest.mark.parametrize(
    "authorization", ["Basic", "Basic !!!", "Basic YXBpOndyb25n", "Bearer x", "Basic /w==", "Basic \xe9"]
)
def test_a_wrong_key_opens_nothing(shelf: Shelf, authorization: str) -> None:
    headers = [(b"Authorization", authorization.encode("latin-1"))]

    assert shelf.http.get("/", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "address",
    [None, "", "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "javascript:x"],
)
def test_a_link_leads_to_no_other_server(address: str | None) -> None:
    assert local_path(address) == "/"


def test_a_link_may_lead_to_any_page_here(shelf: Shelf) -> None:
    response = shelf.http.get("/login", params={"token": shelf.links.make(), "next": "/local/p/sweeps/a?sort=run"})

    assert response.headers["location"] == "/local/p/sweeps/a?sort=run"


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_strict_about_what_it_loads(shelf: Shelf, path: str) -> None:
    shelf.http.get("/login", params={"token": shelf.links.make()})

    for response in (shelf.http.get(path), TestClient(shelf.http.app, base_url=BASE).get(path)):
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_no_page_has_inline_style_or_script_or_loads_from_elsewhere(shelf: Shelf, path: str) -> None:
    page = shelf.look(path, 404 if "nothing" in path else 200)

    for tag, attributes in page.tags:
        assert tag != "style"
        assert tag != "script" or (attributes["src"] or "").startswith("/static/")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action"):
            assert not (attributes.get(name) or "/").startswith(("http", "//"))


def test_static_files_need_no_key_and_are_kept_for_ever(shelf: Shelf) -> None:
    page = shelf.http.get("/")
    addresses = [part.split('"')[0] for part in page.text.split('"') if part.startswith("/static/")]

    assert len(addresses) == 4
    for address in addresses:
        response = shelf.http.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert "cookie" not in response.headers


def test_a_static_file_of_another_version_or_outside_is_not_found(shelf: Shelf) -> None:
    for address in ("/static/style.css", "/static/style-000000000000.css", "/static/..%2fsession.py"):
        assert shelf.http.get(address).status_code in (403, 404)


def test_the_scheme_is_a_cookie_that_the_server_writes_into_the_page(shelf: Shelf) -> None:
    chosen = shelf.http.get("/scheme", params={"to": "dark", "next": "/local/p"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/local/p")
    assert '<html lang="en" data-scheme="dark">' in shelf.http.get("/").text

    shelf.http.get("/scheme", params={"to": "system"})
    assert '<html lang="en">' in shelf.http.get("/").text


def test_a_made_up_scheme_is_not_written_into_the_page(shelf: Shelf) -> None:
    response = shelf.http.get("/", headers={"cookie": 'tf_sweeps_scheme=x" onload="y'})

    assert "onload" not in response.text


def test_a_running_server_keeps_its_pages_when_the_checkout_is_renewed(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "pages"
    shutil.copytree(rendering.HERE, own)
    monkeypatch.setattr(rendering, "HERE", own)
    with shelf_at(tmp_path / "data", clock) as shelf:
        for template in (own / "templates").iterdir():
            template.write_text("{{ of_a_later_version }}")

        assert "No sweeps yet" in shelf.look("/").text
