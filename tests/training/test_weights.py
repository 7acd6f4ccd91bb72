from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from app.training import weights


def network(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    built = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dropout(0.5)])
    built.compile(optimizer="adam", loss="mse")
    return built


def test_the_hash_is_of_the_values_and_of_the_state_of_random_layers() -> None:
    model, same = network(1), network(1)

    assert weights.sha256(model) == weights.sha256(same) != weights.sha256(network(2))

    same(np.ones((1, 3)), training=True)  # draws, and changes no weight

    assert weights.sha256(model) != weights.sha256(same)


def test_a_saved_model_opens_without_its_optimizer_and_predicts_the_same(tmp_path: Path) -> None:
    model, ones, path = network(1), np.ones((4, 3)), tmp_path / "model.keras"
    model.fit(ones, np.zeros((4, 2)), verbose=0)

    assert weights.save(model, path)
    opened = keras.saving.load_model(path)

    assert not opened.compiled
    assert np.array_equal(opened.predict(ones, verbose=0), model.predict(ones, verbose=0))
    assert model.evaluate(ones, np.zeros((4, 2)), verbose=0) > 0  # it is still compiled itself


class Unsaveable(keras.layers.Layer):
    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("of no\nconfig")


def test_a_model_that_cannot_be_saved_costs_its_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = keras.Sequential([keras.Input((3,)), Unsaveable()])
    model.compile(optimizer="adam", loss="mse")

    assert not weights.save(model, tmp_path / "model.keras")

    assert "The model is not kept: NotImplementedError: of no config" in capsys.readouterr().out
    assert model.compiled
