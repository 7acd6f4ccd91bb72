"""What a model and its callbacks need of Keras' own loops, and so whether steps can be taken inside TensorFlow."""

from typing import Any, Literal

import keras
import tensorflow as tf

FREQUENCIES = ("log_freq", "save_freq", "update_freq")
TRAIN_BATCH = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
TEST_BATCH = ("on_test_batch_begin", "on_test_batch_end")


def trains_per_batch(callback: keras.callbacks.Callback) -> bool:
    """True for a frequency in batches, or a hook for batches that train which neither Keras nor W&B wrote."""
    # Not isinstance: `save_freq=False` is an int too.
    counted = any(type(getattr(callback, name, None)) is int for name in FREQUENCIES)
    return counted or _written(callback, TRAIN_BATCH)


def tests_per_batch(callback: keras.callbacks.Callback) -> bool:
    """True for a hook for batches that only measure which neither Keras nor W&B wrote."""
    return _written(callback, TEST_BATCH)


def _written(callback: keras.callbacks.Callback, hooks: tuple[str, ...]) -> bool:
    authors = {getattr(callback, hook).__module__.split(".")[0] for hook in hooks}
    return not authors <= {"keras", "wandb"}


def is_distributed(model: keras.Model) -> bool:
    """Whether a strategy of TensorFlow's takes the model's steps, on one device or several."""
    default = None if tf.distribute.has_strategy() else tf.distribute.get_strategy()
    return model.distribute_strategy is not default


def tells_metrics_alone(model: keras.Model, kind: Literal["train", "test"]) -> bool:
    """Whether Keras' own steps take batches: one's own may tell more, and then the last step's word counts."""
    names = (f"{kind}_step", "compute_metrics", "get_metrics_result")
    return all(getattr(getattr(model, name), "__func__", None) is getattr(keras.Model, name) for name in names)


def keeps_function(model: keras.Model, kind: Literal["train", "test"]) -> bool:
    """Whether Keras would use a function of this kind that is set beforehand, as it has since its first version."""
    name = f"{kind}_function"
    before = getattr(model, name, None)

    def ours(_: object) -> dict[str, Any]:
        return {}

    setattr(model, name, ours)
    try:
        getattr(model, f"make_{name}")()
        return getattr(model, name) is ours
    except AttributeError:
        return False
    finally:
        setattr(model, name, before)
