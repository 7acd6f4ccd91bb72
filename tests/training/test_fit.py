import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from app import data, model
from app.config import TrialConfig
from app.training import batches, fit, reproduce, weights
from app.training.fit import Part

ROWS = 100


class OrderKeeping(keras.Model):
    """Learns nothing much, and keeps the rows of every step it takes."""

    def __init__(self, steps: int, batch_size: int) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.kept = tf.Variable(tf.fill([steps, batch_size], -1), trainable=False)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def train_step(self, batch: Any) -> Any:
        rows = tf.cast(batch[0][:, 0], tf.int32)
        step = tf.cast(self.optimizer.iterations, tf.int32)
        padded = tf.pad(rows, [[0, self.kept.shape[1] - tf.shape(rows)[0]]], constant_values=-1)
        self.kept.scatter_nd_update([[step]], [padded])
        return super().train_step(batch)


def epochs_of_rows(seed: int, memory_limit_bytes: int, began: str | None = None) -> list[list[int]]:
    """The order in which three epochs of 100 rows, 16 a step, were taken."""
    steps = -(-ROWS // 16)
    network = OrderKeeping(3 * steps, 16)
    network.compile(optimizer="sgd", loss="mse")
    part = (np.arange(ROWS, dtype=np.float32)[:, None], np.zeros((ROWS, 1), np.float32))
    options: dict[str, Any] = {"memory_limit_bytes": memory_limit_bytes, "began": began}
    fit.fit(network, part, part, batch_size=16, epochs=3, seed=seed, **options)
    kept = np.split(network.kept.numpy(), 3)
    return [[int(row) for row in epoch.ravel() if row >= 0] for epoch in kept]


@functools.cache
def first_orders(memory_limit_bytes: int) -> list[list[int]]:
    return epochs_of_rows(0, memory_limit_bytes)


@pytest.mark.parametrize("memory_limit_bytes", [2**31, 0], ids=["whole epochs", "batch by batch"])
def test_every_epoch_takes_every_row_once_in_an_order_of_its_own(memory_limit_bytes: int) -> None:
    epochs = first_orders(memory_limit_bytes)

    assert [sorted(epoch) for epoch in epochs] == [list(range(ROWS))] * 3
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert epochs_of_rows(0, memory_limit_bytes) == epochs
    assert epochs_of_rows(1, memory_limit_bytes) != epochs


def test_a_training_keeps_the_loop_that_it_began_with_where_it_can() -> None:
    whole, batches = first_orders(2**31), first_orders(0)

    assert whole != batches
    assert epochs_of_rows(0, 2**31, began="batch by batch: its inputs take 9 MiB, more than 8") == batches
    assert epochs_of_rows(0, 0, began="whole epochs") == batches


class Told(Exception):
    """Ends a training as soon as it tells its loop."""


NO_MEMORY = "batch by batch: its inputs take 2 MiB, more than 0"


@pytest.mark.parametrize(
    ("began", "initial_epoch", "memory_limit_bytes", "recorded"),
    [
        (None, 0, 2**31, "whole epochs"),
        (None, 0, 0, NO_MEMORY),
        ("whole epochs", 1, 2**31, "whole epochs"),
        ("whole epochs", 0, 0, NO_MEMORY),  # nothing of it is left
        ("whole epochs", 1, 0, f"whole epochs; from epoch 2 on {NO_MEMORY}"),
        (f"whole epochs; from epoch 1 on {NO_MEMORY}", 1, 0, f"whole epochs; from epoch 1 on {NO_MEMORY}"),
        ("batch by batch: another reason", 1, 2**31, "batch by batch: another reason"),
    ],
)
def test_the_loop_is_told_before_it_trains(
    began: str | None, initial_epoch: int, memory_limit_bytes: int, recorded: str
) -> None:
    network = keras.Sequential([keras.layers.Dense(1)])
    network.compile(optimizer="sgd", loss="mse")
    wide = (np.zeros((2, 2**18), np.float32), np.zeros((2, 1), np.float32))
    options: dict[str, Any] = {"initial_epoch": initial_epoch, "memory_limit_bytes": memory_limit_bytes, "began": began}

    def tell(loop: str) -> None:
        raise Told(loop)

    with pytest.raises(Told) as told:
        fit.fit(network, wide, wide, batch_size=1, epochs=initial_epoch + 1, seed=0, record_loop=tell, **options)

    assert str(told.value) == recorded
    assert int(network.optimizer.iterations) == 0


class Poison(keras.callbacks.Callback):
    """Makes every number of the model NaN after the first epoch."""

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.model.set_weights([weight * np.nan for weight in self.model.get_weights()])


@pytest.fixture(scope="module")
def few(prepared_data: Path) -> Part:
    images, labels = data.load(TrialConfig(), {"DATA_DIR": str(prepared_data.parent)}).train
    return images[:2010], labels[:2010]  # steps of 30, 67 or 402: a last step of fewer rows is traced for itself


def trained(few: Part, seed: int) -> list[Any]:
    reproduce.seed(seed)
    network = model.build(TrialConfig(seed=seed))
    fit.fit(network, few, few, batch_size=30, epochs=2, seed=seed)
    return list(network.get_weights())


def test_the_same_seed_gives_the_same_weights_bit_for_bit(few: Part) -> None:
    first, again, other = trained(few, 1), trained(few, 1), trained(few, 2)

    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("memory_limit_bytes", [2**31, 0], ids=["whole epochs", "batch by batch"])
def test_both_loops_stop_for_nan_if_they_are_to(few: Part, memory_limit_bytes: int) -> None:
    network = model.build(TrialConfig())
    options = {"batch_size": 402, "epochs": 3, "seed": 0, "memory_limit_bytes": memory_limit_bytes}

    with pytest.raises(fit.NotANumber, match=r"^NaN metric: loss is nan in epoch 2$"):
        fit.fit(network, few, few, callbacks=[Poison()], stop_on_nan=True, **options)  # type: ignore[arg-type]

    assert int(network.optimizer.iterations) <= 2 * 5  # one call may take all of an epoch


@pytest.mark.parametrize("memory_limit_bytes", [2**31, 0], ids=["whole epochs", "batch by batch"])
def test_both_loops_fit_this_keras_and_learn_the_same_task(
    few: Part, memory_limit_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    reproduce.seed(0)
    network = model.build(TrialConfig(learning_rate=0.001))

    history = fit.fit(network, few, few, batch_size=30, epochs=4, seed=0, memory_limit_bytes=memory_limit_bytes).history

    assert ("which is slower" in capsys.readouterr().out) is (memory_limit_bytes == 0)
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert int(network.optimizer.iterations) == 4 * 67  # not an epoch marker a step
    assert history["loss"] == sorted(history["loss"], reverse=True)
    assert history["val_accuracy"][-1] > 0.75


def test_keras_callbacks_work_as_they_are(few: Part, tmp_path: Path) -> None:
    network = model.build(TrialConfig())
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=100, patience=2)
    save = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True)

    history = fit.fit(network, few, few, batch_size=201, epochs=9, seed=0, callbacks=[halve, stop, save])

    assert history.history["learning_rate"] == pytest.approx([0.005, 0.0025, 0.00125])
    assert {path.name for path in tmp_path.iterdir()} == {"1.weights.h5", "2.weights.h5", "3.weights.h5"}


class PerBatch(keras.callbacks.Callback):
    seen = 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.seen += 1


def test_a_callback_per_batch_gets_its_batches_and_a_line_says_why(
    few: Part, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = PerBatch()

    fit.fit(model.build(TrialConfig()), few, few, batch_size=201, epochs=2, seed=0, callbacks=[callback])

    assert callback.seen == 2 * 10
    assert "Training batch by batch, which is slower: PerBatch is called for every batch." in capsys.readouterr().out


def test_a_callback_is_called_once_for_several_steps_of_a_model_that_executes_them_together(few: Part) -> None:
    callback, network = PerBatch(), keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    network.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=5)

    fit.fit(network, few, few, batch_size=201, epochs=2, seed=0, callbacks=[callback])

    assert callback.seen == 2 * 2


class Mode(keras.metrics.Metric):
    """How often the most frequent class was right: a metric of one's own, with a state that is no mean."""

    def __init__(self) -> None:
        super().__init__(name="mode")
        self.counts = self.add_variable((10,), "zeros")

    def update_state(self, y: Any, predicted: Any, sample_weight: Any = None) -> None:
        hits = tf.cast(tf.equal(tf.cast(y, tf.int64), tf.argmax(predicted, -1)), tf.float32)
        self.counts.assign_add(tf.math.unsorted_segment_sum(hits, tf.cast(y, tf.int32), 10))

    def result(self) -> Any:
        return tf.reduce_max(self.counts)


def test_batches_that_are_handed_over_give_what_keras_own_loop_gives_bit_for_bit(few: Part) -> None:
    odd = few[0][:500], few[1][:500]
    reproduce.seed(0)
    handed = with_state()
    losses = fit.fit(handed, odd, odd, batch_size=64, epochs=2, seed=3, memory_limit_bytes=0).history["loss"]

    reproduce.seed(0)
    by_keras = with_state()
    in_order = batches.as_dataset(odd, 64, 3, initial_epoch=0)
    expected = by_keras.fit(in_order, epochs=2, shuffle=False, verbose=0).history["loss"]

    assert losses == expected
    assert weights.sha256(handed) == weights.sha256(by_keras)


class ByBatch(keras.callbacks.Callback):
    """Measures a part as Keras does, batch by batch, after each epoch."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self.part = part
        self.metrics: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.metrics.append(self.model.evaluate(*self.part, batch_size=1000, return_dict=True, verbose=0))


def with_state() -> keras.Model:
    layers: list[Any] = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(16)]
    layers += [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), keras.layers.Dense(10, "softmax")]
    network = keras.Sequential([keras.Input((28, 28)), *layers])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", Mode()])
    return network


def test_validation_and_test_give_what_keras_gives_batch_by_batch_bit_for_bit(few: Part) -> None:
    network, uneven, even = with_state(), few, (few[0][:2000].astype(np.float64), few[1][:2000])
    of_uneven, of_even = ByBatch(uneven), ByBatch(even)

    history = fit.fit(network, few, uneven, batch_size=67, epochs=2, seed=0, callbacks=[of_uneven, of_even]).history
    tested = [fit.evaluate(network, part) for part in (uneven, even, few)]

    measured = [{name: history[f"val_{name}"][epoch] for name in of_uneven.metrics[0]} for epoch in range(2)]
    assert measured == of_uneven.metrics
    assert tested == [of_uneven.metrics[-1], of_even.metrics[-1], of_uneven.metrics[-1]]


class Scale(keras.layers.Layer):
    """Makes its variable at the first step, of what is there then."""

    scale: Any = None

    def __init__(self, first: Callable[[Any], Any]) -> None:
        super().__init__()
        self.first, self.traces = first, 0

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        self.traces += 1
        if self.scale is None:
            self.scale = tf.Variable(self.first(tf.reduce_sum(inputs)), trainable=False)
        return inputs * self.scale


@pytest.mark.parametrize(
    ("first", "traces", "memory_limit_bytes"),
    [
        (lambda _: 2.0, 1, 2**31),
        (lambda _: 2.0, 1, 0),
        (lambda of_batch: of_batch, 2, 2**31),
        (lambda of_batch: lambda: of_batch, 2, 2**31),
    ],
    ids=["number", "number, batch by batch", "tensor", "function of a tensor"],
)
def test_a_step_that_makes_variables_is_traced_once_where_their_first_values_are_known(
    first: Callable[[Any], Any], traces: int, memory_limit_bytes: int
) -> None:
    scale, part = Scale(first), (np.ones((20, 1), np.float32),) * 2
    network = keras.Sequential([keras.Input((1,)), scale, keras.layers.Dense(1)])
    network.compile("adam", "mse")

    fit.fit(network, part, part, batch_size=20, epochs=1, seed=0, memory_limit_bytes=memory_limit_bytes)

    assert (float(scale.scale), scale.traces) == (2.0 if traces == 1 else 20.0, traces)


class PerTestBatch(keras.callbacks.Callback):
    seen = 0

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        self.seen += 1


class OfKeras(PerTestBatch):
    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        self.seen += 1

    on_test_batch_end.__module__ = "keras.callbacks"


def test_a_part_is_one_batch_but_for_a_callback_that_works_per_batch(few: Part) -> None:
    network, theirs, ours = model.build(TrialConfig()), PerTestBatch(), OfKeras()
    options: dict[str, Any] = {"batch_size": 402, "epochs": 1, "seed": 0}

    fit.fit(network, few, few, callbacks=[theirs], **options)
    fit.fit(network, few, few, callbacks=[ours], **options)

    assert (theirs.seen, ours.seen) == (3, 1)


class Telling(keras.Model):
    """Tells more than its metrics hold."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def train_step(self, batch: Any) -> Any:
        return {**super().train_step(batch), "rows": tf.shape(batch[0])[0]}

    def test_step(self, batch: Any) -> Any:
        return {**super().test_step(batch), "rows": tf.shape(batch[0])[0]}


def test_what_the_last_step_of_ones_own_tells_is_kept() -> None:
    network, part = Telling(), (np.zeros((1010, 1), np.float32),) * 2
    network.compile("sgd", "mse")

    history = fit.fit(network, part, part, batch_size=504, epochs=1, seed=0).history

    assert (history["rows"], history["val_rows"], set(history)) == ([2], [10], {"loss", "rows", "val_loss", "val_rows"})
    assert fit.evaluate(network, part)["rows"] == 10


class Subtracting(keras.Model):
    """Takes labels from what it predicts, in a step of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def train_step(self, batch: Any) -> Any:
        inputs, labels = batch
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(inputs, training=True) - labels))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


@pytest.mark.parametrize("memory_limit_bytes", [2**31, 0], ids=["whole epochs", "batch by batch"])
def test_a_step_of_ones_own_gets_floats_of_keras_own_kind(memory_limit_bytes: int) -> None:
    network, part = Subtracting(), (np.ones((10, 1)), np.ones((10, 1)))
    network.compile("sgd", "mse")

    fit.fit(network, part, part, batch_size=4, epochs=1, seed=0, memory_limit_bytes=memory_limit_bytes)

    assert int(network.optimizer.iterations) == 3


class Lengths(Subtracting):
    """Learns from the lengths of texts."""

    def call(self, inputs: Any) -> Any:
        return self.dense(tf.cast(tf.strings.length(inputs), tf.float32))


def test_texts_are_inputs_too() -> None:
    network, part = Lengths(), (np.array([["a"], ["tree"]]), np.ones((2, 1)))
    network.compile("sgd", "mse")

    history = fit.fit(network, part, part, batch_size=2, epochs=1, seed=0).history

    assert set(history) == {"loss", "val_loss"}


def test_a_distributed_model_trains_and_a_line_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    part = (np.zeros((10, 1), np.float32),) * 2
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        network.compile("sgd", "mse")

    fit.fit(network, part, part, batch_size=5, epochs=1, seed=0)

    assert int(network.optimizer.iterations) == 2
    assert "which is slower: a distribution strategy takes the model's steps." in capsys.readouterr().out


def test_a_keras_that_keeps_no_train_function_trains_batch_by_batch(
    few: Part, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = keras.Model.make_train_function
    monkeypatch.setattr(keras.Model, "make_train_function", lambda self, force=False: make(self, force=True))
    network = model.build(TrialConfig())

    fit.fit(network, few, few, batch_size=402, epochs=1, seed=0)

    assert int(network.optimizer.iterations) == 5
    assert "which is slower: this version of Keras" in capsys.readouterr().out


class Slow(keras.Model):
    """Takes a thirtieth of a second a step."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)

    def train_step(self, batch: Any) -> Any:
        with tf.control_dependencies([tf.py_function(lambda: time.sleep(0.03), [], [])]):
            return super().train_step(batch)


def test_a_slow_model_can_be_stopped_within_an_epoch(few: Part) -> None:
    network, looks = Slow(), []
    network.compile(optimizer="sgd", loss="mse")
    part = (np.zeros((80, 1), np.float32),) * 2

    fit.fit(network, part, part, batch_size=1, epochs=1, seed=0, between=lambda: looks.append(1))

    assert len(looks) > 4  # calls of half a second in 2.4 s


def test_an_eager_model_trains_and_a_line_says_why(few: Part, capsys: pytest.CaptureFixture[str]) -> None:
    network = model.build(TrialConfig())
    network.run_eagerly = True

    fit.fit(network, few, few, batch_size=402, epochs=1, seed=0)

    assert int(network.optimizer.iterations) == 5
    assert "which is slower: the model runs eagerly." in capsys.readouterr().out
