"""The trained model itself: a hash that tells whether two are the same, and the file that a run keeps of it."""

import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

FILE = "model.keras"


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


def keep(model: keras.Model, run: Any) -> None:
    """Saves the model without its optimizer and its `compile`, so that any Keras opens it, as a file of a W&B run.

    Args:
        model: one that Keras cannot save costs its file and a line that says why, and not the trial.
        run: the file is `FILE` in its folder and on its backend.
    """
    path = Path(run.dir) / FILE
    optimizer, model.optimizer, model.compiled = model.optimizer, None, False
    try:
        model.save(path)
    except Exception as error:  # of the user's own layers, or of the disk
        print(f"The model is not kept as {FILE}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return
    finally:
        model.optimizer, model.compiled = optimizer, True
    # W&B makes no copy of what is in the run's own folder already.
    run.save(str(path), base_path=run.dir, policy="now", glob=False)
