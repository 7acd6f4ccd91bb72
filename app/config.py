"""What a trial takes. Edit this file to give a trial settings of your own.

Each field is a flag of `python -m app.train` and a parameter that a sweep file may search over; its type and
limits are all that is checked before training. `epochs`, `batch_size` and `seed` are used by the trainer itself;
the others only by `app/model.py`. Nothing here needs TensorFlow.
"""

from typing import ClassVar, Literal

from pydantic import Field

from app.values import Values

# What a trial logs: all that a sweep file's `metric` can name. Metrics and callbacks of your own add theirs.
LOGGED = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")


class TrialConfig(Values):
    """All that decides a trial, with the defaults of the tutorial's model."""

    # Steps of a third of a millisecond: a second thread takes 1.7 times the CPU time and makes none of them faster.
    # Larger networks can gain by each: leave this line out for them.
    most_threads: ClassVar[int | None] = 1

    layer1_size: int = Field(default=128, ge=1, le=16_384, description="units of the hidden layer")
    layer1_activation: Literal["relu", "sigmoid", "tanh", "elu", "selu", "gelu", "silu", "softplus"] = Field(
        default="relu", description="its activation"
    )
    dropout_rate: float = Field(default=0.2, ge=0, lt=1, description="fraction of its outputs dropped while training")
    optimizer: Literal["adam", "rmsprop"] = Field(default="adam", description="Keras optimizer")
    learning_rate: float = Field(default=0.01, gt=0, le=10, description="step size of the optimizer")
    epochs: int = Field(default=5, ge=1, le=10_000, description="passes over the training images")
    batch_size: int = Field(default=32, ge=1, le=50_000, description="images per step")
    seed: int = Field(default=0, ge=0, lt=2**31, description="decides initial weights, order of batches and dropout")
