import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from app.training import checkpoint, fit, weights
from app.training.checkpoint import Checkpoints, Resume, State
from app.training.fit import Part
from app.training.stopping import Terminated

EPOCHS = 5
MADE_BY = {"values": {"units": 8}, "code": "1"}


def state(epoch: int) -> State:
    return State(epoch, False, [np.arange(epoch), np.array(epoch)], pickle.dumps(epoch))


class Notes(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def test_the_newest_state_is_found_as_it_was_and_two_are_kept(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path / "run", MADE_BY, every_s=0)
    for epoch in (1, 2, 3):
        kept.keep(state(epoch))

    found = Checkpoints(tmp_path / "run", MADE_BY, every_s=0).find()

    assert found is not None
    assert (found.epoch, found.stopped, pickle.loads(found.callbacks)) == (3, False, 3)
    assert [value.tolist() for value in found.variables] == [[0, 1, 2], 3]
    assert [path.name[:11] for path in sorted((tmp_path / "run").iterdir())] == ["epoch-00002", "epoch-00003"]


def test_they_are_written_no_oftener_than_asked_and_the_newest_when_it_must_be(tmp_path: Path) -> None:
    now_s = 100.0
    kept = Checkpoints(tmp_path / "run", MADE_BY, every_s=30, clock=lambda: now_s)

    kept.keep(state(1))
    assert not (tmp_path / "run").exists()
    now_s = 130.0
    kept.keep(state(2))
    kept.keep(state(3))
    assert len(list((tmp_path / "run").iterdir())) == 1
    kept.write()

    found = kept.find()
    assert found is not None
    assert found.epoch == 3


def test_a_damaged_one_is_named_and_the_one_before_it_is_used(tmp_path: Path) -> None:
    say = Notes()
    kept = Checkpoints(tmp_path, MADE_BY, every_s=0, say=say)
    kept.keep(state(1))
    kept.keep(state(2))
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-1] + b"!")

    found = kept.find()

    assert found is not None
    assert found.epoch == 1
    assert say == [f"The checkpoint {newest} is damaged and not used."]


def test_one_of_another_program_is_not_used_and_what_changed_is_named(tmp_path: Path) -> None:
    say = Notes()
    Checkpoints(tmp_path, MADE_BY, every_s=0).keep(state(2))

    found = Checkpoints(tmp_path, {"values": {"units": 9}, "code": "2"}, every_s=0, say=say).find()

    assert found is None
    assert say == ["The checkpoint of epoch 2 is not used: values, code changed since."]


def test_a_folder_that_cannot_be_written_costs_the_checkpoint_and_not_the_trial(tmp_path: Path) -> None:
    say = Notes()
    (tmp_path / "run").write_text("a file where the folder should be")

    Checkpoints(tmp_path / "run", MADE_BY, every_s=0, say=say).keep(state(1))

    assert say[0].startswith("The checkpoint of epoch 1 could not be written: ")


@pytest.mark.parametrize(
    ("end", "left"), [(None, 0), (ValueError, 0), (KeyboardInterrupt, 0), (lambda: Terminated(143), 1)]
)
def test_only_a_run_that_is_to_go_on_leaves_its_checkpoint(
    tmp_path: Path, end: Callable[[], BaseException] | None, left: int
) -> None:
    def trial() -> None:
        with checkpoint.of_run("abc", tmp_path, MADE_BY, every_s=30) as kept:
            assert kept is not None
            kept.keep(state(1))
            if end:
                raise end()

    if end:
        with pytest.raises(type(end())):
            trial()
    else:
        trial()

    assert len(list(tmp_path.glob("abc/*"))) == left
    assert (tmp_path / "abc").exists() == bool(left)


def test_what_nobody_has_come_back_for_in_a_week_is_removed(tmp_path: Path) -> None:
    for name, days in {"old": 8, "young": 6}.items():
        Checkpoints(tmp_path / name, MADE_BY, every_s=0).keep(state(1))
        os.utime(tmp_path / name, (1e9 - days * 86400,) * 2)

    checkpoint.remove_stale(tmp_path, now_s=1e9)

    assert [path.name for path in tmp_path.iterdir()] == ["young"]


class Counting(keras.callbacks.Callback):
    """A user's own, which knows nothing of checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.odd = object()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])


class Stateful(keras.callbacks.Callback):
    """A user's own, which says what is to be kept."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: Any = object()
        self.last = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs = iter(range(1, 100))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.last = next(self.epochs)

    def get_state(self) -> int:
        return self.last

    def set_state(self, last: int) -> None:
        self.last, self.epochs = last, iter(range(last + 1, 100))


class PerBatch(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...


class OfOneEpoch(Checkpoints):
    """Leaves what a training that ended after this epoch would have left, while the training goes on."""

    def __init__(self, folder: Path, epoch: int) -> None:
        super().__init__(folder, MADE_BY, every_s=0)
        self._epoch = epoch

    def keep(self, state: State) -> None:
        if state.epoch == self._epoch:
            super().keep(state)


class StopHere(Exception):
    pass


def made(rows: int) -> Part:
    """A task that can be learnt."""
    drawn = np.random.default_rng(0)
    inputs = drawn.normal(size=(rows, 6)).astype(np.float32)
    return inputs, (inputs[:, 0] > 0.3).astype(np.int32)


def network(built: bool) -> keras.Model:
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(16, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
    model = keras.Sequential([*([keras.Input((6,))] if built else []), *layers, keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    return model


def callbacks(*more: keras.callbacks.Callback) -> list[keras.callbacks.Callback]:
    halve = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_delta=0.05)
    best = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2, min_delta=0.01, restore_best_weights=True)
    return [halve, best, Counting(), Stateful(), *more]


def trained(
    task: Part,
    kept: Checkpoints,
    used: list[keras.callbacks.Callback],
    stop_after: int | None = None,
    built: bool = True,
) -> keras.Model:
    """Trains from the checkpoint on, to the end or until an exception between two epochs."""
    model, resume = network(built), Resume(kept, used, EPOCHS)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch + 1 == stop_after:
                raise StopHere

    try:
        fit.fit(
            *(model, task, task),
            batch_size=16,
            epochs=EPOCHS,
            seed=1,
            callbacks=[*used, resume, Stop()],
            initial_epoch=resume.initial_epoch,
        )
    except StopHere:
        kept.write()
    return model


@pytest.mark.parametrize(
    ("rows", "more", "built", "stop_after"),  # 13 steps, with a shorter one behind them or none
    [(210, (), True, 3), (208, (), False, None), (208, (PerBatch,), True, None)],
    ids=["whole epochs, twice", "whole epochs, unbuilt", "batch by batch"],
)
def test_a_resumed_training_ends_as_if_it_had_never_stopped(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    rows: int,
    more: tuple[type, ...],
    built: bool,
    stop_after: int | None,
) -> None:
    task = made(rows)

    def new() -> list[keras.callbacks.Callback]:
        return callbacks(*(each() for each in more))

    whole = trained(task, OfOneEpoch(tmp_path, 2), expected := new(), built=built)
    if stop_after:
        trained(task, Checkpoints(tmp_path, MADE_BY, 30), new(), stop_after, built)
    capsys.readouterr()
    resumed = trained(task, Checkpoints(tmp_path, MADE_BY, 30), used := new(), built=built)

    assert weights.sha256(resumed) == weights.sha256(whole)
    told = capsys.readouterr().out
    assert f"Going on after epoch {stop_after or 2}." in told
    assert "Not restored, since only get_state and set_state could: Counting.odd." in told
    assert float(resumed.optimizer.learning_rate) == float(whole.optimizer.learning_rate) < 0.05
    assert [(each.best, each.wait) for each in used[:2]] == [(each.best, each.wait) for each in expected[:2]]
    assert (used[2].losses, used[3].last) == (expected[2].losses, expected[3].last)


def test_a_training_that_a_callback_had_ended_is_not_taken_up_again(tmp_path: Path) -> None:
    task = made(208)

    def new() -> list[keras.callbacks.Callback]:
        return [keras.callbacks.EarlyStopping("loss", min_delta=100, patience=1, restore_best_weights=True)]

    whole = trained(task, Checkpoints(tmp_path, MADE_BY, every_s=0), new())
    resumed = trained(task, Checkpoints(tmp_path, MADE_BY, every_s=0), new())

    assert int(resumed.optimizer.iterations) == int(whole.optimizer.iterations) == 2 * 13
    assert weights.sha256(resumed) == weights.sha256(whole)
