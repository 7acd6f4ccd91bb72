"""The best run of a sweep: its model fetched, measured on the test set once more, and the way to make it again."""

import shlex
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app.commands import client, lookup, replay
from app.commands.client import BackendError
from app.commands.results import Results, RunResult
from app.config import TrialConfig
from app.machine import device
from app.settings import SettingError, Settings
from terms import record, states
from terms.record import MODEL_FILE, PROVENANCE


@dataclass(frozen=True)
class Measured:
    """What a model's run recorded, beside what is measured now.

    Attributes:
        metrics: of the test set, by name; None if the run did not say.
        data_sha256: of the data; likewise.
    """

    metrics: Mapping[str, tuple[float | None, float]]
    data_sha256: tuple[str | None, str]

    @property
    def same(self) -> bool:
        return all(then == now for then, now in self.metrics.values())

    def lines(self) -> list[str]:
        lines = [
            f"{name} {now:.6f}, the same as then" if then == now else f"{name} {then} then, {now} now"
            for name, (then, now) in self.metrics.items()
        ]
        then, now = self.data_sha256
        return lines if then == now else [*lines, f"The data is not the same: SHA-256 {then} then, {now} now."]


def show(
    api: Any, results: Results, settings: Settings, environ: MutableMapping[str, str], python: str = "python"
) -> int:
    """Fetches the best run's model into DATA_DIR/best, evaluates it and prints what there is to know of it.

    Args:
        environ: this process's own.
        python: as in the commands that are printed.

    Returns:
        The exit code: 0 if the test metrics are what they were, 1 if not.

    Raises:
        SettingError: if no run has finished with the sweep's metric.
        click.ClickException: if the run kept no model, or one that cannot be loaded.
        DataError: if the data cannot be had.
    """
    best = choose(results)
    entity, project, sweep = results.path.split("/")
    path = f"{entity}/{project}/{best.id}"
    run = lookup.run(api, path)
    click.echo(f"Best of {results.name}: {best.name}, {results.metric} {best.metric:.6f}.")
    model = fetch(run, sweep, settings.data_dir / "best" / sweep / best.id, python)
    click.echo(f"Model: {model}")
    measured = evaluate(model, run, settings, environ)
    for line in measured.lines():
        click.echo(line)
    click.echo(f"Make it again: {command(replay.values(run), python)}")
    click.echo(f"The same, compared bit for bit: {python} -m app replay {path}")
    return 0 if measured.same else 1


def choose(results: Results) -> RunResult:
    """The finished run with the best value of the sweep's metric.

    Raises:
        SettingError: if there is none, with the reason.
    """
    if results.metric is None:
        raise SettingError(f"{results.name} names no metric, so none of its runs is the best.")
    finished = [run for run in results.best() if run.state == states.FINISHED]
    if not finished:
        raise SettingError(f"{results.name} has no finished run with a {results.metric}: {results.count()}.")
    return finished[0]


def fetch(run: Any, sweep: str, folder: Path, python: str = "python") -> Path:
    """Downloads the model that a run has kept, as an artifact or, before those were, as a file.

    Args:
        sweep: its id.
        python: as in the command that is printed.

    Returns:
        Where it lies in `folder`.

    Raises:
        click.ClickException: if it has kept none.
        BackendError: if the backend does not give it.
    """
    with client.asking():
        if version := _version(run, record.models(sweep)):
            # W&B's client takes a file of the same size for the one that is wanted.
            (folder / MODEL_FILE).unlink(missing_ok=True)
            version.download(root=str(folder), skip_cache=True)
            return folder / MODEL_FILE
        # A file that is not there is named all the same, without a size.
        kept = next((file for file in run.files([MODEL_FILE]) if file.size), None)
        if kept is not None:
            folder.mkdir(parents=True, exist_ok=True)
            kept.download(root=str(folder), replace=True).close()
            return folder / MODEL_FILE
    raise click.ClickException(
        f"{run.name} kept no {MODEL_FILE}: it ran with KEEP_WEIGHTS=0, or another program made it. "
        f"This makes it again: {command(replay.values(run), python)}"
    )


def _version(run: Any, name: str) -> Any | None:
    """What the run logged last of an artifact; None if it did not, or the backend knows no artifacts."""
    try:
        with client.asking():
            logged = [each for each in run.logged_artifacts() if _is_model(each, name)]
    except (BackendError, ValueError):
        return None
    return max(logged, key=lambda each: int(each.version.removeprefix("v")), default=None)


def _is_model(version: Any, name: str) -> bool:
    return bool(version.type == record.MODEL_TYPE and version.name.partition(":")[0] == name)


def evaluate(path: Path, run: Any, settings: Settings, environ: MutableMapping[str, str]) -> Measured:
    """Measures a model on the test set of the values that its run took.

    Raises:
        click.ClickException: if the file cannot be loaded, or not measured, by the program as it is.
    """
    config = TrialConfig.checked(replay.values(run))
    device.acquire(settings, environ, config.most_threads)
    import keras

    from app import data, model
    from app.training import fit

    splits = data.load(config)
    try:
        kept = keras.models.load_model(path)
        # It is kept as any Keras opens it, without what only training and measuring need.
        kept.compile_from_config(model.build(config).get_compile_config())
    except (OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise click.ClickException(f"{path} cannot be loaded with app/model.py as it is: {reason}") from None
    now = {f"test_{name}": value for name, value in fit.evaluate(kept, splits.test).items()}
    then = (run.config.get(PROVENANCE) or {}).get("data_sha256")
    return Measured({name: (run.summary.get(name), value) for name, value in now.items()}, (then, splits.sha256))


def command(values: Mapping[str, Any], python: str) -> str:
    """The command that trains with these values, which says all of them: a default may change."""
    flags = shlex.join(f"--{name}={value}" for name, value in sorted(values.items()))
    return f"{python} -m app.train {flags}".rstrip()
