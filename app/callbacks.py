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
    """Logs each epoch's metrics to the run under their plain names, with `epoch` counted from 1, each epoch once."""

    def __init__(self, run: Any) -> None:
        super().__init__()
        self.run = run
        self._logged: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {"epoch": epoch + 1, **(logs or {})}
        # A run that goes on without a checkpoint, on another machine, does again what it has logged already.
        if row["epoch"] > self._known():
            self.run.log(row)
        self._logged.append(row)

    def get_state(self) -> list[dict[str, float]]:
        return self._logged

    def set_state(self, logged: list[dict[str, float]]) -> None:
        """Goes on after these rows; logs those that W&B's client had not sent yet when it was ended."""
        self._logged, known = logged, self._known()
        for row in logged:
            if row["epoch"] > known:
                self.run.log(row)

    def _known(self) -> float:
        """The last epoch that the run has."""
        return self.run.summary.get("epoch") or 0
