"""What a sweep's page gives to be saved: its runs, its best config, its file."""

import csv
import io
import json

import yaml

from tests.server.people import add_user
from tests.server.speaker import Speaker

CONFIG = "# why\nmethod: grid\nmetric: {name: loss}  # lower is better\nparameters:\n  units: {values: [16, 8]}\n"
REGISTER = 'mutation ($c: String) { upsertSweep(input: {config: $c, projectName: "p"}) { sweep { name } } }'


def registered(wb: Speaker) -> tuple[str, list[str]]:
    """A sweep of two runs, of which the second is the better."""
    sweep = str(wb.ask(REGISTER, c=CONFIG)["upsertSweep"]["sweep"]["name"])
    agent = wb.agent(sweep)
    return sweep, [wb.do_trial(agent, sweep, loss=loss, odd=float("nan")) for loss in (2.0, 1.0)]


def saved(wb: Speaker, sweep: str, what: str) -> str:
    reply = wb.http.get(f"/local/p/sweeps/{sweep}/take/{what}", headers=wb.headers)
    assert reply.status_code == 200, reply.text
    name = what.partition("?")[0]
    assert reply.headers["content-disposition"] == f'attachment; filename="{sweep}-{name}"'
    return reply.text


def test_runs_are_saved_as_csv_and_json(wb: Speaker) -> None:
    sweep, runs = registered(wb)

    rows = list(csv.DictReader(io.StringIO(saved(wb, sweep, "runs.csv"))))
    document = json.loads(saved(wb, sweep, "runs.json"))

    assert [(row["run_id"], row["units"], row["loss"]) for row in rows] == [
        (runs[0], "16", "2.0"),
        (runs[1], "8", "1.0"),
    ]
    assert [(run["run_id"], run["config"], run["summary"]["odd"]) for run in document["runs"]] == [
        (runs[0], {"units": 16}, None),
        (runs[1], {"units": 8}, None),
    ]


def test_only_the_runs_that_the_address_chooses_are_saved(wb: Speaker) -> None:
    sweep, runs = registered(wb)

    rows = list(csv.DictReader(io.StringIO(saved(wb, sweep, "runs.csv?f.units=8"))))

    assert [row["run_id"] for row in rows] == [runs[1]]


def test_the_best_config_and_the_file_as_it_was_written_are_saved_as_yaml(wb: Speaker) -> None:
    sweep, _ = registered(wb)

    assert yaml.safe_load(saved(wb, sweep, "best.yaml")) == {"units": 8}
    assert saved(wb, sweep, "sweep.yaml") == CONFIG


def test_what_is_not_there_is_named_and_others_have_none_of_it(wb: Speaker) -> None:
    sweep = str(wb.ask(REGISTER, c=CONFIG)["upsertSweep"]["sweep"]["name"])
    bob = add_user(wb, "bob")

    path = f"/local/p/sweeps/{sweep}"
    told = [wb.http.get(f"{path}/take/{what}", headers=wb.headers) for what in ("best.yaml", "runs.xls")]
    others = wb.http.get(f"{path}/take/runs.csv", headers=bob.headers)

    assert [reply.status_code for reply in (*told, others)] == [404, 404, 404]
    assert "No run of this sweep has a value yet." in told[0].text
    assert "it has runs.csv, runs.json, best.yaml, sweep.yaml" in told[1].text
    assert "Best config" not in wb.http.get(path, headers=wb.headers).text
