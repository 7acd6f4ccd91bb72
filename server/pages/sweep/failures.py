"""Why runs of a sweep failed: by kind, with the words of the last one."""

from dataclasses import dataclass

from charts import format
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.pages.words.look import cause
from server.store import queries


@dataclass(frozen=True)
class FailureRow:
    """One kind; `lost` as "2 trials lost", "" where others made all good; `evidence` of `run`, the last one."""

    kind: str
    runs: str
    lost: str
    evidence: str
    run: str
    url: str


def failure_rows(view: SweepView) -> list[FailureRow]:
    """What went wrong in a sweep, what cost most points first."""
    return [
        FailureRow(
            kind=failure.kind,
            runs=format.counted(failure.runs, "run"),
            lost=f"{format.counted(failure.points, 'trial')} lost" if failure.points else "",
            evidence=cause(failure.last) or failure.last.cause or "",
            run=failure.last.display_name or failure.last.name,
            url=run_url(view.project, failure.last.name),
        )
        for failure in queries.failures(view.connection, view.sweep.id)
    ]
