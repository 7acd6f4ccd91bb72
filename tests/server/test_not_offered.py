"""A product of W&B's that this server is not is named in one sentence, with what to use instead."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import wandb

from server.protocol.not_offered import FEATURES, PAGE, REWINDING
from tests.server.real_client import script
from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker
from tests.server.test_sdk import client_documents


@pytest.mark.feature("what else the client may ask for")
def test_no_document_of_the_client_is_answered_by_a_guess_at_what_was_meant(wb: Speaker) -> None:
    said = set()
    for document in client_documents(Path(wandb.__file__).parent):
        reply = wb.post(document)
        if reply.status_code in (400, 501):
            message = reply.json()["errors"][0]["message"]
            assert "Did you mean" not in message
            said |= {feature.name for feature in FEATURES if f"this server has no {feature.name}; " in message}

    # The document of custom charts is put together only when it is sent.
    assert said | {"custom charts"} == {feature.name for feature in FEATURES}


def test_the_page_of_the_docs_tells_of_each() -> None:
    page = Path(PAGE).read_text()

    assert [
        each.name for each in (*FEATURES, REWINDING) if not re.search(rf"^\| {each.name}( \(.*\))? \|", page, re.M)
    ] == []


@pytest.mark.parametrize(
    ("ask", "feature"),
    [
        (lambda api: list(api.reports("local/p")), "reports"),
        (lambda api: list(api.automations("local")), "automations"),
        (lambda api: api.automation("stop", entity="local"), "automations"),
        (lambda api: list(api.slack_integrations(entity="local")), "automations"),
        (lambda api: api.create_user("a@example.com"), "users and teams made by programs"),
        (lambda api: api.create_run_queue("q", "local-container", entity="local"), "launch queues"),
        (lambda api: list(api.registries("local")), "organizations and registries"),
        (lambda api: api.create_registry("models", "organization", "local"), "organizations and registries"),
        (lambda api: api.artifact("wandb-registry-model/cnn:latest"), "organizations and registries"),
        (
            lambda api: api.create_custom_chart(
                entity="local", name="c", display_name="c", spec_type="vega2", access="private", spec={}
            ),
            "custom charts",
        ),
        (lambda api: api.run_queue("local", "q").items, "launch queues"),
    ],
)
@pytest.mark.feature(
    "Api.create_custom_chart",
    "create_user, create_team",
    "reports",
    "registries, organizations",
    "automations, integrations",
    "launch: queues, jobs, agents",
)
def test_the_unmodified_client_says_so(server: RunningServer, ask: Callable[[wandb.Api], object], feature: str) -> None:
    api = server.api()
    api.create_project("p", "local")

    with pytest.raises(Exception, match=re.escape(f"this server has no {feature}; instead: ")):
        ask(api)


@pytest.mark.feature("fork_from, resume_from")
def test_a_run_that_would_begin_with_anothers_rows_is_refused(server: RunningServer, tmp_path: Path) -> None:
    program = """
import wandb
wandb.init(project="forks", id="r", settings={"silent": True}).finish()
for given in ({"fork_from": "r?_step=0"}, {"resume_from": "r?_step=0"}):
    try:
        wandb.init(project="forks", settings={"silent": True}, **given)
    except wandb.Error as error:
        print(error)
"""
    said = script(server, tmp_path, program)

    assert said.count("this server has no rewinding and forking of runs; instead: ") == 2


def test_a_word_that_the_schema_knows_names_no_product(wb: Speaker) -> None:
    reply = wb.post('{ project(name: "p") { views nme } }')

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["message"].startswith("Cannot query field 'nme' on type 'Project'. This server")
