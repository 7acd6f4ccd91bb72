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


class Run:
    """Keeps what it is told to save."""

    def __init__(self, folder: Path) -> None:
        self.dir = str(folder)
        self.saved: list[str] = []

    def save(self, path: str, **options: Any) -> None:
        self.saved.append(path)


def test_a_kept_model_opens_without_its_optimizer_and_predicts_the_same(tmp_path: Path) -> None:
    model, run, ones = network(1), Run(tmp_path), np.ones((4, 3))
    model.fit(ones, np.zeros((4, 2)), verbose=0)

    weights.keep(model, run)
    opened = keras.saving.load_model(tmp_path / weights.FILE)

    assert run.saved == [str(tmp_path / "model.keras")]
    assert not opened.compiled
    assert np.array_equal(opened.predict(ones, verbose=0), model.predict(ones, verbose=0))
    assert model.evaluate(ones, np.zeros((4, 2)), verbose=0) > 0  # it is still compiled itself


class Unsaveable(keras.layers.Layer):
    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("of no\nconfig")


def test_a_model_that_cannot_be_saved_costs_its_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(tmp_path)
    model = keras.Sequential([keras.Input((3,)), Unsaveable()])
    model.compile(optimizer="adam", loss="mse")

    weights.keep(model, run)

    assert run.saved == []
    assert "The model is not kept as model.keras: NotImplementedError: of no config" in capsys.readouterr().out
    assert model.compiled
