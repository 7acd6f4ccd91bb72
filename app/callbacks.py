"""What happens after each epoch of a trial. Add W&B's or your own Keras callbacks here."""

from typing import Any

import keras

from app.config import TrialConfig


def callbacks(config: TrialConfig, run: Any) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a trial.

    Args:
        config: the trial's values.
        run: its W&B run.
    """
    return [LogMetrics(run)]


class LogMetrics(keras.callbacks.Callback):
    """Logs each epoch's metrics to the run under their plain names, with `epoch` counted from 1."""

    def __init__(self, run: Any) -> None:
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # A run that goes on without a checkpoint, on another machine, does again what it has logged already.
        if epoch + 1 > (self.run.summary.get("epoch") or 0):
            self.run.log({"epoch": epoch + 1, **(logs or {})})
