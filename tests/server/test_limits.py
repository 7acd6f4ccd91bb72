"""Names, ids and sizes from outside have limits, and a sentence for who goes beyond them."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.server.speaker import GRID, Speaker

BUCKET = "mutation ($input: UpsertBucketInput!) { upsertBucket(input: $input) { inserted } }"
PROJECT = "mutation ($input: UpsertModelInput!) { upsertModel(input: $input) { inserted } }"
SWEEP = "mutation ($input: UpsertSweepInput!) { upsertSweep(input: $input) { sweep { name } } }"
AGENT = "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { agent { id } } }"
CONFIG = "method: grid\nparameters: {a: {values: [1, 2]}}"
LONG = "x" * 10_000


def refused(wb: Speaker, document: str, **variables: Any) -> str:
    reply = wb.post(document, **variables)
    assert reply.status_code == 400, reply.text
    return str(reply.json()["errors"][0]["message"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (LONG, "the name of a run has at most 256 characters, not 10000: 'xxx"),
        ("a\0b", "'a\\x00b' cannot be the name of a run"),
        ("a/b", "none of :;,#?/' may be among them"),
        ("a\nb", "each must be printable"),
        (" ", "it needs a character that is no blank"),
    ],
)
def test_a_run_is_not_made_under_an_id_that_no_address_can_hold(wb: Speaker, name: str, said: str) -> None:
    assert said in refused(wb, BUCKET, input={"name": name, "modelName": "p"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 1000, "the name of a project has at most 128 characters, not 1000: 'xxx"),
        ("a/b", "'a/b' cannot be the name of a project"),
        ("50%", "none of /\\#?%: may be among them"),
        ("a\0", "each must be printable"),
    ],
)
def test_no_call_makes_a_project_of_a_name_that_no_address_can_hold(wb: Speaker, name: str, said: str) -> None:
    assert said in refused(wb, PROJECT, input={"name": name})
    assert said in refused(wb, BUCKET, input={"name": "r", "modelName": name})
    assert said in refused(wb, SWEEP, input={"config": CONFIG, "projectName": name})
    of_entity = {"name": "p", "entityName": name}
    assert said.replace("a project", "an entity") in refused(wb, PROJECT, input=of_entity)


def test_no_entity_hides_behind_a_page_of_the_server_s_own(wb: Speaker) -> None:
    assert isinstance(wb.http, TestClient)
    assert isinstance(wb.http.app, Starlette)
    first_parts = {str(getattr(route, "path", "")).split("/")[1] for route in wb.http.app.routes}
    own = {part for part in first_parts if part and "{" not in part}

    assert {"search", "compare", "storage"} < own
    for part in {*own, "Search"}:
        told = refused(wb, PROJECT, input={"name": "p", "entityName": part})
        assert told == f"{part!r} cannot be the name of an entity: the server has pages of its own there"


def test_usual_names_are_taken(wb: Speaker) -> None:
    for name in ("p", "größe µ", "my.project_1-2 (old)", "x" * 128):
        assert wb.begin("r", project=name)["inserted"]
    assert wb.begin("2026-11-29T12.00 lr=0.1 ü")["inserted"]


@pytest.mark.parametrize(
    ("field", "text", "column"),
    [
        ("displayName", LONG, "display_name"),
        ("groupName", LONG, "group_name"),
        ("jobType", LONG, "job_type"),
        ("host", LONG, "host"),
        ("commit", LONG, "commit_sha"),
        ("tags", [LONG] * 7, "tags"),
    ],
)
def test_a_text_that_would_fill_a_page_is_refused_when_a_run_begins_and_later(
    wb: Speaker, field: str, text: Any, column: str
) -> None:
    id = wb.begin("known")["bucket"]["id"]

    for run in ({"name": "new", "modelName": "p"}, {"name": "known", "modelName": "p"}, {"id": id}):
        assert f"{column} has at most " in refused(wb, BUCKET, input={**run, field: text})


def test_a_sweep_and_an_agent_have_the_same_limits(wb: Speaker) -> None:
    assert "display_name has at most 1024" in refused(wb, SWEEP, input={"config": CONFIG, "displayName": LONG})
    assert "display_name has at most 1024" in refused(wb, SWEEP, input={"config": f"name: {LONG}\n{CONFIG}"})
    assert "host has at most 1024" in refused(wb, AGENT, input={"sweep": wb.register(GRID), "host": LONG})


@pytest.mark.parametrize("offset", [-1, 2**31, 2**70, 0.5, "0", None])
def test_an_offset_that_is_none_is_refused_for_good(wb: Speaker, offset: Any) -> None:
    wb.begin("r")

    reply = wb.stream("r", files={"wandb-history.jsonl": {"offset": offset, "content": ["{}"]}})

    assert reply.status_code == 400
    assert "`offset` of 0 to 2147483647" in reply.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "field",
    [
        "history(samples: -1)",
        "events(samples: -1)",
        'sampledHistory(specs: ["{\\"keys\\": [\\"a\\"], \\"samples\\": -1}"])',
        "files(first: -1) { edges { cursor } }",
        "logLines(first: -1) { edges { cursor } }",
        "logLines(last: -1) { edges { cursor } }",
    ],
)
def test_a_negative_count_is_refused(wb: Speaker, field: str) -> None:
    wb.begin("r")

    assert "must not be negative, as -1 is" in refused(
        wb, f'{{ project(name: "p") {{ run(name: "r") {{ {field} }} }} }}'
    )


@pytest.mark.parametrize("after", ["-1", "9" * 40, "x"])
def test_a_cursor_that_is_none_is_refused(wb: Speaker, after: str) -> None:
    wb.begin("r")

    assert "is no cursor" in refused(
        wb, f'{{ project(name: "p") {{ runs(after: "{after}") {{ edges {{ cursor }} }} }} }}'
    )
