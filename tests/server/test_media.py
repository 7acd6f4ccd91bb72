"""Media that the unmodified client logs: they arrive, and the page of their run shows them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.server.real_client import script
from tests.server.real_server import RunningServer
from tests.server.shelf import Seen

PROGRAM = """
import io, wave
import numpy, wandb

def picture(shade):
    return numpy.full((8, 8, 3), shade, dtype=numpy.uint8)

def sound():
    with wave.open("beep.wav", "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"ab" * 80)
    return "beep.wav"

def table(**columns):
    return wandb.Table(columns=list(columns), data=[list(row) for row in zip(*columns.values())])

class Figure:
    def to_plotly_json(self):
        return {"data": [{"type": "bar", "x": ["first", "second"], "y": numpy.array([1, 4])}], "layout": {}}
Figure.__module__ = "plotly.graph_objs._figure"

run = wandb.init(project="media", tags=["a"], notes="n", group="g", job_type="j", config={"net": {"depth": 3}})
for step in range(3):
    run.log({
        "image": wandb.Image(picture(step), caption=f"at <{step}>"),
        "val/images": [wandb.Image(picture(step + place), caption=f"no {place}") for place in range(2)],
        "histogram": wandb.Histogram([step, 2, 2, 3]), "loss": 1 / (step + 1), "nan": float("nan")})
place = {"minX": 0.25, "maxX": 0.75, "minY": 0.5, "maxY": 1}
boxes = [{"position": place, "class_id": 1, "scores": {"sure": 0.9}}]
marks = {"masks": {"seen": {"mask_data": numpy.zeros((8, 8), dtype=int), "class_labels": {0: "sky"}}},
         "boxes": {"said": {"class_labels": {1: "cat"}, "box_data": boxes}}}
run.log({"marked": wandb.Image(picture(9), **marks), "own": {"nested": wandb.Image(picture(8))}})
run.log({"table": wandb.Table(
    columns=["n", "word", "picture"],
    data=[[n, f"<b>word {n}</b>", wandb.Image(picture(n), caption=f"cell {n}")] for n in range(12)])})
curve = {"class": ["yes", "yes", "no", "no"], "fpr": [0, 1, 0, 1], "tpr": [0.5, 1, 0, 1]}
said = {"title": "ROC", "x-axis-title": "False positive rate", "y-axis-title": "True positive rate"}
of = {"x": "fpr", "y": "tpr", "class": "class"}
run.log({
    "a line": wandb.plot.line(table(a=[0, 1, 2], b=[0, 1, 4]), "a", "b", title="Line of b"),
    "points": wandb.plot.scatter(table(a=[0, 1, 2], b=[0, 1, 5]), "a", "b"),
    "bars": wandb.plot.bar(table(name=["cat", "dog"], count=[3, 4]), "name", "count"),
    "spread": wandb.plot.histogram(table(v=[1.0, 2.0, 2.0]), "v"),
    "series": wandb.plot.line_series([0, 1], [[1, 2], [3, 1]], keys=["one", "two"], xname="t"),
    "confusion": wandb.plot.confusion_matrix(y_true=[0, 1, 1], preds=[0, 1, 0], class_names=["cat", "dog"]),
    "roc": wandb.plot_table("wandb/area-under-curve/v0", table(**curve), of, said),
    "mine": wandb.plot_table("me/mine", table(x=["own chart"]), {"x": "x"}),
    "figure": wandb.Plotly(Figure()),
    "page": wandb.Html("<script>alert(1)</script><b>hello</b>"),
    "sound": wandb.Audio(sound(), caption="beep"),
    "film": wandb.Video(io.BytesIO(b"not really"), format="mp4"),
    "cloud": wandb.Object3D(numpy.zeros((4, 3))),
    "molecule": wandb.Molecule(io.StringIO("ATOM"), file_type="pdb")})
open("a file%20.txt", "w").write("kept")
run.save("a file%20.txt")
print("a line to the console")
run.alert("title", "text")
run.finish()
print("RUN", run.id)
"""


@dataclass(frozen=True)
class Run:
    """A run that has logged media, and a reader of its page."""

    server: RunningServer
    name: str

    @property
    def path(self) -> str:
        return f"/local/media/runs/{self.name}"

    def get(self, path: str) -> Any:
        return httpx2.get(f"{self.server.url}{path}", auth=("api", self.server.api_key))

    def page(self, **asked: str) -> Seen:
        answer = self.get(f"{self.path}?{urlencode(asked)}")
        assert answer.status_code == 200, answer.text
        return Seen(answer.text)


@pytest.fixture(scope="module")
def run(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One program that logs one of each, in a plain process."""
    said = script(server, tmp_path_factory.mktemp("media"), PROGRAM, plain=True)
    return Run(server, said.split("RUN ")[1].strip())


@pytest.fixture(scope="module")
def whole(run: Run) -> Seen:
    """The page of the run with every key open."""
    first = run.page()
    folded = re.findall(r"[?&]media=([^&\"]+)", first.html)
    answer = run.get(f"{run.path}?{'&'.join(f'media={key}' for key in folded)}")
    return Seen(answer.text)


def of_key(page: Seen, key: str) -> str:
    """What stands under a key."""
    return page.html.split(f'aria-label="{key}">\n  <h3>')[1].split("</section>")[0]


def files_of(page: Seen, key: str) -> list[str]:
    """The addresses of files under a key."""
    return [
        link.replace("&amp;", "&") for link in re.findall(r'(?:href|src)="([^"]*/media\?[^"]*)"', of_key(page, key))
    ]


@pytest.mark.feature(
    "wandb.init: project, tags, notes, group, job type, config",
    "run.save: files of any name",
    "run.alert",
    "images, tables, histograms",
)
def test_media_files_tables_and_metrics_arrive(run: Run, tmp_path: Path) -> None:
    found = run.server.api().run(f"local/media/{run.name}")
    names = [file.name for file in found.files()]

    assert (found.state, found.config, found.tags, found.notes, found.group, found.job_type) == (
        "finished",
        {"net": {"depth": 3}},
        ["a"],
        "n",
        "g",
        "j",
    )
    assert any(name.startswith("media/images/image_0") for name in names)
    assert any(name.startswith("media/table/table_4") for name in names)
    assert found.summary["nan"] != found.summary["nan"]
    with found.file("a file%20.txt").download(root=str(tmp_path / "back")) as file:
        assert file.read() == "kept"
    assert "a line to the console" in [line.content for line in found.console_logs()]
    assert "<b>title</b><p>text</p>" in run.page().html


def test_images_are_shown_over_their_steps_with_their_captions(run: Run, whole: Seen) -> None:
    image, several = of_key(whole, "image"), of_key(whole, "val/images")

    assert re.findall(r">(step \d)<", image) == ["step 0", "step 1", "step 2"]
    assert re.findall(r'class="media-caption"[^>]*>([^<]*)<', image) == [f"at &lt;{step}&gt;" for step in range(3)]
    assert re.findall(r'class="media-caption"[^>]*>([^<]*)<', several) == ["no 0", "no 1"] * 3
    answer = run.get(files_of(whole, "image")[0])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
    assert len(files_of(whole, "own.nested")) == 2


def test_boxes_are_drawn_in_their_image_and_masks_are_beside_it(run: Run, whole: Seen) -> None:
    beside = re.findall(r'class="media-beside" href="([^"]*)">([^<]*)<', of_key(whole, "marked"))

    assert [word for _, word in beside] == ["mask seen", "boxes said"]
    box = 'class="box" x="(.+?)" y="(.+?)" width="(.+?)" height="(.+?)" data-tip="(.+?)"'
    boxes = re.findall(box, of_key(whole, "marked"))
    assert boxes == [("25.0%", "50.0%", "50.0%", "50.0%", "cat; sure 0.9")]
    assert [run.get(link).status_code for link, _ in beside] == [200, 200]


def test_one_step_is_shown_alone_with_ways_to_those_beside_it(run: Run) -> None:
    page = run.page(**{"media-step": "1"})

    assert re.findall(r">(step \d)<", of_key(page, "image")) == ["step 1"]
    assert "nothing up to this step" in of_key(page, "marked")
    assert {"← 0", "2 →", "all"} <= set(page.texts)


def test_a_table_is_sorted_and_paged_with_its_pictures(run: Run, whole: Seen) -> None:
    first = [cells[0] for cells in whole.rows("media-table") if len(cells) == 3]
    page = run.page(**{"media-sort.table": "desc n", "media-page.table": "2"})

    assert first == ["n", *(str(n) for n in range(10))]
    assert "<b>word 3</b>" in whole.texts
    assert [cells[0] for cells in page.rows("media-table") if len(cells) == 3] == ["n ↓", "1", "0"]
    picture = files_of(page, "table")[-1]
    assert run.get(picture).content.startswith(b"\x89PNG")
    assert 'alt="cell 0"' in of_key(page, "table")


@pytest.mark.feature("media on the pages, over steps and side by side")
def test_plots_of_the_client_are_drawn_on_the_server(whole: Seen) -> None:
    drawn = {key: of_key(whole, key) for key in ("a line", "points", "bars", "spread", "series", "roc", "figure")}

    assert {key for key, html in drawn.items() if 'class="plot"' in html} == set(drawn)
    assert "Line of b" in drawn["a line"]
    assert "b against a" in drawn["points"]
    assert re.findall(r"<b>([^<]*)</b>", drawn["bars"]) == ["3", "4"]
    assert "3 values of v" in drawn["spread"]
    assert re.findall(r"</svg> (\w+)</span>", drawn["series"]) == ["one", "two"]
    assert "True positive rate against False positive rate" in drawn["roc"]
    assert re.findall(r"<b>([^<]*)</b>", drawn["figure"]) == ["1", "4"]
    assert [row for row in whole.rows("confusion") if row] == [["cat", "1", "0"], ["dog", "1", "1"]]
    assert "draws it as me/mine" in of_key(whole, "mine")
    assert ["own chart"] in whole.rows("media-table")


def test_histograms_are_drawn_over_their_steps(whole: Seen) -> None:
    histogram = of_key(whole, "histogram")

    assert "3 histograms over steps" in histogram
    assert "histogram of 4 values" in histogram


def test_what_is_no_picture_is_played_read_or_saved_and_runs_nothing(run: Run, whole: Seen) -> None:
    served = {key: run.get(files_of(whole, key)[0]) for key in ("page", "sound", "film", "cloud", "molecule", "figure")}

    assert [tag for tag, _ in whole.tags if tag in ("audio", "video")] == ["video", "audio"]
    for answer in served.values():
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert "script" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    saved = {key for key, answer in served.items() if answer.headers["content-disposition"].startswith("attachment")}
    assert saved == {"cloud", "molecule", "figure"}
    assert served["sound"].headers["content-type"] == "audio/wav"
    assert b"hello" in served["page"].content
