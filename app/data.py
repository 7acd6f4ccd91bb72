"""The data of a trial. Edit this file to train on data of your own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.config import TrialConfig
from app.training import data_places, fashion_mnist

Part = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Splits:
    """Inputs and labels of the three parts of a data set.

    Attributes:
        train: what the model learns from.
        validation: what its settings are chosen by, after every epoch.
        test: what it is judged by, once, at the end of a trial.
        sha256: names the data in a run's provenance.
    """

    train: Part
    validation: Part
    test: Part
    sha256: str


def load(config: TrialConfig, environ: Mapping[str, str] = os.environ) -> Splits:
    """Loads Fashion-MNIST: 50,000 images to train on, 10,000 of the training set held out, 10,000 to test on.

    Args:
        config: the trial's values; this data depends on none of them.
        environ: DATA_DIR, FASHION_MNIST_DIR and KERAS_HOME are read from here.

    Returns:
        uint8[n, 28, 28] images, 0 to 255, mapped from files, and int32[n] labels, 0 to 9.

    Raises:
        DataError: if the data is not prepared, and cannot be of what lies on this machine.
    """
    arrays, sha256 = fashion_mnist.load(data_places.Places.of(environ))
    train, validation, test = (
        (arrays[f"{part}_images"], arrays[f"{part}_labels"].astype(np.int32))
        for part in ("train", "validation", "test")
    )
    return Splits(train, validation, test, sha256)


def prepare(environ: Mapping[str, str] = os.environ, *, download: bool = True) -> str:
    """Gets the data ready for all trials that have this DATA_DIR: `load` downloads nothing.

    Args:
        environ: as for `load`.
        download: whether it may be fetched from a network. Agents say no before they begin, on nodes that have none.

    Returns:
        One line: where the data came from and where it is.

    Raises:
        DataError: if the data cannot be had.
    """
    return fashion_mnist.prepare(data_places.Places.of(environ), download)
