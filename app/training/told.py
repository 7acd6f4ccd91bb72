"""What a train step of one's own tells beside the model's metrics."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from app.training import needs


class LastStep:
    """Keeps what the last step told where that is more, or less, than the metrics, as Keras' own loop does."""

    def __init__(self, model: keras.Model) -> None:
        self._model, self._kept = model, {}  # type: ignore[var-annotated] # TensorFlow's variables, by name
        self._alone = needs.tells_metrics_alone(model, "train")

    def keep(self, logs: Mapping[str, Any]) -> None:
        """Keeps what a step tells; called while it is traced."""
        if self._alone or set(logs) == set(self._model.get_metrics_result()):
            return
        for name, value in logs.items():
            self._variable(name, tensor := tf.convert_to_tensor(value)).assign(tensor)

    def metrics(self) -> dict[str, Any]:
        """What Keras is told of the steps so far."""
        if self._kept:
            return {name: variable.read_value() for name, variable in self._kept.items()}
        metrics: dict[str, Any] = self._model.get_metrics_result()
        return metrics

    def _variable(self, name: str, value: tf.Tensor) -> tf.Variable:
        if name not in self._kept:
            with tf.init_scope():
                self._kept[name] = tf.Variable(
                    tf.zeros([size or 0 for size in value.shape], value.dtype), trainable=False, shape=value.shape
                )
        return self._kept[name]
