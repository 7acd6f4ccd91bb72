"""Batches one by one, in an order of every epoch's own that follows from the seed, for what must see each of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from app.training import floats, needs

Part = tuple[NDArray[Any], NDArray[Any]]
Batch = tuple[tf.Tensor, tf.Tensor]


def can_be_handed(model: keras.Model) -> bool:
    """Whether `HandedSteps` can train a model; what comes out is the same as by `as_dataset`, bit for bit."""
    return (
        not model.run_eagerly
        and model.steps_per_execution == 1
        and not needs.is_distributed(model)
        and needs.keeps_function(model, "train")
    )


class HandedSteps(keras.callbacks.Callback):
    """A train function for Keras' `fit` that takes a step with the next rows, and ignores what it is given.

    Keras' own waits for a thread of `tf.data` for every batch, half a millisecond of a core; rows of an array at hand
    take a tenth of that. It stands among the callbacks too, which tell it of epochs.

    Args:
        model: compiled.
        part: inputs and labels, n rows each; not copied as a whole.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: decides the order of rows, with the epoch.
    """

    def __init__(self, model: keras.Model, part: Part, batch_size: int, seed: int) -> None:
        super().__init__()
        self._part, self._batch_size, self._seed = part, batch_size, seed
        self._batches: Iterator[Batch] = iter(())
        # Rounding hangs on whether a step knows its size, and `as_dataset` does not tell it.
        form = [tf.TensorSpec([None, *array.shape[1:]], _tensor(array[:1]).dtype) for array in part]
        self._step = tf.function(
            lambda *batch: model.train_step(batch),
            input_signature=form,
            autograph=False,
            jit_compile=model.jit_compile,
        )

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        order = _order(len(self._part[0]), self._seed, epoch + 1)
        self._batches = _in_order(self._part, order, self._batch_size)

    def __call__(self, _: object) -> dict[str, Any]:
        metrics: dict[str, Any] = self._step(*next(self._batches))
        return metrics


def _in_order(part: Part, order: NDArray[Any], batch_size: int) -> Iterator[Batch]:
    x, y = part
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        yield _tensor(x[rows]), _tensor(y[rows])


def _tensor(array: NDArray[Any]) -> tf.Tensor:
    with tf.device("CPU"):  # from where Keras feeds it too
        return tf.constant(floats.as_keras(array))


def _order(rows: int, seed: int, epoch: int) -> NDArray[Any]:
    return np.random.default_rng([seed, epoch]).permutation(rows)


def as_dataset(part: Part, batch_size: int, seed: int, initial_epoch: int) -> keras.utils.PyDataset:
    """Gives Keras' own loop its batches: it would repeat one order in every epoch when it shuffles arrays itself."""
    inputs, labels = part

    class Batches(keras.utils.PyDataset):
        epoch = initial_epoch  # Keras tells it of an epoch's end before the first one

        def __len__(self) -> int:
            return -(-len(inputs) // batch_size)

        def __getitem__(self, step: int) -> Part:
            rows = self.order[step * batch_size : (step + 1) * batch_size]
            x, y = (floats.as_keras(array[rows]) for array in (inputs, labels))
            return x, y

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.shuffle()

        def shuffle(self) -> None:
            self.order = _order(len(inputs), seed, self.epoch)

    batches = Batches()
    batches.shuffle()
    return batches
