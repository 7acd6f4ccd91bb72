"""The floats that Keras makes of a user's."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def as_keras(array: NDArray[Any]) -> NDArray[Any]:
    """Gives an array as Keras' own `fit` takes it: floats of all kinds become Keras' own, float32 by default."""
    return array.astype(keras.config.floatx(), copy=False) if np.issubdtype(array.dtype, np.floating) else array
