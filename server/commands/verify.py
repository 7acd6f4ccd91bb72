"""Whether the ledger holds."""

import sys
from pathlib import Path

import click

from server import verify as verifier
from server.data_directory import noted_settings, used
from server.store.database import reading


@click.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def verify(data: Path) -> None:
    """Recompute every point from the ledger's record and say whether the ledger holds; exit code 0 or 1."""
    path = noted_settings(data).database
    if not path.exists():
        raise click.ClickException(f"no server has run in {data}: there is nothing to verify")
    with used(data), reading(path) as connection:
        verdict = verifier.verify(connection)
    for problem in verdict.problems:
        print(problem)
    by_outcome = ", ".join(f"{verdict.points[name]} {name}" for name in verifier.OUTCOMES if name in verdict.points)
    total = sum(verdict.points.values())
    print(f"{verdict.sweeps} sweeps, {total} points: {by_outcome or 'none'}; {verdict.attempts} attempts")
    print(
        "The ledger holds." if not verdict.problems else f"The ledger does not hold: {len(verdict.problems)} problems."
    )
    sys.exit(1 if verdict.problems else 0)
