"""Keras' `fit` with one call per epoch: callbacks, metrics and validation stay Keras' own, its cost per batch goes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Part = tuple[NDArray[Any], NDArray[Any]]

PER_BATCH = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
FREQUENCIES = ("log_freq", "save_freq", "update_freq")

# Python answers signals, and so a request to stop, only between calls: this many steps take well under a second
# for a model like the tutorial's, and seconds for one a hundred times slower.
STEPS_PER_CALL = 500
EVALUATION_BATCH = 1000


def fit(
    model: keras.Model,
    train: Part,
    validation: Part,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    memory_limit_bytes: int = 2**31,
    between: Callable[[], None] = lambda: None,
) -> keras.callbacks.History:
    """Trains a compiled model, with a new order of batches in every epoch that follows from the seed alone.

    All steps of an epoch run inside TensorFlow, which makes small models several times faster. Where that cannot be
    (eager models, callbacks that work per batch, data that would not fit into memory a second time), Keras' own loop
    trains, and a line says why.

    Args:
        model: compiled.
        train: inputs and labels, n rows each.
        validation: the same, measured after each epoch.
        batch_size: rows per step; the last step of an epoch takes what is left.
        epochs: passes over `train`.
        seed: decides the order of rows.
        callbacks: any of Keras'.
        memory_limit_bytes: largest inputs that are copied into memory as a whole.
        between: called between calls into TensorFlow, where no callback is at work; what it raises ends the training.

    Returns:
        Keras' History.
    """
    common = {
        "validation_data": validation,
        "validation_batch_size": EVALUATION_BATCH,
        "epochs": epochs,
        "callbacks": [*callbacks, _Between(between)],
        "shuffle": False,  # done here
        "verbose": 2,
    }
    reason = _why_not_whole_epochs(model, train[0], callbacks, memory_limit_bytes)
    if reason:
        print(f"Training batch by batch, which is slower: {reason}.")
        common["callbacks"] = [*callbacks, _BetweenBatches(between)]
        return model.fit(_batches(*train, batch_size, seed), **common)
    # `fit` builds its own train function only where none is set.
    model.train_function = _whole_epoch(model, *train, batch_size, seed, between)
    try:
        epoch_markers = tf.data.Dataset.from_tensors(0).repeat()
        return model.fit(epoch_markers, steps_per_epoch=1, **common)
    finally:
        model.train_function = None  # a later plain fit builds its own


def evaluate(model: keras.Model, part: Part) -> dict[str, float]:
    """Returns the model's loss and metrics over inputs and labels."""
    result: dict[str, float] = model.evaluate(*part, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True)
    return result


class _Between(keras.callbacks.Callback):
    """Calls a function after each epoch, and after each batch of Keras' own loop."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._call()


class _BetweenBatches(_Between):
    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._call()


def _whole_epoch(
    model: keras.Model,
    inputs: NDArray[Any],
    labels: NDArray[Any],
    batch_size: int,
    seed: int,
    between: Callable[[], None],
) -> Callable[[object], dict[str, Any]]:
    """Makes a train function for Keras' `fit` that takes all steps of an epoch and ignores what it is given."""
    x, y, rows, steps = tf.constant(inputs), tf.constant(labels), len(inputs), len(inputs) // batch_size

    def train_on(batch: tf.Tensor) -> None:
        model.train_step((tf.gather(x, batch), tf.gather(y, batch)))

    def take_steps(order: tf.Tensor, first: tf.Tensor, end: tf.Tensor) -> None:
        def step(i: tf.Tensor) -> list[tf.Tensor]:
            # A slice of fixed size keeps the batch's shape known, as XLA needs.
            train_on(tf.slice(order, [i * batch_size], [batch_size]))
            return [i + 1]

        tf.while_loop(lambda i: i < end, step, [first], parallel_iterations=1)

    def take_rest(order: tf.Tensor) -> None:
        train_on(order[steps * batch_size :])

    run_steps, run_rest = (
        tf.function(each, autograph=False, jit_compile=model.jit_compile) for each in (take_steps, take_rest)
    )

    def train_function(_: object) -> dict[str, Any]:
        # The order follows from the seed and the steps done, so a resumed run goes on as if never stopped.
        # XLA cannot compile the shuffle; it stays outside.
        done = tf.cast(model.optimizer.iterations, tf.int32)
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), [seed, done])
        for first in range(0, steps, STEPS_PER_CALL):
            between()
            run_steps(order, tf.constant(first), tf.constant(min(first + STEPS_PER_CALL, steps)))
        if rows % batch_size:
            run_rest(order)
        metrics: dict[str, Any] = model.get_metrics_result()
        return metrics

    return train_function


def _batches(inputs: NDArray[Any], labels: NDArray[Any], batch_size: int, seed: int) -> keras.utils.PyDataset:
    """Batches for Keras' own loop, which would repeat one order in every epoch when it shuffles arrays itself."""

    class Batches(keras.utils.PyDataset):
        epoch = 0

        def __len__(self) -> int:
            return -(-len(inputs) // batch_size)

        def __getitem__(self, step: int) -> Part:
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            return inputs[rows], labels[rows]

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.shuffle()

        def shuffle(self) -> None:
            self.order = np.random.default_rng([seed, self.epoch]).permutation(len(inputs))

    batches = Batches()
    batches.shuffle()
    return batches


def _why_not_whole_epochs(
    model: keras.Model, inputs: NDArray[Any], callbacks: Iterable[keras.callbacks.Callback], memory_limit_bytes: int
) -> str | None:
    if model.run_eagerly:
        return "the model runs eagerly"
    if inputs.nbytes > memory_limit_bytes:
        return f"its inputs take {inputs.nbytes / 2**20:.0f} MiB, more than {memory_limit_bytes / 2**20:.0f}"
    names = [type(callback).__name__ for callback in callbacks if _works_per_batch(callback)]
    return f"{', '.join(names)} is called for every batch" if names else None


def _works_per_batch(callback: keras.callbacks.Callback) -> bool:
    """True for a frequency in batches, or a batch hook that neither Keras nor W&B wrote."""
    # Not isinstance: `save_freq=False` is an int too.
    counted = any(type(getattr(callback, name, None)) is int for name in FREQUENCIES)
    authors = {getattr(callback, hook).__module__.split(".")[0] for hook in PER_BATCH}
    return counted or not authors <= {"keras", "wandb"}
