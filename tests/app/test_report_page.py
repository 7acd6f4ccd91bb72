"""The report's files, of sweeps that nobody ran: what is in them, and that the page asks for nothing."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app.commands.report import files
from app.commands.report import page as report_page
from app.commands.report.findings import Facts, Findings
from app.commands.report.page import page
from app.commands.report.words import sentences
from tests.app.made_up_sweep import made_up

WRITTEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
MOST_BYTES = 2_000_000
NASTY = '<script>alert("x")</script>&'


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and that each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag == name]


@pytest.fixture(scope="module")
def large() -> Findings:
    return made_up(300)


@pytest.mark.parametrize("runs", [0, 1, 5, 20, 300, 5000])
def test_the_page_is_one_small_file_that_asks_for_nothing(runs: int) -> None:
    text = page(made_up(runs, continuous=runs > 300), WRITTEN)

    tags = Tags(text)
    assert len(text.encode()) < MOST_BYTES
    assert not {"script", "img", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in tags.found}
    assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"url\(|@import", text)
    addresses = {attributes["href"] for attributes in tags.named("a")}
    assert all(str(address).startswith("http://127.0.0.1:8080/local/practice/") for address in addresses)
    policy = next(each["content"] for each in tags.named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


def test_the_page_tells_the_best_run_with_its_recipe_and_command(large: Findings) -> None:
    text = page(large, WRITTEN)
    best = max((run for run in large.results.runs if run.metric), key=lambda run: run.metric or 0)

    shown = re.search(r'<p class="number">([\d.]+)</p>', text)
    assert shown is not None
    assert float(shown[1]) == pytest.approx(best.metric, abs=1e-4)
    for name, value in best.values.items():
        assert f"<span>--{name}={value}</span>" in text
    assert "<div class=fixed><dt>epochs</dt><dd>5</dd></div>" in text
    assert f"<span>replay</span> <span>local/practice/{best.id}</span>" in text
    assert "data sha256 41f241f2…41f2" in text


def test_the_table_has_the_ten_best_and_the_curves_five_of_them(large: Findings) -> None:
    text = page(large, WRITTEN)

    names = re.findall(r'<th scope="row".*?<a [^>]+>(trial \d+)</a></th>', text)
    assert names == [run.name for run in large.best[:10]]
    assert text.count('<b class="letter') == 5


def test_the_best_so_far_is_called_as_everywhere_else(large: Findings) -> None:
    drawn = page(large, WRITTEN).split("<h2>Best so far</h2>")[1].split("</section>")[0]

    assert re.findall(r">((?:run|trial) \d+)</text>", drawn) == [large.best[0].name]


def test_each_cause_is_told_once_with_its_runs(large: Findings) -> None:
    text = page(large, WRITTEN)

    failed = [run for run in large.results.runs if run.state == "failed"]
    for cause in {str(run.cause) for run in failed}:
        assert text.count(f"<span>{cause}") == 1
    assert all(f">{run.name}</a>" in text for run in failed)


def test_what_is_stopped_killed_running_or_waits_is_counted() -> None:
    found = made_up(20, state="RUNNING", expected=50)
    runs = (*found.results.runs[:-2], *(replace(run, state="running") for run in found.results.runs[-2:]))

    text = page(Findings(replace(found.results, runs=runs), found.config, found.facts), WRITTEN)

    assert "<b>2</b> running" in text
    assert "<b>30</b> waiting" in text
    assert "It was running when this was written." in text


def test_no_text_from_outside_becomes_a_tag() -> None:
    found = made_up(60)
    runs = tuple(
        replace(run, name=NASTY, cause=NASTY, values={NASTY: number % 3, "kind": f"{NASTY}{number % 2}"})
        for number, run in enumerate(found.results.runs)
    )
    results = replace(
        found.results, name=NASTY, metric=NASTY, path=f"{NASTY}/p/s", url="javascript:alert(1)", runs=runs
    )
    config = {"method": NASTY, "parameters": {"kind": {"values": [f"{NASTY}1", f"{NASTY}0"]}}}
    provenance = {"packages": {NASTY: NASTY}, "python": NASTY, "seed": NASTY, "git_commit": NASTY}
    facts = Facts("javascript:alert(1)", NASTY, 3.0, {f"test_{NASTY}": NASTY}, provenance, {NASTY: NASTY})
    curves = tuple(replace(curve, name=NASTY) for curve in found.curves)

    text = page(Findings(results, config, dict.fromkeys(found.facts, facts), curves), WRITTEN)

    tags = Tags(text)
    assert "<script" not in text
    assert "javascript:" not in text
    assert not tags.named("a")
    assert 'alert("x")</script>' in "".join(tags.text)


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (0, ""),
        (12, r"12 runs are too few to tell what each of 5 parameters does: that takes 50\."),
        (
            300,
            r"<b>learning_rate</b> <b>decides\.</b> It explains 7\d % of the differences between runs; lower is better",
        ),
    ],
)
def test_the_sentences_claim_no_more_than_the_runs_allow(runs: int, told: str) -> None:
    assert re.match(told, sentences(made_up(runs, seed=2)))


def test_a_run_of_another_program_has_no_command() -> None:
    found = made_up(5)
    facts = {name: replace(each, provenance={}) for name, each in found.facts.items()}

    text = page(Findings(found.results, found.config, facts), WRITTEN)

    assert "app.train" not in text
    assert "It records no provenance" in text


def test_a_sweep_without_a_metric_has_no_best() -> None:
    found = made_up(3, metric=None)
    runs = tuple(replace(run, metric=None) for run in found.results.runs)

    assert "The sweep file names no metric." in page(
        Findings(replace(found.results, runs=runs), found.config, found.facts), WRITTEN
    )


def test_the_files_hold_every_run_and_its_figures(large: Findings, tmp_path: Path) -> None:
    path = files.write(large, tmp_path, WRITTEN)

    assert path == tmp_path / "reports" / "full_grid-3f9a2c-7f3k2m9q" / "report.html"
    assert sorted(each.name for each in path.parent.iterdir()) == ["report.html", "results.csv", "results.json"]
    rows = list(csv.DictReader(io.StringIO((path.parent / "results.csv").read_text())))
    document = json.loads((path.parent / "results.json").read_text())
    for run, row, told in zip(large.results.runs, rows, document["runs"], strict=True):
        assert (row["run_id"], told["id"]) == (run.id, run.id)
        assert float(row["learning_rate"]) == told["values"]["learning_rate"] == run.values["learning_rate"]
        assert (float(row["val_accuracy"]) if row["val_accuracy"] else None) == told["metric"] == run.metric
        assert row["state"] == told["state"] == run.ending
    assert document["best_run"] == large.best[0].id
    assert document["importance"][0]["name"] == "learning_rate"


def test_a_sweep_of_several_metrics_tells_its_pareto_front(tmp_path: Path) -> None:
    found = made_up(60)
    config = {**found.config, "metrics": [{"name": "val_accuracy", "goal": "maximize"}, {"name": "size"}]}
    sizes = {run.id: {"size": run.values["layer1_size"]} for run in found.results.runs[1:]}
    facts = {
        id: replace(each, summary={**each.summary, **sizes.get(id, {})}, url=f"http://x/{id}?a&b")
        for id, each in found.facts.items()
    }
    found = replace(found, config=config, facts=facts)

    files.write(found, tmp_path, WRITTEN)

    folder = tmp_path / "reports" / files.folder_name(found)
    text = (folder / "report.html").read_text()
    told = json.loads((folder / "results.json").read_text())
    rows = list(csv.DictReader(io.StringIO((folder / "results.csv").read_text())))
    front = [row for row in rows if row["pareto_front"] == "True"]
    assert told["metrics"] == [{"name": "val_accuracy", "goal": "maximize"}, {"name": "size", "goal": "minimize"}]
    assert {row["run_id"] for row in front} == set(told["pareto_front"])
    values = [(float(row["size"]), float(row["val_accuracy"])) for row in front]
    assert len(values) > 1
    assert [accuracy for _, accuracy in sorted(values)] == sorted(accuracy for _, accuracy in values)
    section = text.split("Pareto front", 1)[1].split("</section>")[0]
    assert section.count("front-mark") == len(front)
    assert all(f'?a&amp;b">{row["run_name"]}</a>' in section for row in front)
    assert "size, lower is better" in section


def test_a_metric_that_cannot_be_drawn_costs_the_drawing_alone() -> None:
    found = made_up(3)
    config = {**found.config, "metrics": [{"name": "val_accuracy", "goal": "maximize"}, {"name": "size"}]}
    facts = {id: replace(each, summary={**each.summary, "size": 1e305}) for id, each in found.facts.items()}

    text = page(replace(found, config=config, facts=facts), WRITTEN)

    assert "Pareto front" in text
    assert '<figure class="scatter' not in text
    assert "Pareto front" not in page(found, WRITTEN)


def test_a_column_of_the_same_name_and_a_value_that_json_has_not_are_kept_apart() -> None:
    found = made_up(2)
    runs = tuple(replace(run, values={"state": [1, 2], "rate": float("nan")}) for run in found.results.runs)
    odd = Findings(replace(found.results, runs=runs), found.config, {})

    (first, _) = csv.DictReader(io.StringIO(files.as_csv(odd)))
    assert (first["state"], first["config.state"]) == (runs[0].ending, "[1, 2]")
    assert json.loads(files.as_json(odd, WRITTEN))["runs"][0]["values"]["rate"] is None


def test_text_has_enough_contrast_in_both_schemes() -> None:
    light, dark = re.findall(r"(--page: [^}]+)}", report_page.STYLE.read_text())

    for scheme in (light, dark):
        colours = dict(re.findall(r"--([\w-]+): #(\w{6})", scheme))
        for name in ("ink", "ink2", "ink3", "bad", "stop", "best"):
            for paper in ("page", "sunk"):
                assert contrast(colours[name], colours[paper]) >= 4.5, (name, paper)


def contrast(first: str, second: str) -> float:
    """By WCAG 2."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear: list[Any] = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
