"""Validation and test in one call: all steps of a pass inside TensorFlow, as the test function of Keras' `evaluate`."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from app.training import floats, needs
from app.training.stretches import Stretches

Metrics = dict[str, Any]
Part = tuple[NDArray[Any], NDArray[Any]]

# Stands for a part where Keras wants data, one a pass; no data looks like it.
MARKER = tf.TensorSpec((), tf.string)

# Of a large model, one may take seconds.
FIRST_STEPS = 1


def can_measure(model: keras.Model, part: tuple[Any, ...], callbacks: Iterable[keras.callbacks.Callback]) -> bool:
    """Whether a part can be measured in one call; what comes out is the same as by Keras' own loop, bit for bit."""
    return (
        not model.run_eagerly
        and [isinstance(array, np.ndarray) for array in part] == [True, True]
        and not needs.is_distributed(model)
        and needs.keeps_function(model, "test")
        and needs.tells_metrics_alone(model, "test")
        and not any(needs.tests_per_batch(callback) for callback in callbacks)
    )


@contextmanager
def measured(
    model: keras.Model, part: Part, *, batch_size: int, between: Callable[[], None]
) -> Iterator[tf.data.Dataset]:
    """Gives what stands for a part, of one step, in Keras' `fit` and `evaluate` while this lasts.

    Args:
        model: compiled; it keeps what is traced here for its next part.
        part: inputs and labels, n rows each; copied into memory, as Keras does.
        batch_size: rows per step; the last step takes what is left.
        between: called after each call into TensorFlow, about half a second apart; what it raises ends the pass.
    """
    function = model.test_function
    if not isinstance(function, _TestFunction):
        function = model.test_function = _TestFunction(model)
    function.measure = function.over(part, batch_size, between)
    try:
        yield tf.data.Dataset.from_tensors("").repeat()
    finally:
        function.measure = None


class _TestFunction:
    """Measures the part at hand for its marker; other data, which a callback may ask for, in Keras' own way."""

    def __init__(self, model: keras.Model) -> None:
        model.make_test_function()
        self.measure: Callable[[], Metrics] | None = None
        self._model, self._by_batch = model, model.test_function
        self._traced: dict[tuple[object, ...], Callable[..., None]] = {}

    def __call__(self, iterator: Any) -> Metrics:
        if self.measure and getattr(iterator, "element_spec", None) == MARKER:
            return self.measure()
        metrics: Metrics = self._by_batch(iterator)
        return metrics

    def over(self, part: Part, batch_size: int, between: Callable[[], None]) -> Callable[[], Metrics]:
        """Returns what measures a part."""
        with tf.device("CPU"):  # from where Keras feeds it too
            x, y = (tf.constant(floats.as_keras(array)) for array in part)
        run, steps, stretches = self._steps(x, y, batch_size), -(-len(x) // batch_size), Stretches(FIRST_STEPS)

        def measure() -> Metrics:
            for first, end in stretches.of(steps):
                run(x, y, tf.constant(first), tf.constant(end))
                between()
            metrics: Metrics = self._model.get_metrics_result()
            return metrics

        return measure

    def _steps(self, x: tf.Tensor, y: tf.Tensor, batch_size: int) -> Callable[..., None]:
        """Returns what takes some of the steps over a part; parts of one form have it in common."""
        even = len(x) % batch_size == 0
        form = [tf.TensorSpec([None, *each.shape[1:]], each.dtype) for each in (x, y)]
        key = (*form, batch_size, even)
        if key not in self._traced:
            steps = partial(_take_steps, self._step(), batch_size, even)
            scalar = tf.TensorSpec((), tf.int32)
            self._traced[key] = tf.function(steps, input_signature=[*form, scalar, scalar], autograph=False)
        return self._traced[key]

    def _step(self) -> Callable[[tuple[tf.Tensor, tf.Tensor]], object]:
        step: Callable[[tuple[tf.Tensor, tf.Tensor]], object] = self._model.test_step
        return tf.function(step, autograph=False, jit_compile=True) if self._model.jit_compile else step


def _take_steps(
    step: Callable[[tuple[tf.Tensor, tf.Tensor]], object],
    batch_size: int,
    even: bool,
    x: tf.Tensor,
    y: tf.Tensor,
    first: tf.Tensor,
    end: tf.Tensor,
) -> None:
    rows = tf.shape(x)[0]

    def take(i: tf.Tensor) -> list[tf.Tensor]:
        # Keras knows the size of batches too where the last one is as large as the others; rounding hangs on it.
        begin = i * batch_size
        size = batch_size if even else tf.minimum(batch_size, rows - begin)
        with tf.device("CPU"):
            batch = tuple(_rows(part, begin, size) for part in (x, y))
        step(batch)
        return [i + 1]

    tf.while_loop(lambda i: i < end, take, [first], parallel_iterations=1)


def _rows(part: tf.Tensor, begin: tf.Tensor, size: int | tf.Tensor) -> tf.Tensor:
    others = len(part.shape) - 1
    return tf.slice(part, [begin, *[0] * others], [size, *[-1] * others])
