"""The network of a trial. Edit this file to sweep over a model of your own."""

import keras

from app.config import TrialConfig
from app.optimizers import fused

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}


def build(config: TrialConfig) -> keras.Model:
    """Builds and compiles the network.

    Args:
        config: the trial's values.

    Returns:
        A compiled model from uint8[n, 28, 28] images, 0 to 255, to float32[n, 10] probabilities.
    """
    model = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(config.layer1_size, activation=config.layer1_activation),
            keras.layers.Dropout(config.dropout_rate),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = fused(OPTIMIZERS[config.optimizer](learning_rate=config.learning_rate))
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
