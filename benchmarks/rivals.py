"""The same grid by other tuners: `python -m benchmarks.rivals [--rounds 1]`, after `benchmarks/rivals.sh`.

Optuna, KerasTuner and Ray Tune do the twenty points of `twenty.yaml` with a user's plain Keras code, one TensorFlow
thread a trial and as many trials at once as there are cores, where they can; `make up` does them with its dashboard,
history and files kept. Prints wall and CPU seconds of all processes and the peak of memory, as ratios to `make up`.
"""

import os
import tempfile
from pathlib import Path

import click

from app import data
from benchmarks import job, main_job
from benchmarks.job import Price

SWEEP = str(Path(__file__).with_name("twenty.yaml"))
PYTHON = Path(__file__).with_name(".rivals") / "bin/python"
PROGRAMS = {"Optuna": "optuna_grid", "KerasTuner": "keras_tuner_grid", "Ray Tune": "ray_grid"}


@click.command()
@click.option("--rounds", default=1, show_default=True, help="How often each side is run.")
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, help="Trials at once of the others.")
@click.option("--only", multiple=True, type=click.Choice([*PROGRAMS]), help="These of the others; all by default.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Keeps the figures.")
def main(rounds: int, workers: int, only: tuple[str, ...], output: Path | None) -> None:
    """Measure the same twenty points by several tuners."""
    must_be_there()
    job.adopt_orphans()
    prices: dict[str, list[Price]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data.prepare({**os.environ, "DATA_DIR": folder})
        for number in range(rounds):
            place = Path(folder) / str(number)
            ours = main_job.by_up(place / "up", SWEEP, workers + 1, "1")
            main_job.keep(prices, f"make up, {workers + 1} agents", ours, output)
            for name in only or PROGRAMS:
                price = by_rival(place / PROGRAMS[name], PROGRAMS[name], SWEEP, workers)
                main_job.keep(prices, name, price, output)
    main_job.report(SWEEP, prices, [])


def must_be_there() -> None:
    """Raises click.ClickException unless the others are installed."""
    if not PYTHON.exists():
        raise click.ClickException("the other tuners are not installed: sh benchmarks/rivals.sh does that.")


def by_rival(place: Path, program: str, sweep: str, workers: int) -> Price:
    """Does the grid by one of the others."""
    place.mkdir(parents=True)
    (place / "fashion-mnist").symlink_to(place.parents[1] / "fashion-mnist")
    command = [str(PYTHON), "-m", f"benchmarks.rival_programs.{program}", str(Path(sweep).resolve()), str(workers)]
    threads = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "TF_CPP_MIN_LOG_LEVEL": "2"}
    variables = {"PYTHONPATH": str(job.ROOT), **threads, **quiet}
    with (
        job.measured(place) as prices,
        job.started(command, place, variables, cwd=place) as rival,
    ):
        job.finish(rival, place)
    return prices[0]


if __name__ == "__main__":
    main()
