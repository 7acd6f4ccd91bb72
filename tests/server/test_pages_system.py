"""System metrics: sent by the real client, read back by `wandb.Api`, drawn on the page of their run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.ledger.chunk import Chunk, Lines
from server.ledger.stream import take
from server.store import queries, writes
from server.store.rows import Run
from tests.server.real_server import RunningServer
from tests.server.shelf import Shelf, shelf_at
from tests.server.speaker import Clock

PROGRAM = """
import time, wandb
run = wandb.init(project="p", id="measured")
run.log({"x": 1})
time.sleep(2)
run.finish()
"""
NO_GPU = {
    "system.cpu": 50.0,
    "system.proc.memory.rssMB": 512.5,
    "system.proc.cpu.threads": 7,
    "system.memory_percent": 20,
}


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def measured(shelf: Shelf, *rows: dict[str, Any], state: str = "running") -> str:
    """The text of the panel of a run that sent these figures, 15 s apart."""
    run = shelf.run(shelf.project(), name="this", state=state)
    with shelf.database.write() as tx:
        lines = [json.dumps({"_wandb": True, "_runtime": 15.0 * place, **row}) for place, row in enumerate(rows)]
        writes.put_lines(tx, "event", run, 0, lines)
    return panel(shelf.look("/local/p/runs/this").html)


def panel(html: str) -> str:
    return html[(begin := html.index('id="system"')) : html.index("</section>", begin)]


def names(html: str) -> list[str]:
    return [part.split("</")[0].split(">")[1] for part in html.split('<span title="')[1:]]


def test_what_the_real_client_measures_is_kept_given_back_and_drawn(server: RunningServer, tmp_path: Path) -> None:
    environment = server.env(tmp_path) | {"WANDB_X_STATS_SAMPLING_INTERVAL": "0.5", "WANDB_SILENT": "true"}
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, check=True)

    run = server.api().run("local/p/measured")
    for stream in ("events", "system"):
        rows = run.history(stream=stream, pandas=False)
        assert len(rows) > 1
        assert all(row["system.proc.memory.rssMB"] > 1 for row in rows)
    assert run.system_metrics["system.proc.cpu.threads"] >= 1
    page = httpx2.get(f"{server.url}/local/p/runs/measured", auth=("api", server.api_key)).text
    assert names(panel(page)) == [
        "Processor, this program",
        "Memory, this program",
        "Threads, this program",
        "Memory, whole machine",
    ]
    assert panel(page).count('class="curve"') == 4


def test_four_curves_say_what_a_run_used_with_units_in_words(shelf: Shelf) -> None:
    text = measured(shelf, NO_GPU, {**NO_GPU, "system.cpu": 99.5, "system.disk./.usageGB": 1})

    assert names(text) == [
        "Processor, this program",
        "Memory, this program",
        "Threads, this program",
        "Memory, whole machine",
    ]
    assert 'aria-label="Processor, this program over 15 s: 100 % of all cores at last, 100 at most"' in text
    assert "<b>99.5 % of all cores</b>" in text
    assert "<b>512 MiB</b>" in text
    assert "<b>7</b>" in text
    assert "left out" not in text


def test_a_gpu_comes_before_the_machine_and_the_one_that_the_program_runs_on_before_others(shelf: Shelf) -> None:
    row = {
        **NO_GPU,
        **{f"system.gpu.{device}.gpu": 5 for device in (0, 3)},
        **{f"system.gpu.{device}.memoryAllocatedBytes": 2**30 for device in (0, 3)},
        "system.gpu.process.3.gpu": 96,
        "system.gpu.process.3.memoryAllocatedBytes": 30 * 2**30,
    }

    text = measured(shelf, row, row)

    assert names(text)[2:] == ["GPU 3, this program", "GPU 3 memory, this program"]
    assert "<b>96 % busy</b>" in text
    assert "<b>30 GiB</b>" in text


def test_the_first_gpu_is_shown_where_it_is_not_known_which_one_the_program_runs_on(shelf: Shelf) -> None:
    row = {"system.gpu.11.gpu": 1, "system.gpu.2.gpu": 7, "system.gpu.2.memoryAllocatedBytes": 600 * 2**20}

    text = measured(shelf, row, row)

    assert names(text) == ["GPU 2", "GPU 2 memory"]
    assert "<b>600 MiB</b>" in text


def test_figures_that_came_once_are_told_and_not_drawn(shelf: Shelf) -> None:
    text = measured(shelf, {"system.proc.memory.rssMB": 66.99609375, "system.proc.cpu.threads": 4})

    assert "Measured once" in text
    assert '<dt title="Memory, this program">Memory, this program</dt><dd>67.0 MiB</dd>' in text
    assert "<svg" not in text


def test_each_of_several_programs_has_its_figures_under_its_label(shelf: Shelf) -> None:
    ranks = [{f"{name}/l:rank{rank}": value for name, value in NO_GPU.items()} for rank in range(6)]

    text = measured(shelf, *ranks, *ranks)

    kinds = ["Processor, this program", "Memory, this program", "Threads, this program", "Memory, whole machine"]
    assert names(text) == [f"{kind} · rank{rank}" for rank in range(4) for kind in kinds]
    assert "2 more programs left out" in text


def test_programs_that_take_turns_are_each_drawn_whole(shelf: Shelf) -> None:
    run = shelf.run(shelf.project(), name="this", state="running")
    with shelf.database.write() as tx:
        for turn in range(799):
            number, rank = divmod(turn, 2)
            row = json.dumps({"_runtime": 15.0 * number, f"system.cpu/l:rank{rank}": 50.0})
            chunk = Chunk(writer=f"rank{rank}", events=Lines(number, [row]))
            take(tx, queries.by_id(tx, Run, run), chunk, float(turn))
        alone = Chunk(events=Lines(799, [json.dumps({"_runtime": 9000.0, "system.cpu": 7.0})]))
        writes.update(tx, "run", run, start=None)
        take(tx, queries.by_id(tx, Run, run), alone, 800.0)

    text = panel(shelf.look("/local/p/runs/this").html)

    assert names(text) == ["Processor, this program · rank0", "Processor, this program · rank1"]
    assert all(f"this program · rank{rank} over 1 h 39 m:" in text for rank in range(2))
    assert "Processor, this program</dt><dd>7 % of all cores" in text


@pytest.mark.parametrize(("state", "words"), [("running", "nothing sent yet"), ("failed", "nothing sent: the program")])
def test_a_run_that_sent_none_says_when_they_come_or_why_not(shelf: Shelf, state: str, words: str) -> None:
    assert words in measured(shelf, state=state)


def test_odd_figures_are_left_out_and_long_runs_are_thinned(shelf: Shelf) -> None:
    odd = [{"system.cpu": value} for value in (float("nan"), -1, "50", True, None, 10**400, {"a": 1})]

    text = measured(shelf, *odd, *({"system.cpu": 50.0} for _ in range(3000)))

    assert names(text) == ["Processor, this program"]
    assert "NaN" not in text
    assert len(text) < 20_000
