"""One training of the example in two ways, this project's and the tutorial's, on the same split in the same batches."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import keras

from app import model
from app.config import TrialConfig
from app.data import Splits
from app.training import fit
from benchmarks import tutorial

Callbacks = Sequence[keras.callbacks.Callback]
Way = Callable[[TrialConfig, Splits, Callbacks], keras.callbacks.History]


def ours(config: TrialConfig, splits: Splits, callbacks: Callbacks = ()) -> keras.callbacks.History:
    """`app/model.py` by `app/training/fit.py`."""
    return fit.fit(
        model.build(config),
        splits.train,
        splits.validation,
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        callbacks=callbacks,
    )


def by_keras(config: TrialConfig, splits: Splits, callbacks: Callbacks = ()) -> keras.callbacks.History:
    """The tutorial's network by Keras' plain `fit`; its images are as `as_floats` gives them."""
    return tutorial.network(config).fit(
        *splits.train,
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_data=splits.validation,
        callbacks=list(callbacks),
        verbose=0,
    )


def as_floats(splits: Splits) -> Splits:
    """The images that are trained and chosen by, as float64 between 0 and 1."""
    (x, y), (x_val, y_val) = splits.train, splits.validation
    return replace(splits, train=(x / 255.0, y), validation=(x_val / 255.0, y_val))
