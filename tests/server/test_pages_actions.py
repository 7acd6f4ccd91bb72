"""The buttons of the pages, pressed over HTTP at a real server; what they did is read back by the real client."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from server.settings import Settings
from server.store.database import reading
from server.verify import verify
from tests.server.real_server import RunningServer
from tests.server.shelf import Seen
from tests.server.speaker import Clock, Speaker

GRID = {
    "method": "grid",
    "parameters": {"units": {"values": [8, 16, 32]}},
    "x-sweep": {"retries": 0},
}


class Browser:
    """A signed-in reader without a script: opens pages and presses the buttons that stand on them."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def buttons(self, path: str) -> dict[str, str]:
        """The addresses of a page's buttons by their accessible names."""
        tags = Seen(self.http.get(path).text).tags
        forms = [
            attributes["action"] or ""
            for tag, attributes in tags
            if tag == "form" and attributes.get("method") == "post"
        ]
        posts = [action for action in forms if action != "/scheme"]
        names = [
            attributes["aria-label"] or ""
            for tag, attributes in tags
            if tag == "button" and "aria-label" in attributes and "popovertarget" not in attributes
        ]
        others = ("/share?", "/views/")
        return {name: post for name, post in zip(names, posts, strict=True) if not any(map(post.__contains__, others))}

    def press(self, path: str, name: str) -> httpx2.Response:
        return self.http.post(self.buttons(path)[name])


@pytest.fixture
def browser(server: RunningServer) -> Iterator[Browser]:
    with httpx2.Client(base_url=server.url) as http:
        link = http.post("/login-links", auth=("api", server.api_key)).json()["url"]
        http.get(f"/login?{urlsplit(link).query}")
        yield Browser(http)


@pytest.fixture
def program(server: RunningServer, clock: Clock) -> Iterator[Speaker]:
    """A W&B program of the same server."""
    with httpx2.Client(base_url=server.url) as http:
        yield Speaker(http, server.api_key, clock, Settings(data=server.data))


def test_a_sweep_is_paused_resumed_stopped_and_resumed_again(
    server: RunningServer, browser: Browser, program: Speaker
) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    page = f"/local/p/sweeps/{sweep}"

    def state() -> str:
        return str(server.api().sweep(f"local/p/{sweep}").state)

    assert browser.press(page, f"Pause {sweep}").headers["location"] == page
    assert (state(), program.beat(agent)) == ("PAUSED", None)
    browser.press(page, f"Resume {sweep}")
    assert state() == "RUNNING"
    browser.press(page, f"Stop {sweep}")
    assert (state(), program.beat(agent)) == ("FINISHED", {"type": "exit"})
    assert list(browser.buttons(page)) == [f"Resume {sweep}"]
    browser.press(page, f"Resume {sweep}")
    assert state() == "RUNNING"


def test_pauses_are_drawn_in_the_agents_time(browser: Browser, program: Speaker) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    page = f"/local/p/sweeps/{sweep}"
    program.do_trial(agent, sweep)
    browser.press(page, f"Pause {sweep}")
    lasting = browser.http.get(page).text
    browser.press(page, f"Resume {sweep}")
    over = browser.http.get(page).text

    assert "<title>paused</title>" in lasting
    assert re.search(r"<title>paused for \d+ s</title>", over)
    assert "<title>paused</title>" not in over


def test_a_pause_ends_with_its_sweep(browser: Browser, program: Speaker) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    page = f"/local/p/sweeps/{sweep}"
    for _ in range(2):
        program.do_trial(agent, sweep)
    run = str((program.beat(agent) or {})["run_id"])
    program.begin(run, sweep)
    browser.press(page, f"Pause {sweep}")
    program.finish(run, 1)
    over = browser.http.get(page).text
    browser.press(page, "Retry trial 3")
    again = browser.http.get(page).text

    for text in (over, again):
        assert re.search(r"<title>paused for \d+ s</title>", text)
        assert "<title>paused</title>" not in text


def test_a_sweep_cancelled_from_the_list_ends_its_runs_and_leads_back_to_the_list(
    server: RunningServer, browser: Browser, program: Speaker
) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    run = str((program.beat(agent) or {})["run_id"])
    program.begin(run, sweep)

    assert "2 waiting runs are not started. The 1 run under way is ended now." in Seen(browser.http.get("/").text).text
    assert browser.press("/?show=running", f"Cancel {sweep}").headers["location"] == "/?show=running"

    assert program.beat(agent, run) == {"type": "stop", "run_id": run}
    program.finish(run, 255)
    found = server.api().sweep(f"local/p/{sweep}")
    assert (found.state, [each.state for each in found.runs]) == ("CANCELED", ["killed"])


def test_a_run_is_stopped_from_its_own_page(server: RunningServer, browser: Browser, program: Speaker) -> None:
    sweep = program.register(GRID)
    run = str((program.beat(program.agent(sweep)) or {})["run_id"])
    program.begin(run, sweep)

    browser.press(f"/local/p/runs/{run}", "Stop trial 1")

    assert program.log(run, 0, {"_step": 0}).json()["stopped"] is True
    program.finish(run, 255)
    assert server.api().run(f"local/p/{run}").state == "killed"
    assert browser.buttons(f"/local/p/runs/{run}") == {}


def test_a_failed_run_is_tried_again_also_after_the_end_of_its_sweep(
    server: RunningServer, browser: Browser, program: Speaker
) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    failed = program.do_trial(agent, sweep, exit_code=1)
    others = [program.do_trial(agent, sweep) for _ in range(2)]
    page = f"/local/p/sweeps/{sweep}"
    assert server.api().sweep(f"local/p/{sweep}").state == "FINISHED"
    assert set(browser.buttons(page)) == {"Retry trial 1", f"Retry 1, go on {sweep}"}

    browser.press(page, "Retry trial 1")

    assert server.api().sweep(f"local/p/{sweep}").state == "RUNNING"
    again = program.do_trial(agent, sweep)
    found = server.api().sweep(f"local/p/{sweep}")
    assert found.state == "FINISHED"
    assert {run.id: run.state for run in found.runs} == {
        failed: "failed",
        again: "finished",
        **dict.fromkeys(others, "finished"),
    }
    assert program.units(sweep, "failed")[0] in program.units(sweep, "finished")
    with reading(program.settings.database) as connection:
        assert verify(connection).problems == ()


def test_a_point_of_a_cancelled_sweep_is_tried_again_only_once_that_is_resumed(
    browser: Browser, program: Speaker
) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    program.do_trial(agent, sweep, exit_code=1)
    page = f"/local/p/sweeps/{sweep}"
    program.set_state(sweep, "CANCELED")

    refused = browser.press(page, "Retry trial 1")

    assert refused.status_code == 400
    assert "resume it first" in refused.text
    browser.press(page, f"Resume {sweep}")
    assert browser.press(page, "Retry trial 1").status_code == 303
    assert "Retry trial 1" not in browser.buttons(page)


@pytest.mark.parametrize("retries", [0, 1], ids=["lost for good", "to be tried again anyway"])
def test_a_sweep_that_stopped_itself_tries_all_again_and_goes_on(
    server: RunningServer, browser: Browser, program: Speaker, retries: int
) -> None:
    units = [8, 16, 32, 64]
    rules = {"retries": retries, "stop_after_failures": 3}
    sweep = program.register({"method": "grid", "parameters": {"units": {"values": units}}, "x-sweep": rules})
    agent = program.agent(sweep)
    for _ in range(3):
        program.do_trial(agent, sweep, exit_code=1, _cause="ValueError: no")
    assert server.api().sweep(f"local/p/{sweep}").state == "FINISHED"
    page = f"/local/p/sweeps/{sweep}"
    again = f"Retry 3, go on {sweep}"
    assert (f"Resume {sweep}" in browser.buttons(page)) == (retries == 0)
    notice = browser.http.get("/local/p").text.partition(f'aria-label="{sweep} stopped itself"')[2]
    assert "1 of 4 runs were not started" in notice.partition("</section>")[0]

    browser.press("/local/p", again)

    assert again not in browser.buttons(page)
    assert "stopped itself" not in browser.http.get(page).text
    for _ in units:
        program.do_trial(agent, sweep)
    found = server.api().sweep(f"local/p/{sweep}")
    assert found.state == "FINISHED"
    finished = [run.config["units"] for run in found.runs if run.state == "finished"]
    assert sorted(finished) == units
    assert "stopped itself" not in browser.http.get(page).text
    with reading(program.settings.database) as connection:
        assert verify(connection).problems == ()


def test_a_sweep_without_a_failed_point_refuses_to_try_again(browser: Browser, program: Speaker) -> None:
    sweep = program.register(GRID)
    agent = program.agent(sweep)
    program.do_trial(agent, sweep, exit_code=1)
    program.set_state(sweep, "CANCELED")
    page = f"/local/p/sweeps/{sweep}"
    late = browser.buttons(page)[f"Retry 1, go on {sweep}"]
    browser.http.post(late)
    program.do_trial(agent, sweep)
    for _ in range(2):
        program.do_trial(agent, sweep)

    refused = browser.http.post(late)

    assert refused.status_code == 400
    assert f"sweep {sweep} has no failed point to try again" in refused.text


def test_a_button_acts_only_for_who_is_signed_in_and_only_with_the_seal_of_its_page(
    server: RunningServer, browser: Browser, program: Speaker
) -> None:
    sweep, other = program.register(GRID), program.register(GRID)
    page = f"/local/p/sweeps/{sweep}"
    address = browser.buttons(page)[f"Pause {sweep}"]
    seal = urlsplit(address).query

    assert httpx2.post(server.url + address).status_code == 403
    for forged in (f"{page}/pause", f"{page}/cancel?{seal}", f"/local/p/sweeps/{other}/pause?{seal}"):
        assert browser.http.post(forged).status_code == 403
    assert browser.http.get(address).status_code == 404
    assert {program.sweep(name)["state"] for name in (sweep, other)} == {"PENDING"}


def test_a_button_that_is_not_there_or_came_too_late_changes_nothing_and_says_so(
    browser: Browser, program: Speaker
) -> None:
    sweep = program.register(GRID)
    page = f"/local/p/sweeps/{sweep}"
    pause = browser.buttons(page)[f"Pause {sweep}"]
    program.set_state(sweep, "FINISHED")

    late = browser.http.post(pause)

    assert late.status_code == 400
    assert f"sweep {sweep} is FINISHED and cannot become PAUSED" in late.text
    assert browser.http.post(pause.replace("/pause", "/explode")).status_code == 403
    assert browser.http.post(pause.replace(sweep, "nobody")).status_code == 404
