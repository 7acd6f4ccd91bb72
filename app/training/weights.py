"""The trained model itself: a hash that tells whether two are the same, and its file."""

import hashlib
from pathlib import Path

import keras
import numpy as np

from app.training.one_line import one_line


def sha256(model: keras.Model) -> str:
    """Hashes shape, type and value of all of a model's variables in order, the states of its random layers included.

    Names do not count: Keras numbers layers by how many the process has made.
    """
    total = hashlib.sha256()
    for variable in model.variables:
        value = np.ascontiguousarray(variable)
        total.update(f"{variable.shape} {value.dtype}\n".encode())
        total.update(value.tobytes())
    return total.hexdigest()


def save(model: keras.Model, path: Path) -> bool:
    """Saves the model without its optimizer and its `compile`, so that any Keras opens it.

    Returns:
        False for one that Keras cannot save, with a line that says why: it costs its file, and not the trial.
    """
    optimizer, model.optimizer, model.compiled = model.optimizer, None, False
    try:
        model.save(path)
    except Exception as error:  # of the user's own layers, or of the disk
        print(f"The model is not kept: {one_line(error)}")
        return False
    finally:
        model.optimizer, model.compiled = optimizer, True
    return True
