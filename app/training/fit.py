"""Keras' `fit` with one call per epoch: callbacks, metrics and validation stay Keras' own, its cost per batch goes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from app.machine.compile_cache import CompileCache
from app.training import batches, compiled, variables, whole_epochs, whole_parts
from app.training.whole_epochs import TrainFunction
from terms.record import NAN_METRIC

Part = batches.Part

EVALUATION_BATCH = 1000
LOSSES = ("loss", "val_loss")

# How a training is recorded, which of the three decides its result; the last with its reason behind it.
WHOLE_EPOCHS = "whole epochs"
COMPILED = "whole epochs, compiled"
BATCH_BY_BATCH = "batch by batch: "


class NotANumber(Exception):
    """A loss is not finite, and never will be again."""

    exit_code = 1


def nothing() -> None:
    """What happens between calls into TensorFlow if nobody asks for anything."""


def forget(loop: str) -> None:
    """What is recorded of the loop if nobody asks for it."""


def fit(
    model: keras.Model,
    train: Part,
    validation: Part,
    *,
    batch_size: int,
    epochs: int,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    initial_epoch: int = 0,
    stop_on_nan: bool = False,
    memory_limit_bytes: int = 2**31,
    between: Callable[[], None] = nothing,
    began: str | None = None,
    record_loop: Callable[[str], None] = forget,
    compile_cache: CompileCache | None = None,
) -> keras.callbacks.History:
    """Trains a compiled model, with a new order of batches in every epoch that follows from the seed alone.

    All steps of an epoch run inside TensorFlow, which makes small models several times faster. Where that cannot be
    (eager models, callbacks that work per batch, data that would not fit into memory a second time), Keras' own loop
    trains, and a line says why. On a CPU, a model with `jit_compile` has its full steps compiled by XLA, and nothing
    else. Each of the three ways gives another result.

    Args:
        model: compiled.
        train: inputs and labels, n rows each.
        validation: the same, measured after each epoch.
        batch_size: rows per step; the last step of an epoch takes what is left.
        epochs: passes over `train`, those done before included.
        seed: decides the order of rows.
        callbacks: any of Keras'.
        initial_epoch: passes that are done; the model and its optimizer are as these have left them when the last
            callback's `on_train_begin` returns.
        stop_on_nan: ends for a loss that is not finite, as soon as it is seen.
        memory_limit_bytes: largest inputs that are copied into memory as a whole.
        between: called between calls into TensorFlow, where no callback is at work; what it raises ends the training.
        began: what `record_loop` was told of the training that this goes on with or makes again, which keeps its loop
            where it can; None if there is none.
        record_loop: told before the first step which loop trains: `WHOLE_EPOCHS`, `COMPILED`, or `BATCH_BY_BATCH` and
            the reason; both and the epoch between them where a training that goes on could not keep its own.
        compile_cache: where compiled steps are kept; None keeps none.

    Returns:
        Keras' History.

    Raises:
        NotANumber: with the loss and the epoch, counted from 1.
    """
    if not model.built:
        model(train[0][:1])  # its variables are needed before the first step where a checkpoint is to be restored
    watch = _Watch(between, stop_on_nan)
    common: dict[str, Any] = {
        "epochs": epochs,
        "initial_epoch": initial_epoch,
        "shuffle": False,  # done here
        "verbose": 2,
    }
    loop = _loop(whole_epochs.why_not(model, train[0], callbacks, memory_limit_bytes), began, compiled.wanted(model))
    take_an_epoch = None
    if not loop.startswith(BATCH_BY_BATCH):
        options = {"batch_size": batch_size, "seed": seed, "look": watch.look}
        loop, take_an_epoch = _whole_epochs(model, train, options, loop, compile_cache)
    record_loop(_in_parts(began, loop, initial_epoch))
    with variables.made_at_once(), _measured(model, validation, callbacks, between) as (data, size):
        common |= {"validation_data": data, **{f"validation_{name}": value for name, value in size.items()}}
        if take_an_epoch:
            return _by_function(model, take_an_epoch, 1, [*callbacks, watch], common)
        print(f"Training batch by batch, which is slower: {loop.removeprefix(BATCH_BY_BATCH)}.")
        watching = [*callbacks, _WatchBatches(between, stop_on_nan)]
        if not batches.can_be_handed(model):
            return model.fit(batches.as_dataset(train, batch_size, seed, initial_epoch), callbacks=watching, **common)
        take = batches.HandedSteps(model, train, batch_size, seed)
        return _by_function(model, take, -(-len(train[0]) // batch_size), [*watching, take], common)


def _by_function(
    model: keras.Model,
    take: TrainFunction,
    calls: int,
    callbacks: Sequence[keras.callbacks.Callback],
    common: Mapping[str, Any],
) -> keras.callbacks.History:
    """Keras' `fit` with a train function that brings its own data, called so many times an epoch."""
    # `fit` builds its own train function only where none is set.
    model.train_function = take
    try:
        markers = tf.data.Dataset.from_tensors(0).repeat()
        return model.fit(markers, steps_per_epoch=calls, callbacks=[*callbacks], **common)
    finally:
        model.train_function = None  # a later plain fit builds its own


def _loop(reason: str | None, began: str | None, xla: bool) -> str:
    if began and began.startswith(BATCH_BY_BATCH):
        return began  # Keras' own loop trains everything
    if reason:
        return f"{BATCH_BY_BATCH}{reason}"
    return COMPILED if (began.endswith(COMPILED) if began else xla) else WHOLE_EPOCHS


def _whole_epochs(
    model: keras.Model, train: Part, options: dict[str, Any], loop: str, cache: CompileCache | None
) -> tuple[str, TrainFunction]:
    """Returns the loop that trains in the end, and its train function."""
    if compiled.wanted(model):
        model.jit_compile = False  # what else Keras calls would take longer to compile than to run
    if loop == COMPILED:
        try:
            compile_steps = partial(compiled.steps, cache=cache)
            return COMPILED, whole_epochs.train_function(model, *train, **options, compiled=compile_steps)
        except compiled.CannotCompile as error:
            print(f"Training without XLA: {error}.")
    return WHOLE_EPOCHS, whole_epochs.train_function(model, *train, **options)


def _in_parts(began: str | None, loop: str, initial_epoch: int) -> str:
    """Names the loop of the epochs that are done too, if it was another."""
    if not began or not initial_epoch:
        return loop
    return began if began.endswith(loop) else f"{began}; from epoch {initial_epoch + 1} on {loop}"


def evaluate(model: keras.Model, part: Part, between: Callable[[], None] = nothing) -> dict[str, float]:
    """Returns the model's loss and metrics over inputs and labels.

    Args:
        between: as for `fit`.
    """
    watch = _Watch(between, stop_on_nan=False)
    with variables.made_at_once(), _measured(model, part, (), between) as (data, size):
        result: dict[str, float] = model.evaluate(*data, verbose=0, return_dict=True, callbacks=[watch], **size)
        return result


@contextmanager
def _measured(
    model: keras.Model, part: Part, callbacks: Sequence[keras.callbacks.Callback], between: Callable[[], None]
) -> Iterator[tuple[tuple[Any, ...], dict[str, int]]]:
    """Gives what Keras is to measure, and how large its steps are: all of a part in one call where that can be."""
    if not whole_parts.can_measure(model, part, callbacks):
        yield part, {"batch_size": EVALUATION_BATCH}
        return
    with whole_parts.measured(model, part, batch_size=EVALUATION_BATCH, between=between) as marker:
        yield (marker,), {"steps": 1}


class _Watch(keras.callbacks.Callback):
    """Looks whether the training is to end, after each epoch and each batch that only measures."""

    def __init__(self, between: Callable[[], None], stop_on_nan: bool) -> None:
        super().__init__()
        self._between, self._stop_on_nan = between, stop_on_nan
        self._epoch = 0

    def look(self, metrics: Mapping[str, Any]) -> None:
        """Ends the training for a signal, or for metrics that are no numbers."""
        self._between()
        # Asking also waits for a GPU, which would else take an epoch's calls all at once.
        values = [(name, float(metrics[name])) for name in LOSSES if name in metrics]
        for name, value in values:
            if self._stop_on_nan and not math.isfinite(value):
                raise NotANumber(f"{NAN_METRIC}: {name} is {value} in epoch {self._epoch + 1}")

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.look(logs or {})

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._between()


class _WatchBatches(_Watch):
    """The same, after each batch of Keras' own loop too."""

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.look(logs or {})
