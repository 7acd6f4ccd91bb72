"""A product of W&B's that this server is not is named in one sentence, with what to use instead."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import wandb

from server.protocol.not_offered import FEATURES, PAGE
from tests.server.real_server import RunningServer
from tests.server.speaker import Speaker
from tests.server.test_sdk import client_documents


def test_no_document_of_the_client_is_answered_by_a_guess_at_what_was_meant(wb: Speaker) -> None:
    said = set()
    for document in client_documents(Path(wandb.__file__).parent):
        reply = wb.post(document)
        if reply.status_code in (400, 501):
            message = reply.json()["errors"][0]["message"]
            assert "Did you mean" not in message
            said |= {feature.name for feature in FEATURES if f"this server has no {feature.name}; " in message}

    assert said == {feature.name for feature in FEATURES}


def test_the_page_of_the_docs_tells_of_each() -> None:
    page = Path(PAGE).read_text()

    assert [feature.name for feature in FEATURES if f"| {feature.name} |" not in page] == []


@pytest.mark.parametrize(
    ("ask", "feature"),
    [
        (lambda api: list(api.reports("local/p")), "reports"),
        (lambda api: list(api.automations("local")), "automations"),
        (lambda api: api.create_user("a@example.com"), "teams and users"),
        (lambda api: api.run_queue("local", "q").items, "launch queues"),
    ],
)
def test_the_unmodified_client_says_so(server: RunningServer, ask: Callable[[wandb.Api], object], feature: str) -> None:
    api = server.api()
    api.create_project("p", "local")

    with pytest.raises(Exception, match=re.escape(f"this server has no {feature}; instead: ")):
        ask(api)


def test_a_word_that_the_schema_knows_names_no_product(wb: Speaker) -> None:
    reply = wb.post('{ project(name: "p") { views nme } }')

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["message"].startswith("Cannot query field 'nme' on type 'Project'. This server")
