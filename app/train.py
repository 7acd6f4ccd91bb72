"""One trial: its values in, its metrics out, by hand or under any W&B agent, which starts it by way of `app/trial.py`.

    python -m app.train --layer1_size 64 --epochs 1
    wandb.agent(sweep_id, function=train)

Nothing happens when this is imported, and TensorFlow is imported only once the trial's values are known to be right.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app import backend, settings
from app.machine import capacity, compile_cache, device
from app.parent import announce, last_words
from app.parent.last_words import LastWords
from app.settings import Settings
from app.training.stopping import Asked, Terminated
from app.values import parse_flags
from terms.record import CAUSE, INTERRUPTED, LOOP, MODEL_FILE, PROVENANCE

if TYPE_CHECKING:
    import keras

    from app.config import TrialConfig
    from app.data import Splits
    from app.training.checkpoint import Checkpoints

# Beginnings of the keys that W&B and this program add to a run's config.
NOT_VALUES = ("_", "wandb", PROVENANCE)
STANDING_LIMIT_S = 2.0
TEARDOWN_S = 15.0  # the run is closed by then, and all of it is at its backend


class StartError(Exception):
    """W&B did not start the run."""

    exit_code = 1


def train(arguments: Sequence[str] = ()) -> None:
    """Runs one trial and records it; a failure is told on stderr and recorded with its cause.

    Args:
        arguments: flags as on the command line. What a sweep suggests comes from W&B and counts before them.

    Raises:
        ConfigError: if a trial does not take these values.
        DataError: if its data cannot be had.
        Exception: whatever else went wrong.
    """
    run = None
    try:
        run = _start(os.environ)
        _asked.last_words = [partial(_close, run, Terminated(128 + signal.SIGTERM), os.environ)]
        with _asked.as_reason():
            trial(run, arguments, os.environ)
            _asked.begin_to_close()
            run.finish()
    except BaseException as error:
        _asked.begin_to_close()
        _tell(error, *ending(error))
        if run is not None:
            _close(run, error, os.environ)
        raise


def _close(run: Any, error: BaseException, environ: Mapping[str, str]) -> None:
    code, cause = ending(error)
    if not code:
        run.finish(exit_code=0)
        return
    preempting = isinstance(error, Terminated)
    path = None if run.disabled or run.offline else settings.Trial.of(environ).last_words_file
    words = LastWords(run.entity, run.project, run.id, code, cause, preempting) if path else None
    with _kept(path, words):
        run.summary[CAUSE] = cause
        if preempting:
            run.mark_preempting()  # its backend hands it out again, to go on from its checkpoint
        run.finish(exit_code=code)
        if path and words and announce.has_ended(words, environ, STANDING_LIMIT_S):
            last_words.note_told(path)


@contextmanager
def _kept(path: str | None, words: LastWords | None) -> Iterator[None]:
    """Leaves the last words to the trial's thin parent unless told inside, where W&B's client may fail."""
    if path and words:
        with suppress(OSError):  # they may well be told
            last_words.keep(path, words)
    try:
        yield
    except Exception as error:
        print(f"W&B's client could not close the run: {type(error).__name__}: {error}", file=sys.stderr)


def ending(error: BaseException) -> tuple[int, str]:
    """Returns the exit code that an error ends a trial with, and its cause in one line."""
    if isinstance(error, KeyboardInterrupt):  # Ctrl-C, or W&B's way to stop a run
        return 128 + signal.SIGINT, f"{INTERRUPTED} (SIGINT)"
    if isinstance(error, Terminated):
        return 128 + signal.SIGTERM, f"{INTERRUPTED} (SIGTERM)"
    text = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        code = error.code or 0
        return (code, f"exit code {code}") if isinstance(code, int) else (1, text)
    if _speaks_for_itself(error):
        return int(getattr(error, "exit_code", 1)), text
    return 1, f"{type(error).__name__}: {text}"[:1000]


def _start(environ: MutableMapping[str, str]) -> Any:
    import wandb

    mode = _mode(environ)
    told = settings.Trial.of(environ)
    try:
        with _asked.as_reason():
            # A sweep's runs belong to its project, and W&B warns about any other.
            run = wandb.init(project=None if told.in_sweep else told.project, mode=mode, resume=_resume(told))
    except wandb.Error as error:
        raise StartError(f"W&B did not start: {error}") from error
    if run.resumed and run.summary.get(CAUSE):
        del run.summary[CAUSE]  # of its interruption
    return run


def _resume(told: settings.Trial) -> Literal["allow"] | None:
    """A run that was interrupted is given out again with its id; without a backend there is nothing to ask."""
    return "allow" if told.run_id and not told.offline else None


def _mode(environ: MutableMapping[str, str]) -> Literal["disabled"] | None:
    """Turns W&B off unless an agent, WANDB_BASE_URL or `.env` says where runs go; applies `.env` to `environ`."""
    told = settings.Trial.of(environ)
    if told.in_sweep or told.offline or environ.get(backend.BASE_URL):
        return None
    env_file = settings.read_env_file(environ)
    for name, value in env_file.items():
        environ.setdefault(name, value)
    chosen = backend.choose(env_file)
    if chosen.kind == "embedded":
        print("W&B is off: neither .env nor WANDB_BASE_URL names a server.")
        return "disabled"
    print(f"W&B: {chosen.reason}")
    environ.update({backend.BASE_URL: chosen.base_url, backend.API_KEY: chosen.api_key})
    return None


def trial(run: Any, arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Trains with the run's values and tells it everything but its end.

    Args:
        run: of W&B, or what takes its place.
        arguments: as for `train`.
        environ: this process's own; what libraries read at their start is added.
    """
    _asked.noting = True
    told = settings.Trial.of(environ)
    ahead = _getting_ahead(told.progress_file)
    config = _values(run, arguments)
    chosen = settings.read(environ, {})

    device.acquire(chosen, environ, config.most_threads, between=ahead)
    from app import data, model
    from app.training import checkpoint, reproduce

    if not gc.isenabled():  # `main` turned it off: what imports leave behind need not be looked at again
        gc.freeze()
        gc.enable()
    reproduce.seed(config.seed, device.op_determinism(chosen))
    ahead()
    with _asked.at_once():
        splits = data.load(config)
    ahead()
    provenance = {**reproduce.provenance(config.seed, splits.sha256, environ), LOOP: _loop(run)}
    run.config.update({PROVENANCE: provenance}, allow_val_change=True)
    with _asked.at_once():
        network = model.build(config)
    device.compile_choice(network, chosen)
    ahead()
    decisive = {name.split("_")[0]: provenance[name] for name in ("code_sha256", "data_sha256", "packages")}
    made_by = {"values": config.model_dump(mode="json"), **decisive}
    root = chosen.data_dir / "checkpoints"
    of_run = checkpoint.of_run(told.run_id, root, made_by, chosen.checkpoint_s)
    with of_run as checkpoints, _asked.as_reason():
        if checkpoints:
            _asked.last_words.append(checkpoints.write)
        _train(run, network, splits, config, chosen, checkpoints, ahead)


def _loop(run: Any) -> str | None:
    """The loop that trained a run which is resumed or replayed, as `app.training.fit` told it; None of any other."""
    earlier = run.config.get(PROVENANCE)
    return earlier.get(LOOP) if isinstance(earlier, Mapping) else None


def _record_loop(run: Any, loop: str) -> None:
    run.config.update({PROVENANCE: {**run.config[PROVENANCE], LOOP: loop}}, allow_val_change=True)


def _train(
    run: Any,
    network: "keras.Model",
    splits: "Splits",
    config: "TrialConfig",
    chosen: Settings,
    checkpoints: "Checkpoints | None",
    ahead: Callable[[], None],
) -> None:
    """Trains from the run's checkpoint on, measures the result and keeps it."""
    from app import callbacks
    from app.training import checkpoint, fit, kept_model, weights

    used, initial_epoch = callbacks.callbacks(config, run), 0
    if checkpoints:
        resume = checkpoint.Resume(checkpoints, used, config.epochs)
        initial_epoch, used = resume.initial_epoch, [*used, resume]
    if run.resumed and not initial_epoch:
        print("There is no checkpoint of this run here: it starts again at epoch 1.")
    fit.fit(
        network,
        splits.train,
        splits.validation,
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        callbacks=used,
        initial_epoch=initial_epoch,
        stop_on_nan=chosen.stop_on_nan,
        memory_limit_bytes=_memory_limit_bytes(),
        between=ahead,
        began=_loop(run),
        record_loop=partial(_record_loop, run),
        compile_cache=compile_cache.find(chosen.data_dir, os.environ),
    )
    test = {f"test_{name}": value for name, value in fit.evaluate(network, splits.test, ahead).items()}
    print(", ".join(f"{name} {value:.4f}" for name, value in test.items()))
    run.log(test)
    run.summary["weights_sha256"] = weights.sha256(network)
    if chosen.keep_weights and not run.disabled and weights.save(network, path := Path(run.dir) / MODEL_FILE):
        kept_model.keep(path, run)


def _getting_ahead(progress_file: Path | None) -> Callable[[], None]:
    """Gives what to call whenever the trial has got ahead: its thin parent sees it, and it ends here if it is to."""

    def ahead() -> None:
        if progress_file:
            with suppress(OSError):  # nobody looks at it any more
                os.utime(progress_file)
        _asked.end_if_asked()

    return ahead


def _memory_limit_bytes() -> int:
    """How much data may be copied: half of the memory that is free, for the model needs some too."""
    free_mib = capacity.measure().free_mib
    return 2**31 if free_mib is None else free_mib * 2**20 // 2


def _values(run: Any, arguments: Sequence[str]) -> "TrialConfig":
    """Checks the run's values after recording them, so that a wrong one can be seen where the run is."""
    from app.config import TrialConfig

    # A backend may hand a run that is resumed out with all of its config.
    flags, suggested = (
        {name: value for name, value in given.items() if not name.startswith(NOT_VALUES)}
        for given in (parse_flags(arguments), dict(run.config))
    )
    values = {**flags, **suggested}
    run.config.update({name: value for name, value in values.items() if name not in suggested})
    config = TrialConfig.checked(values)
    run.config.update({name: value for name, value in config.model_dump().items() if name not in values})
    return config


_asked = Asked()


def _speaks_for_itself(error: BaseException) -> bool:
    return hasattr(error, "exit_code")


def _tell(error: BaseException, code: int, cause: str) -> None:
    """Prints a traceback for what a reader of the program must look into, one line or a few for the rest."""
    if _speaks_for_itself(error):
        print(error, file=sys.stderr)
    elif isinstance(error, Exception):
        traceback.print_exception(error)
    elif code:
        print(cause, file=sys.stderr)


def main(arguments: Sequence[str]) -> int:
    """Runs one trial from the command line and returns its exit code: 0, 1, 2 for wrong values, 128 + a signal."""
    if {"-h", "--help"}.intersection(arguments):
        from app.config import TrialConfig

        print(f"python -m app.train [--name=value ...]\n\n{TrialConfig.help()}")
        return 0
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _asked.come)
    _asked.keep_time(_leave)
    gc.disable()  # two thousand modules are imported first; see `trial`
    try:
        train(arguments)
    except BaseException as error:
        return ending(error)[0]
    return 0


def _leave(code: int) -> None:
    """Ends the process without taking its modules apart, which takes longer than a small epoch."""
    # W&B's service may miss its leave (0.31.0, one run in hundreds), and its client would wait for it for ever.
    last = threading.Timer(TEARDOWN_S, os._exit, [code])
    last.daemon = True
    last.start()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        if wandb := sys.modules.get("wandb"):
            wandb.teardown(code)
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # each epoch is seen when it ends
    _leave(main(sys.argv[1:]))
