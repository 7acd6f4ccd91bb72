"""What a trial needs to go on where it was, written at the end of epochs and found again by the id of its run.

Keras' own ways to save lose the state of Dropout, so a resumed run would draw other numbers. Here all of
`model.variables` and `optimizer.variables` are kept, and what the callbacks have counted. What TensorFlow draws
without a seed of a layer's or of the order of rows, as in a `train_step` of one's own, starts anew.
"""

import hashlib
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from app.training.stopping import Terminated

KEPT = 2  # the newest, and the one before it in case the newest is damaged
STALE_S = 7 * 24 * 3600.0  # nobody comes back for a run after a week
BEING_WRITTEN = "being-written"

CONTAINERS = (list, tuple, set, frozenset)
PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
KERAS_OWN = ("params", "_params", "_model", "validation_data")


@dataclass(frozen=True)
class State:
    """A trial between two epochs.

    Attributes:
        epoch: how many are done.
        stopped: whether a callback has ended the training.
        variables: the model's, then its optimizer's.
        callbacks: what each of them has counted, pickled.
    """

    epoch: int
    stopped: bool
    variables: list[NDArray[Any]]
    callbacks: bytes


class Checkpoints:
    """The checkpoints of one run in a folder of its own; at most one in `every_s` seconds is written."""

    def __init__(
        self,
        folder: Path,
        made_by: Mapping[str, Any],
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = print,
    ) -> None:
        """Takes the run's folder, which need not be there.

        Args:
            made_by: what decides the result, by its names in words; a checkpoint made by anything else is not used.
            every_s: 0 writes one after each epoch.
            clock: seconds.
            say: prints a line.
        """
        self._folder, self._every_s = folder, every_s
        self._made_by = json.loads(json.dumps(made_by))  # as it comes back
        self._clock, self._say = clock, say
        self._written_at_s = clock()
        self._waiting: State | None = None

    def find(self) -> State | None:
        """Reads the newest checkpoint that can be used, and names those that cannot."""
        for path in reversed(self._paths()):
            content = path.read_bytes()
            if path.name.split(".")[1] != _digest(content):
                self._say(f"The checkpoint {path} is damaged and not used.")
                continue
            state, made_by = _unpacked(path)
            if changed := [name for name, value in self._made_by.items() if made_by.get(name) != value]:
                self._say(f"The checkpoint of epoch {state.epoch} is not used: {', '.join(changed)} changed since.")
                continue
            return state
        return None

    def keep(self, state: State) -> None:
        """Writes the state if it is time, else keeps it in memory until the next one or `write`."""
        self._waiting = state
        if self._clock() - self._written_at_s >= self._every_s:
            self.write()

    def write(self) -> None:
        """Writes the newest state, if it is not written yet; a full disk costs the checkpoint and not the trial."""
        if self._waiting is None:
            return
        try:
            self._write(self._waiting)
        except OSError as error:
            self._say(f"The checkpoint of epoch {self._waiting.epoch} could not be written: {error}.")
        self._waiting, self._written_at_s = None, self._clock()

    def remove(self) -> None:
        """Removes all of them, and the folder."""
        _remove(self._folder)

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("epoch-*.npz"))

    def _write(self, state: State) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self._folder / BEING_WRITTEN
        with unfinished.open("wb") as file:
            np.savez(file, *_packed(state, self._made_by))
            file.flush()
            os.fsync(file.fileno())
        name = f"epoch-{state.epoch:05}.{_digest(unfinished.read_bytes())}.npz"
        os.replace(unfinished, self._folder / name)
        for old in self._paths()[:-KEPT]:
            old.unlink()


@contextmanager
def of_run(run_id: str | None, root: Path, made_by: Mapping[str, Any], every_s: float) -> Iterator[Checkpoints | None]:
    """Gives the checkpoints of one trial: the newest is written if SIGTERM ends it, all are removed if it ends else.

    Args:
        run_id: nobody could find them again without it: None gives None.
        root: holds a folder for each run; what is stale there is removed.
        made_by: as for `Checkpoints`.
        every_s: the same.
    """
    if not run_id:
        yield None
        return
    remove_stale(root, time.time())
    checkpoints = Checkpoints(root / run_id, made_by, every_s)
    try:
        yield checkpoints
    except Terminated:
        checkpoints.write()
        raise
    except BaseException:
        checkpoints.remove()
        raise
    checkpoints.remove()


def remove_stale(root: Path, now_s: float) -> None:
    """Removes the checkpoints of runs that nobody has gone on with for a week.

    Args:
        root: holds a folder for each run.
        now_s: seconds since 1970.
    """
    for folder in root.glob("*/"):
        with suppress(FileNotFoundError):  # another trial does the same
            if folder.stat().st_mtime < now_s - STALE_S:
                _remove(folder)


def _remove(folder: Path) -> None:
    with suppress(OSError):  # what cannot be removed costs its space, and no trial
        for path in (*folder.glob("epoch-*.npz"), folder / BEING_WRITTEN):
            path.unlink(missing_ok=True)
        folder.rmdir()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _packed(state: State, made_by: Mapping[str, Any]) -> list[NDArray[Any]]:
    about = json.dumps({"epoch": state.epoch, "stopped": state.stopped, "made_by": made_by}).encode()
    return [np.frombuffer(about, np.uint8), np.frombuffer(state.callbacks, np.uint8), *state.variables]


def _unpacked(path: Path) -> tuple[State, dict[str, Any]]:
    with np.load(path) as file:
        about, callbacks, *variables = (file[f"arr_{index}"] for index in range(len(file.files)))
    facts = json.loads(about.tobytes())
    return State(facts["epoch"], facts["stopped"], variables, callbacks.tobytes()), facts["made_by"]


class Resume(keras.callbacks.Callback):
    """Puts a trial where its checkpoint is, and keeps its state after each epoch; stands after all callbacks it keeps.

    Attributes:
        initial_epoch: how many epochs are done already; `epochs` of them if a callback had ended the training.
    """

    def __init__(self, checkpoints: Checkpoints, callbacks: Sequence[keras.callbacks.Callback], epochs: int) -> None:
        super().__init__()
        self._checkpoints, self._callbacks = checkpoints, callbacks
        self._found = checkpoints.find()
        self.initial_epoch = 0
        if self._found:
            self.initial_epoch = epochs if self._found.stopped else self._found.epoch
            print(f"Going on after epoch {self._found.epoch}.")

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        # Other callbacks forget here what they know: it is restored after them.
        if self._found:
            for variable, value in zip(_variables(self.model), self._found.variables, strict=True):
                variable.assign(value)
            _restore(self._callbacks, self._found.callbacks)
            self._found = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        variables = [keras.ops.convert_to_numpy(variable) for variable in _variables(self.model)]
        counted = pickle.dumps([_counted(callback) for callback in self._callbacks])
        self._checkpoints.keep(State(epoch + 1, self.model.stop_training, variables, counted))


def _variables(model: keras.Model) -> list[keras.Variable]:
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _counted(callback: keras.callbacks.Callback) -> Any:
    """What a callback's `get_state` gives, or else its attributes: numbers, texts, arrays, functions, lists of such."""
    if hasattr(callback, "get_state"):
        return callback.get_state()
    return {name: value for name, value in _attributes(callback) if _is_plain(value)}


def _restore(callbacks: Sequence[keras.callbacks.Callback], pickled: bytes) -> None:
    for callback, counted in zip(callbacks, pickle.loads(pickled), strict=True):
        if hasattr(callback, "set_state"):
            callback.set_state(counted)
        else:
            vars(callback).update(counted)
            if lost := list(_lost(callback)):
                print(f"Not restored, since only get_state and set_state could: {', '.join(lost)}.")


def _lost(callback: keras.callbacks.Callback) -> Iterator[str]:
    for name, value in _attributes(callback):
        # A function is a setting, and Keras' and W&B's objects are made anew.
        theirs = type(value).__module__.partition(".")[0] in ("keras", "tensorflow", "wandb")
        if not (_is_plain(value) or callable(value) or theirs):
            yield f"{type(callback).__name__}.{name}"


def _attributes(callback: keras.callbacks.Callback) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in vars(callback).items() if name not in KERAS_OWN)


def _is_plain(value: Any) -> bool:
    if type(value) is dict:
        return all(map(_is_plain, (*value.keys(), *value.values())))
    if type(value) in CONTAINERS:
        return all(map(_is_plain, value))
    if isinstance(value, FunctionType):
        return _can_be_imported(value)
    return isinstance(value, PLAIN) or (isinstance(value, np.ndarray) and not value.dtype.hasobject)


def _can_be_imported(function: FunctionType) -> bool:
    """True for what pickle keeps by its name; Keras' callbacks choose `monitor_op` and turn `min_delta`, both once."""
    return getattr(sys.modules.get(function.__module__), function.__qualname__, None) is function
