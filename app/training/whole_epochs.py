"""The fast training loop: all steps of an epoch inside TensorFlow, as the train function of Keras' own `fit`."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

from app.training import floats, needs, told
from app.training.stretches import Stretches

Metrics = dict[str, Any]
TrainFunction = Callable[[object], Metrics]
Steps = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], object]  # of an order of rows, from one step to before another

# Nobody knows yet what a step takes.
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
    if needs.is_distributed(model):
        return "a distribution strategy takes the model's steps"
    if not needs.keeps_function(model, "train"):
        return "this version of Keras, or this model, makes its own train function"
    if inputs.nbytes > memory_limit_bytes:
        return f"its inputs take {inputs.nbytes / 2**20:.0f} MiB, more than {memory_limit_bytes / 2**20:.0f}"
    names = [type(callback).__name__ for callback in callbacks if needs.trains_per_batch(callback)]
    return f"{', '.join(names)} is called for every batch" if names else None


def train_function(
    model: keras.Model,
    inputs: NDArray[Any],
    labels: NDArray[Any],
    *,
    batch_size: int,
    seed: int,
    look: Callable[[Metrics], None],
    compiled: Callable[[Steps, int], Steps] | None = None,
) -> TrainFunction:
    """Makes a train function for Keras' `fit` that takes all steps of an epoch and ignores what it is given.

    Args:
        model: compiled.
        inputs: n rows; copied into memory.
        labels: n rows.
        batch_size: rows per step; the last step of an epoch takes what is left.
        seed: decides the order of rows, with the steps done.
        look: called with the metrics so far after each call into TensorFlow, about half a second apart; what it raises
            ends the training.
        compiled: makes full steps ready, given them and n, in place of TensorFlow's usual way.
    """
    x, y = (tf.constant(floats.as_keras(array)) for array in (inputs, labels))
    rows, steps = len(inputs), len(inputs) // batch_size

    last_step = told.LastStep(model)

    def train_on(batch: tf.Tensor) -> None:
        last_step.keep(model.train_step((tf.gather(x, batch), tf.gather(y, batch))))

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
    if compiled:
        run_steps = compiled(take_steps, rows)
    stretches = Stretches(FIRST_STEPS)

    def take_an_epoch(_: object) -> Metrics:
        # The order follows from the seed and the steps done, so a resumed run goes on as if never stopped.
        # XLA cannot compile the shuffle; it stays outside.
        done = tf.cast(model.optimizer.iterations, tf.int32)
        order = tf.random.experimental.stateless_shuffle(tf.range(rows), [seed, done])
        for first, end in stretches.of(steps):
            run_steps(order, tf.constant(first), tf.constant(end))
            look(last_step.metrics())
        if rows % batch_size:
            run_rest(order)
        return last_step.metrics()

    return take_an_epoch
