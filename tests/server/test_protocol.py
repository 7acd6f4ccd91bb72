"""The protocol's edges: keys, status codes, damaged and oversized input, what is stored and read back."""

import gzip
import json
import sqlite3
from typing import Any

import pytest

from tests.server.speaker import GRID, Clock, Speaker

VIEWER = "{ viewer { entity } }"


def message(reply: Any) -> str:
    return str(reply.json()["errors"][0]["message"])


@pytest.mark.parametrize("path", ["/graphql", "/files/local/p/r/file_stream", "/login-links"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YXBpOndyb25n"}, {"Authorization": "Bearer x"}])
def test_every_route_wants_the_key(wb: Speaker, path: str, headers: dict[str, str]) -> None:
    reply = wb.http.post(path, json={"query": VIEWER}, headers=headers)

    assert reply.status_code == 401
    assert message(reply) == "the API key is missing or not this server's"


def test_a_key_is_asked_for_without_making_anything(wb: Speaker) -> None:
    known = wb.http.get("/key", headers=wb.headers)
    other = wb.http.get("/key", headers={"Authorization": "Basic YXBpOndyb25n"})

    assert (known.status_code, known.content) == (204, b"")
    assert (other.status_code, message(other)) == (401, "the API key is missing or not this server's")


@pytest.mark.parametrize("path", ["/healthz", "/ready"])
def test_health_needs_no_key(wb: Speaker, path: str) -> None:
    assert wb.http.get(path).status_code == 200


def test_telemetry_is_switched_off_by_404(wb: Speaker) -> None:
    assert wb.http.post("/sdk/otel/v1/metrics").status_code == 404


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "a GraphQL request must be JSON"),
        (b"[]", "a GraphQL request must be a JSON object, not list"),
        (b"[" * 100_000, "a GraphQL request must be JSON"),
        (b'{"query": 3}', "a GraphQL request needs a `query` text"),
        (b'{"query": "{ nothing }"}', "Cannot query field 'nothing' on type 'Query'."),
        (b'{"query": "{"}', "Syntax Error"),
        (b'{"query": "{ viewer { entity } }", "operationName": "other"}', "no single operation named 'other'"),
        (b'{"query": "mutation { upsertBucket(input: {}) { inserted } }"}', "a run needs a name or an id"),
        (b'{"query": "mutation { agentHeartbeat(input: {id: \\"x\\"}) { commands } }"}', "'x' is no id of a agent"),
    ],
)
def test_a_wrong_request_is_refused_with_a_message(wb: Speaker, body: bytes, said: str) -> None:
    reply = wb.http.post("/graphql", content=body, headers=wb.headers)

    assert 400 <= reply.status_code < 500
    assert said in message(reply)


def test_a_deeply_nested_document_is_refused(wb: Speaker) -> None:
    reply = wb.post("{ project " + "{ sweeps { edges { node { project " * 300 + "{ id }" + "}" * 1201)

    assert reply.status_code == 400


def test_an_oversized_body_is_refused(wb: Speaker) -> None:
    body = json.dumps({"query": VIEWER, "variables": {"x": "x" * wb.settings.max_body_bytes}})

    reply = wb.http.post("/graphql", content=body, headers=wb.headers)

    assert reply.status_code == 413


def test_a_gzip_bomb_is_refused(wb: Speaker) -> None:
    bomb = gzip.compress(b" " * (wb.settings.max_body_bytes + 1))

    reply = wb.http.post(
        "/files/local/p/r/file_stream", content=bomb, headers={**wb.headers, "Content-Encoding": "gzip"}
    )

    assert reply.status_code == 413


def test_a_gzipped_stream_is_read(wb: Speaker) -> None:
    wb.begin("r")
    body = json.dumps({"complete": True, "exitcode": 0}).encode()

    reply = wb.http.post(
        "/files/local/p/r/file_stream", content=gzip.compress(body), headers={**wb.headers, "Content-Encoding": "gzip"}
    )

    assert reply.status_code == 200
    assert wb.field("r", "state") == "finished"


def test_a_stream_sent_twice_is_stored_once(wb: Speaker) -> None:
    wb.begin("r")
    rows = [{"_step": step, "loss": 1.0 / (step + 1)} for step in range(3)]

    wb.log("r", 0, *rows)
    wb.log("r", 0, *rows)

    assert [json.loads(row)["_step"] for row in wb.field("r", "history")] == [0, 1, 2]


def test_a_step_sent_again_at_another_line_is_told_once_in_its_last_words(wb: Speaker) -> None:
    wb.begin("r")
    wb.log("r", 0, {"_step": 0, "loss": 1.0}, {"_step": 1, "loss": 0.9})

    wb.log("r", 2, {"_step": 1, "loss": 0.8}, {"_step": 2, "loss": 0.5})

    rows = [json.loads(row) for row in wb.field("r", "history")]
    assert [(row["_step"], row["loss"]) for row in rows] == [(0, 1.0), (1, 0.8), (2, 0.5)]


@pytest.mark.feature("run.log: numbers, NaN and infinity")
def test_nan_and_infinity_survive_as_the_client_wrote_them(wb: Speaker) -> None:
    wb.begin("r")
    row = '{"_step": 0, "loss": NaN, "top": Infinity}'

    wb.stream("r", files={"wandb-history.jsonl": {"offset": 0, "content": [row]}})

    assert wb.field("r", "history") == [row]
    spec = json.dumps({"keys": ["loss", "top"], "samples": 10})
    assert wb.field("r", f"sampledHistory(specs: [{json.dumps(spec)}])") == [[{"loss": "NaN", "top": "Infinity"}]]


@pytest.mark.parametrize(
    "body",
    [
        {"files": {"wandb-history.jsonl": {"offset": 10**18, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": -1, "content": ["{}"]}}},
        {"files": {"wandb-history.jsonl": {"offset": 0, "content": ["no json"]}}},
        {"files": {"wandb-summary.json": {"offset": 0, "content": ["[]"]}}},
        {"files": {"output.log": {"offset": 0, "content": [3]}}},
        {"files": 3},
    ],
)
def test_a_damaged_stream_is_refused_and_stores_nothing(wb: Speaker, body: dict[str, Any]) -> None:
    wb.begin("r")

    reply = wb.stream("r", **body)

    assert reply.status_code == 400
    assert wb.field("r", "history") == []


def test_a_stream_of_an_unknown_run_is_404(wb: Speaker) -> None:
    assert wb.stream("nobody").status_code == 404


def test_a_bare_sweep_id_leads_a_run_to_the_sweeps_project(wb: Speaker) -> None:
    sweep = wb.register(GRID, project="real")
    command = wb.beat(wb.agent(sweep))

    bucket = wb.begin(command["run_id"], sweep, project="uncategorized")["bucket"]

    assert bucket["project"] == {"name": "real", "entity": {"name": "local"}}


def test_null_fields_of_a_later_call_erase_nothing(wb: Speaker) -> None:
    wb.begin("r", notes="kept", tags=["a"], config='{"lr": {"value": 1}}')

    wb.begin("r")

    assert wb.field("r", "notes") == "kept"
    assert wb.field("r", "tags") == ["a"]
    assert wb.field("r", "config") == '{"lr": {"value": 1}}'


def test_a_handed_out_run_does_not_look_started_to_a_resuming_client(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    name = wb.beat(wb.agent(sweep))["run_id"]

    assert wb.field(name, 'wandbConfig(keys: ["t"])') == "{}"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"method": "bayes", "parameters": {"b": {"min": 0, "max": 1}}}, "metric"),
        ({"method": "custom", "parameters": {"b": {"min": 0, "max": 1}}}, "custom"),
        ({"method": "gird", "parameters": {"b": {"values": [1]}}}, "grid"),
        ({"method": "grid", "parameters": {"b": {"min": 0.0, "max": 1.0}}}, "grid"),
        ({"method": "grid"}, "parameters"),
    ],
)
def test_a_wrong_sweep_is_refused_at_registration(wb: Speaker, config: dict[str, Any], said: str) -> None:
    document = 'mutation ($c: String) { upsertSweep(input: {config: $c, projectName: "p"}) { sweep { name } } }'

    reply = wb.post(document, c=json.dumps(config))

    assert reply.status_code == 400
    assert said in message(reply)
    assert wb.ask("{ models { edges { node { name } } } }")["models"]["edges"] == []


@pytest.mark.parametrize(("state", "said"), [("RUNING", "allowed: PENDING, RUNNING"), ("PENDING", "cannot become")])
def test_an_impossible_sweep_state_is_refused(wb: Speaker, state: str, said: str) -> None:
    sweep = wb.register(GRID)
    wb.agent(sweep)

    reply = wb.set_state(sweep, state)

    assert reply.status_code == 400
    assert said in message(reply)


def upload_url(wb: Speaker, name: str) -> str:
    document = """mutation ($files: [String!]!) { createRunFiles(input: {
        entityName: "local", projectName: "p", runName: "r", files: $files}) { files { name uploadUrl } } }"""
    (file,) = wb.ask(document, files=[name])["createRunFiles"]["files"]
    assert file["name"] == name
    return str(file["uploadUrl"])


@pytest.mark.parametrize("name", ["plain.txt", "./dot.txt", "media/images/a b#ü?.png", "two\nlines\n", "empty"])
def test_a_file_put_at_its_signed_address_is_read_back(wb: Speaker, name: str) -> None:
    wb.begin("r")
    content = b"" if name == "empty" else b"some bytes"

    reply = wb.http.put(upload_url(wb, name), content=content)

    assert reply.status_code == 200
    (edge,) = wb.field("r", "files { edges { node { name sizeBytes directUrl } } }")["edges"]
    assert edge["node"]["name"] == name.removeprefix("./")
    assert edge["node"]["sizeBytes"] == len(content)
    assert wb.http.get(edge["node"]["directUrl"]).content == content


def test_a_file_address_works_for_its_own_file_and_verb_only(wb: Speaker, clock: Clock) -> None:
    wb.begin("r")
    url = upload_url(wb, "a.txt")

    assert wb.http.put(url.replace("a.txt", "b.txt"), content=b"x").status_code == 403
    assert wb.http.get(url).status_code == 403
    assert wb.http.put(url.split("?")[0], content=b"x").status_code == 403
    clock.pass_s(wb.settings.file_url_lifetime_s + 1)
    assert wb.http.put(url, content=b"x").status_code == 403


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../b", "", "x" * 2000])
def test_a_file_name_that_leaves_the_run_is_refused(wb: Speaker, name: str) -> None:
    wb.begin("r")
    document = """mutation ($files: [String!]!) { createRunFiles(input: {
        entityName: "local", projectName: "p", runName: "r", files: $files}) { files { name } } }"""

    reply = wb.post(document, files=[name])

    assert reply.status_code == 400
    assert "a file's name must be a relative path" in message(reply)


def test_uploaded_html_is_saved_by_a_browser_and_not_run(wb: Speaker) -> None:
    wb.begin("r")
    wb.http.put(upload_url(wb, "page.html"), content=b"<script>alert(1)</script>")
    (edge,) = wb.field("r", "files { edges { node { directUrl } } }")["edges"]

    reply = wb.http.get(edge["node"]["directUrl"])

    assert reply.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in reply.headers["Content-Security-Policy"]


def test_console_lines_are_told_with_their_level_and_time(wb: Speaker) -> None:
    wb.begin("r")
    sent = ["2026-11-23T16:33:42.164330 hello", "ERROR 2026-11-23T16:33:43 oh no", "2026-11-23 bare"]
    wb.stream("r", files={"output.log": {"offset": 0, "content": sent}})

    asked = """{ project(name: "p") { run(name: "r") {
        logLines { edges { node { level timestamp line } } } } } }"""
    edges = wb.ask(asked)["project"]["run"]["logLines"]["edges"]

    assert [tuple(edge["node"].values()) for edge in edges] == [
        ("info", "2026-11-23T16:33:42.164330", "hello"),
        ("error", "2026-11-23T16:33:43", "oh no"),
        ("info", None, "2026-11-23 bare"),
    ]


@pytest.mark.parametrize(
    ("samples", "steps"), [(0, []), (1, [9]), (2, [0, 9]), (4, [0, 3, 6, 9]), (10, [*range(10)]), (99, [*range(10)])]
)
def test_a_sample_of_a_history_reaches_from_its_first_row_to_its_last(
    wb: Speaker, samples: int, steps: list[int]
) -> None:
    wb.begin("r")
    wb.log("r", 0, *({"_step": step, "loss": 0.5} for step in range(10)))

    spec = json.dumps({"keys": ["_step"], "samples": samples})
    columns = wb.field("r", f"sampledHistory(specs: [{json.dumps(spec)}])")

    assert columns == [[{"_step": step} for step in steps]]
    assert [json.loads(row)["_step"] for row in wb.field("r", f"history(samples: {samples})")] == steps


RUNS = """query ($filters: JSONString, $order: String) { project(name: "p") {
    runCount(filters: $filters) runs(filters: $filters, order: $order) { edges { node { name } } } } }"""


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"config.lr": 2}, ["b"]),
        ({"config.lr.value": {"$gte": 2}}, ["c", "b"]),
        ({"summary_metrics.acc": {"$exists": True}}, ["b", "a"]),
        ({"$or": [{"name": "a"}, {"display_name": "see"}]}, ["c", "a"]),
        ({"tags": "t"}, ["a"]),
        ({"state": {"$ne": "finished"}}, ["c", "b"]),
        ({"display_name": {"$regex": "^s"}}, ["c"]),
        ({"config.lr": {"$nin": [1, 3]}}, ["b"]),
        ({"$not": {"name": "a"}}, ["c", "b"]),
        ({"config.mixed": {"$gt": 1}}, ["b"]),
        ({"config.mixed": {"$gt": "x"}}, ["c"]),
    ],
)
def test_runs_are_filtered_as_the_api_asks(
    wb: Speaker, clock: Clock, filters: dict[str, Any], names: list[str]
) -> None:
    fill_with_runs(wb, clock)

    found = wb.ask(RUNS, filters=json.dumps(filters))["project"]

    assert [edge["node"]["name"] for edge in found["runs"]["edges"]] == names
    assert found["runCount"] == len(names)


@pytest.mark.parametrize("name", ["config.plain.a", "config.wrapped.a", "config.wrapped.value.a"])
def test_a_config_is_filtered_by_what_w_b_s_client_reads_of_it_with_and_without_an_envelope(
    wb: Speaker, name: str
) -> None:
    wb.begin("r", config=json.dumps({"plain": {"a": 1}, "wrapped": {"desc": None, "value": {"a": 1}}}))

    assert wb.ask(RUNS, filters=json.dumps({name: 1}))["project"]["runCount"] == 1


@pytest.mark.parametrize(("order", "names"), [("+summary_metrics.acc", "bac"), ("-summary_metrics.acc", "abc")])
def test_runs_without_the_value_come_last_in_both_orders(wb: Speaker, clock: Clock, order: str, names: str) -> None:
    fill_with_runs(wb, clock)

    edges = wb.ask(RUNS, order=order)["project"]["runs"]["edges"]

    assert [edge["node"]["name"] for edge in edges] == list(names)


def fill_with_runs(wb: Speaker, clock: Clock) -> None:
    for name, lr, tags, label in (("a", 1, ["t"], "one"), ("b", 2, [], "two"), ("c", 3, [], "see")):
        config = {"lr": {"value": lr}, "mixed": {"value": "yes" if name == "c" else lr}}
        wb.begin(name, config=json.dumps(config), tags=tags, displayName=label)
        clock.pass_s(1)
    wb.summarise("a", acc=0.9)
    wb.summarise("b", acc=0.1)
    wb.finish("a")


DATE_NAMES = ("created_at", "createdAt", "heartbeat_at", "heartbeatAt", "updated_at", "updatedAt")


@pytest.mark.parametrize("name", DATE_NAMES)
def test_runs_are_found_by_a_date_in_every_form_of_it(wb: Speaker, clock: Clock, name: str) -> None:
    clock.pass_s(1 - clock() % 1 + 0.5)  # what the client reads back has no fraction
    wb.begin("old")
    read = str(wb.field("old", "createdAt"))
    clock.pass_s(100)
    wb.begin("new")
    day = f"{read[:4]}-01-01"

    def found(condition: Any) -> int:
        return int(wb.ask(RUNS, filters=json.dumps({name: condition}))["project"]["runCount"])

    assert found({"$gt": day}) == 2
    assert found({"$lt": day}) == 0
    assert found(read) == 1
    assert found({"$in": [read, day]}) == 1
    assert found({"$gt": read}) == 1, "what was read is no later than itself"
    assert found({"$gt": read.replace("Z", "+05:00")}) == 2
    assert found({"$lte": clock() - 50}) == 1
    assert found({"$not": {"$gt": read}}) == 1
    assert found({"$regex": f"^{read[:4]}-"}) == 2


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"created_at": {"$gt": "yesterday"}}, "'yesterday' is no date; allowed: '2026-11-29'"),
        ({"heartbeatAt": {"$in": ["2026-13-01"]}}, "'2026-13-01' is no date"),
        ({"updated_at": True}, "True is no date"),
        ({"name": {"$lt": 3}}, "name is a text here and cannot be compared with a number, '3'"),
        (
            {"config.lr": {"$gte": "0.1"}},
            "config.lr is a number here and cannot be compared with a text, '0.1'",
        ),
        ({"$or": [{"$and": [{"config.lr": {"$not": {"$gt": None}}}]}]}, "cannot be compared with"),
        ({"tags": {"$gt": "a"}}, "tags is neither a number nor a text"),
    ],
)
def test_a_comparison_of_unlike_values_is_refused(
    wb: Speaker, clock: Clock, filters: dict[str, Any], said: str
) -> None:
    fill_with_runs(wb, clock)

    reply = wb.post(RUNS, filters=json.dumps(filters))

    assert reply.status_code == 400
    assert said in reply.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "filters", ['{"nme": 1}', '{"name": {"$gte?": 1}}', '{"$or": 3}', '{"name": {"$regex": "("}}', "["]
)
def test_a_wrong_filter_is_refused(wb: Speaker, filters: str) -> None:
    wb.begin("r")

    assert wb.post(RUNS, filters=filters).status_code == 400


def test_best_loss_is_the_best_value_signed_so_that_smaller_is_better(wb: Speaker) -> None:
    sweep = wb.register({**GRID, "metric": {"name": "acc", "goal": "maximize"}})
    agent = wb.agent(sweep)
    for value in (0.5, 0.9, float("nan")):
        name = wb.beat(agent)["run_id"]
        wb.begin(name, sweep)
        wb.stream(name, files={"wandb-summary.json": {"offset": 0, "content": [json.dumps({"acc": value})]}})
        wb.finish(name)

    assert wb.sweep(sweep)["bestLoss"] == -0.9


def test_a_database_that_is_locked_is_503_and_nothing_is_lost(wb: Speaker) -> None:
    wb.begin("r")
    other = sqlite3.connect(wb.settings.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    locked = wb.log("r", 0, {"_step": 0}), wb.post('mutation { upsertBucket(input: {name: "s"}) { inserted } }')
    other.execute("ROLLBACK")
    other.close()

    assert [reply.status_code for reply in locked] == [503, 503]
    assert wb.log("r", 0, {"_step": 0}).status_code == 200


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"method": "random", "parameters": {"b": {"min": 0, "max": 1}}}, "run_cap"),
        (
            GRID
            | {
                "metric": {"name": "m"},
                "early_terminate": {"type": "hyperband", "min_iter": 7, "max_iter": 19, "s": 2},
            },
            "runs are compared after 2, 6 values",
        ),
    ],
)
def test_a_doubtful_sweep_is_registered_with_a_warning(wb: Speaker, config: dict[str, Any], said: str) -> None:
    document = """mutation ($c: String) {
        upsertSweep(input: {config: $c, projectName: "p"}) { configValidationWarnings } }"""

    (warning,) = wb.ask(document, c=json.dumps(config))["upsertSweep"]["configValidationWarnings"]

    assert said in warning
