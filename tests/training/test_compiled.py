"""Steps that XLA has compiled on a CPU: what they take, what they cannot, and that they repeat."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from app.training import fit, reproduce, weights
from app.training.checkpoint import Checkpoints, Resume
from tests.training.test_checkpoint import MADE_BY, OfOneEpoch


class Drawing(keras.layers.Layer):
    """A user's layer that draws in every way that Keras has."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = keras.random.SeedGenerator(3)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        draws = (keras.random.normal, keras.random.uniform, keras.random.truncated_normal)
        noise = sum(draw((4,), seed=self.seed) for draw in draws)
        return inputs + noise * keras.ops.cast(keras.random.randint((4,), 0, 5, seed=self.seed), "float32")


class Unseeded(keras.layers.Layer):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs + tf.random.uniform([4]) if training else inputs


class Convolution(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs + tf.nn.conv2d(inputs[:, None, :, None], tf.ones((1, 3, 1, 1)), 1, "SAME")[:, 0, :, 0]


class Python(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return tf.ensure_shape(tf.py_function(lambda values: values, [inputs], tf.float32), inputs.shape)


def trained(
    *layers: keras.layers.Layer,
    rows: int = 96,
    xla: bool = True,
    began: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    initial_epoch: int = 0,
) -> tuple[list[str], keras.Model]:
    """Two epochs, 16 rows a step: the loops that were told of, and the model."""
    loops: list[str] = []
    rng = np.random.default_rng(0)
    part = (rng.normal(size=(rows, 4)).astype(np.float32), rng.integers(0, 2, rows, np.uint8))
    reproduce.seed(0)
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", jit_compile=xla)
    options: dict[str, Any] = {"callbacks": callbacks, "initial_epoch": initial_epoch, "began": began}
    fit.fit(model, part, part, batch_size=16, epochs=2, seed=1, record_loop=loops.append, **options)
    return loops, model


def test_draws_of_keras_and_of_a_layer_of_ones_own_repeat_under_xla_in_a_resumed_training_too(tmp_path: Path) -> None:
    def layers() -> list[keras.layers.Layer]:
        return [keras.layers.Dropout(0.5, seed=7), Drawing()]

    loop, whole = trained(*layers(), rows=100, callbacks=[Resume(OfOneEpoch(tmp_path, 1), [], 2)])
    going_on = Resume(Checkpoints(tmp_path, MADE_BY, every_s=0), [], 2)
    options: dict[str, Any] = {"began": loop[0], "initial_epoch": going_on.initial_epoch}
    told, resumed = trained(*layers(), rows=100, callbacks=[going_on], **options)

    assert loop == told == ["whole epochs, compiled"]
    assert going_on.initial_epoch == 1
    assert weights.sha256(whole) == weights.sha256(resumed)


def test_a_training_keeps_the_way_that_it_began_with_and_both_learn_the_same() -> None:
    compiled, one = trained(xla=False, began="whole epochs, compiled")
    plain, other = trained(xla=True, began="whole epochs")

    assert (compiled, plain) == (["whole epochs, compiled"], ["whole epochs"])
    for ours, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (Unseeded, "RandomUniform would draw other numbers each time"),
        (Convolution, "Conv2D would take several times as long on a CPU"),
        (Python, "EagerPyFunc"),
    ],
)
def test_a_model_that_xla_cannot_or_should_not_compile_trains_without_it_and_a_line_says_why(
    layer: type[keras.layers.Layer], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loop, model = trained(layer())

    assert loop == ["whole epochs"]
    assert int(model.optimizer.iterations) == 2 * 6
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Training without XLA: "))
    assert line.endswith(f"{reason}.")
