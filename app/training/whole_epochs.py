"""The fast training loop: all steps of an epoch inside TensorFlow, as the train function of Keras' own `fit`."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

Metrics = dict[str, Any]

PER_BATCH = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
FREQUENCIES = ("log_freq", "save_freq", "update_freq")

# Python answers signals, and so a request to stop, only between calls.
CALL_S = 0.5
FIRST_STEPS = 20


def why_not(
    model: keras.Model, inputs: NDArray[Any], callbacks: Iterable[keras.callbacks.Callback], memory_limit_bytes: int
) -> str | None:
    """Says why this loop cannot train a model; None if it can.

    Args:
        memory_limit_bytes: largest inputs that are copied into memory as a whole.
    """
    if model.run_eagerly:
        return "the model runs eagerly"
    if not _keeps_train_function(model):
        return "this version of Keras, or this model, makes its own train function"
    if inputs.nbytes > memory_limit_bytes:
        return f"its inputs take {inputs.nbytes / 2**20:.0f} MiB, more than {memory_limit_bytes / 2**20:.0f}"
    names = [type(callback).__name__ for callback in callbacks if _works_per_batch(callback)]
    return f"{', '.join(names)} is called for every batch" if names else None


def train_function(
    model: keras.Model,
    inputs: NDArray[Any],
    labels: NDArray[Any],
    *,
    batch_size: int,
    seed: int,
    look: Callable[[Metrics], None],
) -> Callable[[object], Metrics]:
    """Makes a train function for Keras' `fit` that takes all steps of an epoch and ignores what it is given.

    Args:
        model: compiled.
        inputs: n rows; copied into memory.
        labels: n rows.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: decides the order of rows, with the steps done.
        look: called with the metrics so far after each call into TensorFlow, about `CALL_S` apart; what it raises
            ends the training.
    """
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
    stretches = _Stretches()

    def take_an_epoch(_: object) -> Metrics:
        # The order follows from the seed and the steps done, so a resumed run goes on as if never stopped.
        # XLA cannot compile the shuffle; it stays outside.
        done = tf.cast(model.optimizer.iterations, tf.int32)
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), [seed, done])
        for first, end in stretches.of(steps):
            run_steps(order, tf.constant(first), tf.constant(end))
            look(model.get_metrics_result())
        if rows % batch_size:
            run_rest(order)
        metrics: Metrics = model.get_metrics_result()
        return metrics

    return take_an_epoch


class _Stretches:
    """Cuts epochs into calls of about `CALL_S`, which changes no result.

    The first is short: nobody knows yet what a step takes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._size = FIRST_STEPS

    def of(self, steps: int) -> Iterator[tuple[int, int]]:
        """Yields the first step of each call and the one after its last."""
        first = 0
        while first < steps:
            end, began_s = min(first + self._size, steps), self._clock()
            yield first, end
            took_s = max(self._clock() - began_s, 1e-6)
            self._size = max(1, int((end - first) * CALL_S / took_s))
            first = end


def _keeps_train_function(model: keras.Model) -> bool:
    """Whether `fit` would use a train function that is set beforehand, as Keras has done since its first version."""

    def ours(_: object) -> Metrics:
        return {}

    model.train_function = ours
    try:
        model.make_train_function()
        return model.train_function is ours
    except AttributeError:
        return False
    finally:
        model.train_function = None


def _works_per_batch(callback: keras.callbacks.Callback) -> bool:
    """True for a frequency in batches, or a batch hook that neither Keras nor W&B wrote."""
    # Not isinstance: `save_freq=False` is an int too.
    counted = any(type(getattr(callback, name, None)) is int for name in FREQUENCIES)
    authors = {getattr(callback, hook).__module__.split(".")[0] for hook in PER_BATCH}
    return counted or not authors <= {"keras", "wandb"}
