"""What to watch of a server, in the form that Prometheus reads, for its admins."""

from prometheus_client.parser import text_string_to_metric_families

from tests.server.maker import Maker
from tests.server.people import add_user
from tests.server.speaker import GRID, Clock, Speaker


def watched(wb: Speaker) -> dict[tuple[str, ...], float]:
    """Each value by its name and the values of its labels."""
    reply = wb.http.get("/metrics", headers=wb.headers)
    assert reply.status_code == 200
    return {
        (sample.name.removeprefix("tf_sweeps_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }


def test_what_a_server_has_and_does_is_counted(wb: Speaker, clock: Clock) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    wb.do_trial(agent, sweep, loss=1.0)
    run = wb.beat(agent)["run_id"]
    wb.begin(run, sweep)
    Maker(wb).log({"a": b"12345"})
    clock.pass_s(7)

    values = watched(wb)

    assert values["runs", "finished"] == values["runs", "running"] == 1
    assert values["sweeps", "running"] == 1
    assert values["points", "finished"] == 1
    assert values["agents",] == 1
    assert values["longest_silence_seconds",] == 7
    assert values["file_bytes",] == 5
    assert values["storing",] == 1
    path = wb.settings.database
    sizes = [part.stat().st_size for part in (path, path.with_name(f"{path.name}-wal"))]
    assert min(sizes) > 0
    assert values["database_bytes",] == sum(sizes)
    assert values["disk_free_bytes",] > 0
    assert values["request_seconds_count", "graphql", "200"] >= 5
    assert values["request_seconds_count", "stream", "200"] == 2
    assert values["request_seconds_count", "artifact", "200"] >= 1
    assert values["process_resident_memory_bytes",] > 0


def test_only_an_admins_key_reads_them(wb: Speaker) -> None:
    admin, user = add_user(wb, "root", "admin"), add_user(wb, "alice", "run")

    replies = [wb.http.get("/metrics", headers=headers) for headers in (admin.headers, user.headers, {})]

    assert [reply.status_code for reply in replies] == [200, 403, 401]
    assert "ask for the role `admin`" in replies[1].text
