"""Media on pages: side by side on that of a sweep, whatever programs log, for who may see them, at what cost."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from server.ledger import files
from server.pages.media import tables
from server.store import writes
from tests.server.maker import Maker
from tests.server.one_step import Client
from tests.server.shelf import BASE, Seen, Shelf, shelf_at
from tests.server.speaker import Clock, Speaker

SWEEP = "/local/p/sweeps/sweep1"
RUN = "/local/p/runs/run1"
TABLE = "media/table/t.table.json"
PNG = b"\x89PNG not really"


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def store(shelf: Shelf, run: int, name: str, content: bytes) -> None:
    """A file of a run as it lies when it was uploaded."""
    path = files.path_of(shelf.settings.files, run, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    shelf.file(run, name, size_bytes=len(content))


def image(name: str, caption: str = "") -> dict[str, Any]:
    return {"_type": "image-file", "path": f"media/images/{name}", "caption": caption, "format": "png"}


def table(shelf: Shelf, columns: list[Any], rows: Any) -> None:
    """A run that has logged a table."""
    run = shelf.run(shelf.project())
    store(shelf, run, TABLE, json.dumps({"columns": columns, "data": rows}, ensure_ascii=False).encode())
    shelf.history(run, [{"t": {"_type": "table-file", "path": TABLE, "ncols": 1, "nrows": len(rows)}}])


def shown(shelf: Shelf, **asked: str) -> list[list[str]]:
    """The rows of that table on its page."""
    return [row for row in shelf.look(f"{RUN}?{urlencode(asked)}").rows("media-table") if row]


def of_key(page: Seen, key: str) -> str:
    return page.html.split(f'aria-label="{key}">\n  <h3>')[1].split("</section>")[0]


def captions(html: str) -> list[str]:
    return re.findall(r'class="media-caption"[^>]*>([^<]*)<', html)


def test_runs_with_letters_are_side_by_side_at_the_step_of_the_address(shelf: Shelf) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project)
    for number in range(2):
        run = shelf.run(project, sweep, number, metric=0.9 - number / 10)
        rows = [{"seen": image(f"{number}-{step}.png", f"run {number} step {step}")} for step in range(3)]
        shelf.history(run, [*rows, {"val_accuracy": 0.1}] if number else [{}, *rows[1:]])
    shelf.history(shelf.run(project, sweep, 2, metric=0.1), [{"val_accuracy": 0.2}])

    last, first = (of_key(shelf.look(f"{SWEEP}{query}"), "seen") for query in ("", "?media-step=0&run=run2,run1"))

    assert captions(last) == ["run 0 step 2", "run 1 step 2"]
    assert re.findall(r'letter tick-(\w)"', last) == ["a", "b", "c"]
    assert last.count("nothing logged") == 1
    assert captions(first) == ["run 1 step 0"]


def test_the_step_stays_in_the_addresses_of_a_sweeps_page(shelf: Shelf) -> None:
    project = shelf.project()
    shelf.history(shelf.run(project, shelf.sweep(project), 0, metric=0.9), [{"seen": image("a.png")}])

    page = shelf.look(f"{SWEEP}?media-step=7&media=x")

    assert any("sort=" in link and "media-step=7&media=x" in link for link in page.links)
    fields = [attrs for tag, attrs in page.tags if tag == "input" and attrs.get("name") == "media-step"]
    assert {attrs["value"] for attrs in fields} == {"7"}
    assert [attrs["type"] for attrs in fields].count("number") == 1
    assert any(link.startswith(SWEEP) and "media-step=0" in link for link in page.links)


def test_a_page_without_media_has_no_such_panel(shelf: Shelf) -> None:
    project = shelf.project()
    shelf.history(shelf.run(project, shelf.sweep(project), 0, metric=0.9), [{"val_accuracy": 1}])

    assert ['id="media"' in shelf.look(path).html for path in (SWEEP, RUN)] == [False, False]


def test_many_keys_are_folded_and_the_address_opens_them(shelf: Shelf) -> None:
    shelf.history(shelf.run(shelf.project()), [{f"k{number:02}": image(f"{number}.png") for number in range(20)}])

    page = shelf.look(RUN)
    folded = [link for link in page.links if "media=k" in link]

    assert page.html.count('class="media-key') == 12
    assert len(folded) == 8
    assert shelf.look(folded[0]).html.count('class="media-key') == 13


def test_of_many_steps_some_are_shown_and_the_page_says_so(wb: Speaker) -> None:
    wb.begin("r")
    wb.log(
        "r", 0, *({"_step": step, "seen": image(f"{step}.png"), "spread": histogram([step, 1])} for step in range(1000))
    )

    page = Seen(wb.http.get("/local/p/runs/r", headers=wb.headers).text)

    assert re.findall(r">step ([\d,]+)<", of_key(page, "seen"))[::7] == ["0", "999"]
    assert "8 of 1,000 steps" in page.text
    assert "40 histograms over steps" in page.html
    assert len(of_key(page, "spread")) < 30_000


def histogram(counts: list[float]) -> dict[str, Any]:
    return {"_type": "histogram", "values": counts, "bins": list(range(len(counts) + 1))}


def test_chosen_runs_of_a_project_are_side_by_side(shelf: Shelf) -> None:
    project = shelf.project()
    for number in range(3):
        shelf.history(shelf.run(project), [{"seen": image(f"{number}.png", f"of {number}")}])

    chosen = shelf.look("/local/p?run=run3,run1&media-step=5")

    assert 'id="media"' not in shelf.look("/local/p").html
    assert captions(of_key(chosen, "seen")) == ["of 2", "of 0"]
    assert "up to step 5" in chosen.text
    assert any("sort=" in link and "media-step=5" in link for link in chosen.links)


STRANGE: list[Any] = [
    {"_type": "image-file"},
    {"_type": "image-file", "path": 7, "caption": 3},
    {"_type": "images/separated", "filenames": ["a.png", 1], "captions": "no", "all_masks": [None, {"x": 1}]},
    {"_type": "images/separated", "filenames": "x"},
    {"_type": "audio", "audio": [{"path": "a.wav"}, {"path": "b.wav", "caption": "second"}], "captions": ["first"]},
    {"_type": "table-file", "path": "nowhere", "artifact_path": "wandb-client-artifact://x/y"},
    {"_type": "table-file", "path": None, "artifact_path": 3},
    {"_type": "plotly-file", "path": "nowhere"},
    {"_type": "histogram"},
    {"_type": "histogram", "values": [1], "bins": [1]},
    {"_type": "histogram", "values": [1, "x"], "bins": [0, 1, 2]},
    {"_type": "histogram", "values": [1, -1], "bins": [0, 1, 2]},
    {"_type": "histogram", "values": [1, 1], "bins": [2, 1, 0]},
    {"_type": "histogram", "values": [0], "bins": [0, 1]},
    {"_type": "histogram", "values": [1e308, 1e308], "bins": [-1e308, 0, 1e308]},
    {"_type": "wb_trace_tree", "x": {}},
    {"_type": "histogram", "values": [1, 1], "bins": [0, 1e-320, 1e300]},
    {"_type": "image-file", "path": "a\ud800.png", "caption": "half \ud800"},
    {"_type": "<b>"},
    {"_type": ""},
]


UNTOLD = {"k5": {"panel_config": {"userQuery": [{}]}}, "x": 1}


@pytest.mark.parametrize("plots", [3, UNTOLD])
def test_whatever_a_program_logs_the_page_is_shown(shelf: Shelf, plots: Any) -> None:
    row = {f"k{place}": value for place, value in enumerate(STRANGE)}
    rows = [row, {"k0": 1, "k1.a": {"_type": "histogram"}}, row]
    config = {"_wandb": {"value": {"visualize": plots}}}
    shelf.history(shelf.run(shelf.project(), config=json.dumps(config)), rows)
    asked = [*(("media", f"k{place}") for place in range(len(STRANGE))), ("media", "none"), ("media-page.k5", "x")]

    page = shelf.look(f"{RUN}?{urlencode(asked)}")

    assert page.html.count('class="media-key') == len(STRANGE) + 1
    assert "not uploaded" in of_key(page, "k4")
    assert captions(of_key(page, "k4")) == ["first", "second"]
    assert "[wb_trace_tree]" in of_key(page, "k15")
    assert "<b>]" not in page.html


CHARTS = {
    "line": {"x": "a", "y": "b", "stroke": "c"},
    "scatter": {"x": "a", "y": "b"},
    "bar": {"label": "c", "value": "a"},
    "histogram": {"value": "a"},
    "lineseries": {"step": "a", "lineVal": "b", "lineKey": "c"},
    "area-under-curve": {"x": "a", "y": "b", "class": "c"},
    "confusion_matrix": {"Actual": "c", "Predicted": "b", "nPredictions": "a"},
}
VALUES: list[Any] = [
    None,
    "x",
    1,
    -2.5,
    float("nan"),
    float("inf"),
    1e308,
    True,
    {"a": [1]},
    [],
    "half \ud800",
    10**400,
]


@pytest.mark.parametrize("rows", [[], [[value, other, value] for value in VALUES for other in VALUES], [[1], 3, None]])
def test_whatever_a_table_holds_its_plot_or_the_table_is_shown(shelf: Shelf, rows: Any) -> None:
    panels = {
        chart: {"panelDefId": f"wandb/{chart}/v0", "fieldSettings": fields, "stringSettings": {"title": 3}}
        for chart, fields in CHARTS.items()
    }
    config = {"_wandb": {"value": {"visualize": {chart: {"panel_config": each} for chart, each in panels.items()}}}}
    run = shelf.run(shelf.project(), config=json.dumps(config))
    store(shelf, run, TABLE, json.dumps({"columns": ["a", "b", "c"], "data": rows}).encode())
    shelf.history(run, [{f"{chart}_table": {"_type": "table-file", "path": TABLE} for chart in CHARTS}])

    page = shelf.look(RUN)

    shown = [re.search("class=.plot|class=.confusion|class=.media-table", of_key(page, chart)) for chart in CHARTS]
    assert None not in shown


@pytest.mark.parametrize("step", ["-1", "x", "9" * 30, "1.5", "²"])
def test_a_step_that_is_none_asks_for_all(shelf: Shelf, step: str) -> None:
    shelf.history(shelf.run(shelf.project()), [{"seen": image("a.png")}, {"seen": image("b.png")}])

    assert re.findall(r">(step \d)<", of_key(shelf.look(f"{RUN}?{urlencode({'media-step': step})}"), "seen")) == [
        "step 0",
        "step 1",
    ]


def test_a_large_table_is_read_by_the_page(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    table(shelf, ["n", "größe"], [[number, f"wört {number}"] for number in range(20_000)])

    page = shelf.look(f"{RUN}?{urlencode({'media-page.t': '1500'})}")

    assert page.rows("media-table")[0] == ["14990", "wört 14990"]
    assert "20,000 rows, 2 columns" in page.text
    assert shown(shelf, **{"media-page.t": "9999999"})[-1][0] == "19999"
    monkeypatch.setattr(tables, "LARGEST_BYTES", 1000)
    assert "too large to be shown" in of_key(shelf.look(RUN), "t")


def test_a_table_is_sorted_numbers_first_then_texts_then_what_is_none(shelf: Shelf) -> None:
    table(shelf, ["v", 7], [["b", 0], [None, 1], [10, 2], [float("nan"), 3], ["a", 4], [-1.5, 5], [True, 6], [], {}])

    rising = [row[0] for row in shown(shelf, **{"media-sort.t": "asc v"})]
    falling = [row[0] for row in shown(shelf, **{"media-sort.t": "desc v"})]

    assert rising[:5] == ["-1.5", "true", "10", "a", "b"]
    assert falling == [*rising[:5][::-1], *rising[5:]]
    assert shown(shelf, **{"media-sort.t": "up v"})[0][0] == "b"
    assert [row[1] for row in shown(shelf, **{"media-sort.t": "desc 7"})] == [*"6543210", "null", "null"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"columns": 3, "data": [[1]]}', b'{"data": {}}', b"{}", b"\xff"]
)
def test_a_file_that_is_no_table_is_given_as_a_file(shelf: Shelf, content: bytes) -> None:
    run = shelf.run(shelf.project())
    store(shelf, run, TABLE, content)
    shelf.history(run, [{"t": {"_type": "table-file", "path": TABLE}}])

    assert "t.table.json" in of_key(shelf.look(RUN), "t")


def plotly(shelf: Shelf, figure: Any) -> str:
    run = shelf.run(shelf.project())
    store(shelf, run, "media/plotly/f.plotly.json", json.dumps(figure).encode())
    shelf.history(run, [{"f": {"_type": "plotly-file", "path": "media/plotly/f.plotly.json"}}])
    return of_key(shelf.look(RUN), "f")


@pytest.mark.parametrize(
    ("traces", "drawn"),
    [
        ([{"type": "scatter", "mode": "lines", "y": [1, 3, 2]}, {"name": "other", "x": [0, 2], "y": [4, 4]}], "other"),
        ([{"type": "scatter", "mode": "markers", "x": [1, 2], "y": [1, None]}], "1 point"),
        ([{"type": "bar", "orientation": "h", "y": ["cat"], "x": [3]}], "cat"),
        ([{"type": "histogram", "x": {"dtype": "f8", "bdata": "AAAAAAAA8D8AAAAAAAAAQA=="}}], "2 values"),
        ([{"type": "pie", "values": [1]}], "not drawn here"),
        ([{"type": "bar", "x": {"dtype": "x9", "bdata": 1}, "y": 3}], "not drawn here"),
        ("nothing", "not drawn here"),
    ],
)
def test_a_figure_is_drawn_by_its_data_or_said_not_to_be(shelf: Shelf, traces: Any, drawn: str) -> None:
    html = plotly(shelf, {"data": traces, "layout": {"xaxis": {"title": {"text": "<t>"}}}})

    assert drawn in html
    assert "f.plotly.json" in html
    assert "<t>" not in html


BOXES: list[Any] = [
    {"position": {"middle": [4, 2], "width": 4, "height": 4}, "domain": "pixel", "box_caption": "<a>"},
    {"position": {"minX": -5, "minY": 0.5, "maxX": 7, "maxY": 0.75}},
    {"position": {"minX": 0.5, "minY": 0.5, "maxX": 0.5, "maxY": 0.75}},
    {"position": {"minX": "x", "minY": 0, "maxX": 1, "maxY": 1}},
    {"position": {"middle": [float("inf"), 1], "width": 1, "height": 1}},
    {"position": 3},
    "box",
]


@pytest.mark.parametrize("said", [{"box_data": BOXES}, {"box_data": 3, "class_labels": 3}, []])
def test_what_is_a_box_is_drawn_in_its_image(shelf: Shelf, said: Any) -> None:
    run = shelf.run(shelf.project())
    store(shelf, run, "b.json", json.dumps(said).encode())
    boxes = {"boxes": {"b": {"path": "b.json"}}}
    shelf.history(run, [{"i": {**image("a.png"), **boxes, "width": 8, "height": 4}, "no size": image("b.png") | boxes}])

    page = shelf.look(RUN)

    drawn = re.findall(r'x="(\S+)%" y="(\S+)%" width="(\S+)%" height="(\S+)%"([^/]*)/>', of_key(page, "i"))
    expected = [("25.0", "0.0", "50.0", "100.0", ' data-tip="&lt;a&gt;"'), ("0.0", "50.0", "100.0", "25.0", "")]
    assert drawn == (expected if said and said["box_data"] is BOXES else [])
    assert "<rect" not in of_key(page, "no size")


def medium(run: str, name: str, **of: str) -> str:
    return f"/local/p/runs/{run}/media?{urlencode({'path': name, **of})}"


def test_files_are_seen_by_who_may_see_their_run(shelf: Shelf) -> None:
    project = shelf.project()
    sweep = shelf.sweep(project)
    for run in (shelf.run(project, sweep, 0), shelf.run(project)):
        store(shelf, run, "media/images/a.png", PNG)
    shelf.http.get("/login", params={"token": shelf.links.make()})
    share = re.search(r'action="([^"]*/share\?[^"]*)"', shelf.http.get(SWEEP).text)
    assert share
    link = re.search(rf"{BASE}(/share/[\w-]+)", shelf.http.post(share[1].replace("&amp;", "&")).text)
    assert link

    with Client(shelf.http.app, base_url=BASE, follow_redirects=False) as guest:
        before = guest.get(medium("run1", "media/images/a.png")).status_code
        guest.get(link[1])
        inside, outside = (guest.get(medium(run, "media/images/a.png")) for run in ("run1", "run2"))

    assert (before, inside.status_code, inside.content, outside.status_code) == (403, 200, PNG, 403)
    assert [shelf.http.get(medium("run1", name)).status_code for name in ("", "../x", "media", "a\0b")] == [404] * 4


def test_files_of_an_artifact_are_seen_on_the_pages_of_the_run_that_has_made_it(wb: Speaker) -> None:
    wb.begin("r")
    wb.begin("other")
    maker = Maker(wb)
    maker.log({"a.png": PNG, "b.html": b"<script>"}, runName="r")
    asked = {"r": "a.png", "other": "a.png"}

    answers = {run: wb.http.get(medium(run, name, of="1"), headers=wb.headers) for run, name in asked.items()}
    wrong = [wb.http.get(medium("r", "a.png", of=of), headers=wb.headers).status_code for of in ("2", "x", "9" * 30)]

    assert {run: answer.status_code for run, answer in answers.items()} == {"r": 200, "other": 404}
    assert (answers["r"].content, answers["r"].headers["content-type"]) == (PNG, "image/png")
    assert wrong == [404, 404, 404]


@pytest.mark.parametrize("name", ["x.svg", "x.html", "x.js", "x.css", "x.xhtml", "x", "x.png.exe", "X.HTML", "x.xml"])
def test_no_file_runs_as_a_page(shelf: Shelf, name: str) -> None:
    store(shelf, shelf.run(shelf.project()), name, b"<script>alert(1)</script>")
    shelf.http.get("/login", params={"token": shelf.links.make()})

    answer = shelf.http.get(medium("run1", name))

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert not re.search("script|allow|self|http", policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment") or name.lower() == "x.html"


def test_a_resumed_run_shows_what_it_logged_last_at_a_step(shelf: Shelf) -> None:
    run = shelf.run(shelf.project())
    rows = [(3, {"seen": image("a", "old")}), (3, {"seen": image("b", "new")}), (None, {"b\\c": image("c")})]
    for line, (step, row) in enumerate(rows):
        with shelf.database.write() as tx:
            writes.put_history(tx, run, line, [(step, json.dumps(row if step is None else {"_step": step, **row}))])

    assert captions(of_key(shelf.look(f"{RUN}?media-step=9"), "seen")) == ["new"]
    assert "no step" in of_key(shelf.look(RUN), "b\\c")
