"""Whatever is sent: the answer is the data or a refusal with its reason, never a 5xx that a client repeats for days."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.hostile import chunks, operations
from tests.server.speaker import GRID, Clock, Speaker, speaking


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Speaker, dict[str, list[str]]]]:
    """One server for all examples, so that what one stores others read; and names that are there."""
    with speaking(tmp_path_factory.mktemp("hostile") / "data", Clock()) as wb:
        sweep = wb.register(GRID)
        agent = wb.agent(sweep)
        ids = [wb.begin("r", sweep)["bucket"]["id"], wb.sweep(sweep)["id"], agent, agent]
        names = {"projectName": ["p"], "modelName": ["p"], "entityName": ["local"], "runName": ["r"]}
        there = {"name": ["p", "r"], "sweep": [sweep], "sweepName": [sweep], "agentName": [agent], "after": ["0"]}
        yield wb, {**names, **there, "id": ids}


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_is_answered_by_a_5xx_or_a_fault(
    filled: tuple[Speaker, dict[str, list[str]]], data: st.DataObject
) -> None:
    wb, ids = filled
    wb.begin("r", *ids["sweep"])
    for path, body in (
        ("/files/local/p/r/file_stream", data.draw(chunks())),
        ("/graphql", data.draw(operations(ids))),
        ("/graphql", data.draw(operations(ids))),
    ):
        reply = wb.http.post(path, content=json.dumps(body).encode(), headers=wb.headers)

        assert reply.status_code < 500 or reply.status_code == 501, reply.text
        assert "failed at this request" not in reply.text
