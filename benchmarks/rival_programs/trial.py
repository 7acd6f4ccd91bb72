"""A trial as a user of these tuners writes it: float32 images in memory, the tutorial's network, Keras' plain `fit`."""

from functools import cache
from typing import Any

import keras
import numpy as np
import yaml

from app import data
from app.config import TrialConfig
from benchmarks.tutorial import network


@cache
def splits() -> tuple[Any, Any]:
    """Training and validation part, images between 0 and 1."""
    loaded = data.load(TrialConfig.checked({}))
    (x, y), (x_val, y_val) = loaded.train, loaded.validation
    return (x.astype(np.float32) / 255, y), (x_val.astype(np.float32) / 255, y_val)


def grid(sweep: str) -> dict[str, list[Any]]:
    """Every parameter of a sweep file with its values."""
    with open(sweep) as file:
        return {name: about["values"] for name, about in yaml.safe_load(file)["parameters"].items()}


def build(values: dict[str, Any]) -> keras.Model:
    """The network for one point, compiled."""
    return network(TrialConfig.checked(values))


def val_accuracy(values: dict[str, Any]) -> float:
    """Trains one point and gives its validation accuracy after the last epoch."""
    keras.backend.clear_session()
    config = TrialConfig.checked(values)
    train, validation = splits()
    history = build(values).fit(
        *train, epochs=config.epochs, batch_size=config.batch_size, validation_data=validation, verbose=0
    )
    return float(history.history["val_accuracy"][-1])
