"""A run made again: the verdict, what it rests on, and what is said of a run that cannot be made again."""

import os
import re
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.commands import compare, replay
from app.commands.compare import Record, first_difference, rows, surroundings
from app.commands.rerun import History
from app.machine.children import Interrupts
from app.settings import SettingError
from tests.app.programs import ROOT, Trained, ending, lines_until

PROVENANCE = {"code_sha256": "c" * 64, "git_commit": "1", "packages": {"numpy": "2.1", "keras": "3.1"}, "threads": 1}
NAN = float("nan")
COMPILED = "whole epochs, compiled"


def record(*history: dict[str, Any], weights: str | None = "a" * 64, **facts: Any) -> Record:
    return Record({"epochs": 1}, PROVENANCE | facts, rows(history), weights)


EDITS = {
    "model.py": ("Dense(10, ", 'Dense(10, kernel_initializer="ones", '),
    "callbacks.py": (
        "    def on_epoch_end(",
        "    def on_train_batch_end(self, batch, logs=None):\n        pass\n\n    def on_epoch_end(",
    ),
}


def test_a_replay_by_another_program_differs_and_names_the_first_epoch_the_code_and_a_loop_that_it_had_to_leave(
    trained: Trained, tmp_path: Path
) -> None:
    for package in ("app", "search", "charts", "terms"):
        shutil.copytree(ROOT / package, tmp_path / package)
    for module, (old, new) in EDITS.items():
        source = (tmp_path / "app" / module).read_text()
        assert old in source
        (tmp_path / "app" / module).write_text(source.replace(old, new))
    page = f"{trained.server.url}/local/wandb-sweep-practice/runs/{trained.run_ids[0]}"

    done = subprocess.run(
        [sys.executable, "-m", "app", "replay", page],
        cwd=tmp_path,
        env=trained.workplace.environment(),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stderr
    verdict, heading, *changed = done.stdout.splitlines()
    said = dict(line.strip().split(": ", 1) for line in changed)
    assert verdict.startswith("differs: epoch 1: ")
    assert heading == "not the same as then:"
    assert said.keys() - {"git_commit", "git_dirty"} == {"code_sha256", "loop"}
    assert said["loop"] == "whole epochs then, batch by batch: LogMetrics is called for every batch now"


def test_a_replay_trains_by_the_loop_that_was_recorded(trained: Trained, warm_environment: dict[str, str]) -> None:
    fast = replay.recorded(trained.server.api().run(f"local/wandb-sweep-practice/{trained.run_ids[0]}"))
    little_memory = "batch by batch: its inputs take 7 MiB, more than 2"
    asked = replace(fast, provenance={**fast.provenance, "loop": little_memory})

    slow = replay.again(asked, trained.workplace.environment(**warm_environment), Interrupts())

    assert (fast.provenance["loop"], slow.provenance["loop"]) == ("whole epochs", little_memory)
    assert (first_difference(fast, slow) or "").startswith("epoch 1: ")
    assert surroundings(fast, slow) == [f"loop: whole epochs then, {little_memory} now"]


def test_compiled_steps_have_one_result_by_trials_at_once_and_by_a_plain_process_and_are_kept_for_other_values(
    trained: Trained, warm_environment: dict[str, str]
) -> None:
    warm = trained.workplace.environment(**warm_environment)
    kept = Path(warm["DATA_DIR"]) / "compiled"

    def again(environment: dict[str, str] = warm, **others: float) -> Record:
        values = {"layer1_size": 8, "epochs": 1, "batch_size": 500} | others
        return replay.again(Record(values, {"loop": COMPILED, "XLA": "1"}, []), environment, Interrupts())

    with ThreadPoolExecutor() as at_once:
        made, beside = at_once.map(lambda _: again(), range(2))
    (program,) = kept.iterdir()
    content = program.read_bytes()
    other = again(dropout_rate=0.5, learning_rate=0.001, seed=1)
    plain = again({name: value for name, value in warm.items() if name != "WARM_SOCKET"})

    assert {run.provenance["loop"] for run in (made, beside, other, plain)} == {COMPILED}
    assert (first_difference(made, other) or "").startswith("epoch 1: ")
    assert [first_difference(made, run) for run in (beside, plain)] == [None, None]
    assert [path.read_bytes() for path in kept.iterdir()] == [content]


def test_a_run_that_the_program_no_longer_takes_differs_and_says_why(tmp_path: Path) -> None:
    then = Record({"layers": 2}, {"code_sha256": "d" * 64}, [], "a" * 64)

    now = replay.again(then, {**os.environ, "DATA_DIR": str(tmp_path)}, Interrupts())

    assert (first_difference(then, now) or "").startswith("the trial failed now: unknown key `layers`.")
    assert [line.split()[:2] for line in surroundings(then, now)] == [["code_sha256:", "d" * 12]]


@pytest.mark.slow
def test_runs_of_several_agents_from_a_warm_start_stopped_and_resumed_are_replayed_identically(
    warm_environment: dict[str, str], fewer_images: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.replays", "--points", "2", "--conditions", "4", "--batch-size", "25"],
        cwd=ROOT,
        env=warm_environment | {"FASHION_MNIST_DIR": str(fewer_images)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "2 of 2 replays are identical"
    assert re.search("went on from a checkpoint: [1-9]", done.stdout)
    assert "processes that could not start warm: 0\n" in done.stdout


def test_ctrl_c_ends_the_training_too_and_is_no_verdict(trained: Trained) -> None:
    process = trained.workplace.start("replay", trained.run_ids[0], plain=True)
    lines_until(process, "Training trial 1 again")
    process.send_signal(signal.SIGINT)

    code, output = ending(process)

    assert code == 130
    assert "identical" not in output
    assert "differs" not in output
    assert not [command for command in trained.workplace.processes().values() if "app.commands.rerun" in command]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("local/wandb-sweep-practice/nothing-like-it", "local/wandb-sweep-practice has no run nothing-like-it."),
        ("trial 11", "has no run trial 11. Did you mean {0} (trial 1)?"),
        ("a/b", "'a/b' is no run. Allowed: entity/project/id, its page's address, or an id of wandb-sweep-practice."),
    ],
)
def test_a_run_that_is_not_there_is_named_with_the_nearest(trained: Trained, text: str, said: str) -> None:
    code, output = trained.workplace.run("replay", text)

    assert code == 2
    assert said.format(*trained.run_ids) in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("state", "config", "said"),
    [
        ("crashed", {"provenance": PROVENANCE}, "me/p/r is crashed: only a finished run can be replayed."),
        ("finished", {"epochs": 1}, "me/p/r records no provenance: only a run of `python -m app.train` can be"),
    ],
)
def test_a_run_without_a_result_or_of_another_program_is_refused(state: str, config: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as caught:
        replay.recorded(SimpleNamespace(state=state, config=config, path=["me", "p", "r"]))

    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": NAN}, {"test_loss": 1.0}), None),
        (
            ({"epoch": 1, "loss": 0.5000000000000001}, {"epoch": 2, "loss": 9.0}),
            "epoch 1: loss 0.5 then, 0.5000000000000001 now",
        ),
        (({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": NAN}), "after epoch 2: test_loss 1.0 then, none now"),
        (
            ({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": NAN}, {"test_loss": 1.0}, {"x": 1}),
            "after epoch 2: x none then, 1.0 now",
        ),
    ],
)
def test_the_first_difference_is_the_first_epoch_that_is_not_bit_for_bit_the_same(
    now: tuple[dict[str, float], ...], said: str | None
) -> None:
    then = record(
        {"epoch": 1, "loss": 0.5, "_step": 0, "_timestamp": 1.5},
        {"epoch": 2, "loss": "NaN", "_step": 1},  # W&B's text for it
        {"test_loss": 1, "picture": {"_type": "image-file"}},
    )

    assert first_difference(then, record(*now)) == said


def test_equal_metrics_do_not_hide_other_weights() -> None:
    then = record({"epoch": 1, "loss": 0.5})

    assert first_difference(then, replace(then, weights_sha256="b" * 64)) == (
        "weights aaaaaaaaaaaa then, bbbbbbbbbbbb now; every logged metric is the same"
    )
    assert first_difference(replace(then, weights_sha256=None), then) is None
    assert compare.extent(replace(then, weights_sha256=None)).startswith("no hash of weights was recorded")


def test_an_epoch_that_a_resumed_run_did_again_counts_once() -> None:
    resumed = [{"epoch": 1, "loss": 3}, {"epoch": 2, "loss": 2}, {"epoch": 2, "loss": 2}, {"epoch": 3, "loss": 1}]

    assert rows(resumed) == [{"epoch": 1, "loss": 3}, {"epoch": 2, "loss": 2}, {"epoch": 3, "loss": 1}]


def test_what_is_not_the_same_is_told_and_what_was_not_recorded_is_not() -> None:
    now = Record(
        {"epochs": 1, "layers": 2}, PROVENANCE | {"packages": {"numpy": "2.2"}, "new": 1, "git_commit": "2"}, []
    )

    assert surroundings(record(), now) == ["numpy: 2.1 then, 2.2 now", "layers: unknown then, 2 now"]
    assert surroundings(record(code_sha256="d" * 64), now)[:2] == [
        "code_sha256: dddddddddddd then, cccccccccccc now",
        "git_commit: 1 then, 2 now",
    ]


def test_rows_are_put_together_as_wandb_does() -> None:
    history = History()

    history.log({"lr": 0.1}, commit=False)
    history.log({"epoch": 1})
    history.log({"epoch": 2}, step=5)
    history.log({"loss": 0.5}, step=5)
    history.log({"done": 1}, step=6)

    assert history.rows == [{"lr": 0.1, "epoch": 1}, {"epoch": 2, "loss": 0.5}, {"done": 1}]
