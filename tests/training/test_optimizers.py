"""The fused optimizers learn what Keras' own do, and give way to them where they cannot."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers import SGD, Adam, AdamW, LossScaleOptimizer, RMSprop

from app import optimizers
from app.optimizers import fused

STEPS = 200
ADAM_TOLERANCE, RMSPROP_TOLERANCE = 3e-6, 1e-6  # at a learning rate of 0.001

HALVED = keras.optimizers.schedules.ExponentialDecay(0.002, 50, 0.5)


@functools.cache
def gradients() -> list[Any]:
    """Those of every step, then the first values."""
    random = np.random.default_rng(0)
    return [tf.constant(random.normal(size=(STEPS + 1, *shape)), tf.float32) for shape in ((40, 8), (8,))]


def trained(optimizer: Any, xla: bool = False) -> list[Any]:
    """Weights, then the optimizer's state, after 200 steps on random gradients: one eager, the others in a graph."""
    variables = [keras.Variable(each[STEPS]) for each in gradients()]
    optimizer.build(variables)

    def step(number: Any) -> list[Any]:
        optimizer.apply([each[number] for each in gradients()])
        return [number + 1]

    def others() -> None:
        tf.while_loop(lambda number: number < STEPS, step, [tf.constant(1)], parallel_iterations=1)

    step(0)
    tf.function(others, autograph=False, jit_compile=xla)()
    return [variable.numpy() for variable in (*variables, *optimizer.variables)]


@functools.cache
def trained_by_keras(make: Callable[[], Any]) -> list[Any]:
    return trained(make())


def assert_alike(found: list[Any], expected: list[Any], tolerance: float) -> None:
    assert len(found) == len(expected)
    assert max(float(np.abs(a - b).max()) for a, b in zip(found, expected, strict=True)) < tolerance


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"learning_rate": HALVED},
        {"weight_decay": 0.01, "use_ema": True, "ema_overwrite_frequency": 10},
        {"global_clipnorm": 1.0, "loss_scale_factor": 8.0},
        {"clipnorm": 1.0, "gradient_accumulation_steps": 4},
        {"amsgrad": True},
    ],
)
def test_adam_learns_what_keras_own_does(options: dict[str, Any]) -> None:
    assert_alike(trained(fused(Adam(**options))), trained(Adam(**options)), ADAM_TOLERANCE)


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9}, {"centered": True}, {"weight_decay": 0.01, "gradient_accumulation_steps": 4}],
)
def test_rmsprop_learns_what_keras_own_does(options: dict[str, Any]) -> None:
    assert_alike(trained(fused(RMSprop(**options))), trained(RMSprop(**options)), RMSPROP_TOLERANCE)


def test_what_stands_around_an_optimizer_works_too() -> None:
    assert_alike(trained(fused(AdamW())), trained(AdamW()), ADAM_TOLERANCE)
    assert_alike(trained(fused(SGD())), trained(SGD()), 1e-9)
    assert_alike(trained(LossScaleOptimizer(fused(Adam()))), trained(LossScaleOptimizer(Adam())), ADAM_TOLERANCE)


@pytest.mark.parametrize("make", [Adam, RMSprop])
def test_xla_compiles_them(make: Callable[[], Any]) -> None:
    assert_alike(trained(fused(make()), xla=True), trained_by_keras(make), ADAM_TOLERANCE)


def operations(optimizer: Any) -> set[str]:
    """The kinds of operation in one step on one variable."""
    variable = keras.Variable(np.zeros(3, "float32"))
    optimizer.build([variable])
    step = tf.function(lambda grad: optimizer.apply([grad]), autograph=False)
    graph = step.get_concrete_function(tf.TensorSpec([3])).graph
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize(
    ("make", "operation"),
    [
        (Adam, "ResourceApplyAdam"),
        (AdamW, "ResourceApplyAdam"),
        (RMSprop, "ResourceApplyRMSProp"),
        (lambda: RMSprop(momentum=0.5), "ResourceApplyRMSProp"),
    ],
)
def test_keras_still_has_the_names_that_the_fused_step_needs(make: Callable[[], Any], operation: str) -> None:
    assert operation in operations(fused(make()))
    assert operation not in operations(make())


def test_where_keras_has_other_names_its_own_step_is_taken_and_a_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(optimizers, "ADAM_STATE", ("_moments", "_velocities"))

    found = trained(fused(Adam(name="renamed")))

    assert_alike(found, trained_by_keras(Adam), 1e-9)
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "renamed takes Keras' own steps, which are slower: 'Adam' object has no attribute '_moments'."


def test_sparse_gradients_take_keras_own_step() -> None:
    def embedded(optimizer: Any) -> Any:
        variable = keras.Variable(np.ones((5, 2), "float32"))
        optimizer.build([variable])
        optimizer.apply([tf.IndexedSlices(tf.ones((2, 2)), tf.constant([1, 3]), tf.constant([5, 2]))])
        return variable.numpy()

    assert np.array_equal(embedded(fused(Adam())), embedded(Adam()))


def test_a_copy_of_an_optimizer_steps_for_itself() -> None:
    original = fused(RMSprop())

    assert_alike(trained(copy.deepcopy(original)), trained(original), RMSPROP_TOLERANCE)


def test_a_saved_model_needs_nothing_but_keras(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(fused(Adam(0.25)), "mse")
    model.fit(np.ones((4, 3)), np.ones(4), verbose=0)
    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")

    assert type(loaded.optimizer) is Adam
    assert float(loaded.optimizer.learning_rate) == 0.25
    assert_alike(loaded.optimizer.variables, model.optimizer.variables, 1e-9)
