"""The commands that a run's page gives, typed as they stand there."""

import html
import re
import shlex

import httpx2
import pytest

from tests.app.programs import Trained

pytestmark = pytest.mark.slow


def lines_of(trained: Trained, run_id: str) -> list[list[str]]:
    """The words of each command on a run's page."""
    server = trained.server
    address = f"{server.url}/local/wandb-sweep-practice/runs/{run_id}"
    page = httpx2.get(address, auth=("api", server.api_key)).text
    panel = page.partition('id="again"')[2].partition("</section>")[0]
    return [shlex.split(html.unescape(re.sub("<[^>]*>", "", line))) for line in re.findall("<code>(.*?)</code>", panel)]


def test_each_command_on_the_page_of_the_best_run_does_what_it_says(trained: Trained) -> None:
    runs = {run.id: run for run in trained.runs()}
    best = max(trained.run_ids, key=lambda id: runs[id].summary["val_accuracy"])
    replay, train, fetch = lines_of(trained, best)
    place = trained.workplace
    program = ["python", "-m", "app"]

    assert [replay[:3], fetch[:3]] == [program, program]
    code, said = place.run(*replay[3:])
    assert (code, "identical: " in said) == (0, True), said
    code, said = place.run(*fetch[3:])
    assert (code, "the same as then" in said) == (0, True), said
    assert f"Make it again: {shlex.join(train)}" in said.splitlines()
