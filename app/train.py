"""One trial: its values in, its metrics out, by hand or under any W&B agent.

    python -m app.train --layer1_size 64 --epochs 1
    wandb.agent(sweep_id, function=train)

Nothing happens when this is imported, and TensorFlow is imported only once the trial's values are known to be right.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import MutableMapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

from app import backend, device, settings
from app.values import parse_flags

if TYPE_CHECKING:
    from app.config import TrialConfig

# Beginnings of the keys that W&B and this program add to a run's config.
NOT_VALUES = ("_", "wandb", "provenance")
PROJECT, _ = settings.VARIABLES["WANDB_PROJECT"]


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
        run = _start()
        trial(run, arguments)
    except BaseException as error:
        code, cause = ending(error)
        _tell(error, code, cause)
        if run is not None:
            if code:
                run.summary["cause"] = cause
            run.finish(exit_code=code)
        raise
    run.finish()


def ending(error: BaseException) -> tuple[int, str]:
    """Returns the exit code that an error ends a trial with, and its cause in one line."""
    if isinstance(error, KeyboardInterrupt):  # Ctrl-C, or W&B's way to stop a run
        return 128 + signal.SIGINT, "interrupted (SIGINT)"
    if isinstance(error, _Terminated):
        return 128 + signal.SIGTERM, "interrupted (SIGTERM)"
    text = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        code = error.code or 0
        return (code, f"exit code {code}") if isinstance(code, int) else (1, text)
    if _speaks_for_itself(error):
        return int(getattr(error, "exit_code", 1)), text
    return 1, f"{type(error).__name__}: {text}"[:1000]


def _start() -> Any:
    import wandb

    mode = _mode(os.environ)
    try:
        # A sweep's runs belong to its project, and W&B warns about any other.
        in_sweep = bool(os.environ.get("WANDB_SWEEP_ID"))
        return wandb.init(project=None if in_sweep else os.environ.get("WANDB_PROJECT") or PROJECT, mode=mode)
    except wandb.Error as error:
        raise StartError(f"W&B did not start: {error}") from error


def _mode(environ: MutableMapping[str, str]) -> Literal["disabled"] | None:
    """Turns W&B off unless an agent, WANDB_BASE_URL or `.env` says where runs go; applies `.env` to `environ`."""
    decided = environ.get("WANDB_SWEEP_ID") or environ.get(backend.BASE_URL) or environ.get("WANDB_MODE") == "offline"
    if decided:
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


def trial(run: Any, arguments: Sequence[str]) -> None:
    """Trains with the run's values and tells it everything but its end.

    Args:
        run: of W&B, or what takes its place.
        arguments: as for `train`.
    """
    _asked.noting = True
    config = _values(run, arguments)
    chosen = settings.read(os.environ, {})

    device.acquire(chosen, config.most_threads, between=_asked.end_if_asked)
    from app import callbacks, data, fit, model, reproduce, weights

    if not gc.isenabled():  # `main` turned it off: what imports leave behind need not be looked at again
        gc.freeze()
        gc.enable()
    reproduce.seed(config.seed, device.op_determinism(chosen))
    splits = data.load(config)
    provenance = reproduce.provenance(config.seed, splits.sha256)
    run.config.update({"provenance": provenance}, allow_val_change=True)
    network = model.build(config)
    device.compile_choice(network, chosen)
    _asked.end_if_asked()
    fit.fit(
        network,
        splits.train,
        splits.validation,
        batch_size=config.batch_size,
        epochs=config.epochs,
        seed=config.seed,
        callbacks=callbacks.callbacks(config, run),
        between=_asked.end_if_asked,
    )
    test = {f"test_{name}": value for name, value in fit.evaluate(network, splits.test).items()}
    print(", ".join(f"{name} {value:.4f}" for name, value in test.items()))
    run.log(test)
    run.summary["weights_sha256"] = weights.sha256(network)
    if chosen.keep_weights and not run.disabled:
        weights.keep(network, run)


def _values(run: Any, arguments: Sequence[str]) -> "TrialConfig":
    """Checks the run's values after recording them, so that a wrong one can be seen where the run is."""
    from app.config import TrialConfig

    suggested = {name: value for name, value in dict(run.config).items() if not name.startswith(NOT_VALUES)}
    values = {**parse_flags(arguments), **suggested}
    run.config.update({name: value for name, value in values.items() if name not in suggested})
    config = TrialConfig.checked(values)
    run.config.update({name: value for name, value in config.model_dump().items() if name not in values})
    return config


class _Terminated(SystemExit):
    """SIGTERM came; the run is to be closed in order."""


class _Asked:
    """Whether a signal has asked this process to end.

    Once the run is there, a signal is only noted, and the training ends between two calls into TensorFlow. What a
    handler raises could come while W&B's client is half-way through a message to its service, which would then answer
    no more, or in a destructor, where it is forgotten.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self.noting = False

    def come(self, signum: int, frame: FrameType | None) -> None:
        first, self.signum = self.signum is None, self.signum or signum
        if first and not self.noting:  # asked once is enough: a second one must not disturb the closing
            self.end_if_asked()

    def end_if_asked(self) -> None:
        if self.signum is not None:
            raise KeyboardInterrupt if self.signum == signal.SIGINT else _Terminated(128 + self.signum)


_asked = _Asked()


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
    gc.disable()  # two thousand modules are imported first; see `trial`
    try:
        train(arguments)
    except BaseException as error:
        return ending(error)[0]
    return 0


def _leave(code: int) -> None:
    """Ends the process without taking its modules apart, which takes longer than a small epoch."""
    try:
        if wandb := sys.modules.get("wandb"):
            wandb.teardown(code)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # each epoch is seen when it ends
    _leave(main(sys.argv[1:]))
