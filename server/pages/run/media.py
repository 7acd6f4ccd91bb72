"""What a run has logged beside numbers: images, plots, tables, histograms and other files, over its steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from charts import format
from server.pages.curves.series import STRONG_POINTS, Reader
from server.pages.media.found import RunFiles
from server.pages.media.query import MediaQuery
from server.pages.media.sections import Folded, OverSteps, Section, Source, in_order, opened
from server.settings import Settings
from server.store import media_queries
from server.store.rows import Run

OPEN: Final = 12


@dataclass(frozen=True)
class RunMedia:
    """What the template is given.

    Attributes:
        step: that is asked for; "" for all.
        steps: (word, address) of other steps.
        path, kept: of the page and the rest of its address, for a form.
    """

    sections: list[Section]
    folded: list[Folded]
    step: str
    steps: list[tuple[str, str]]
    path: str
    kept: list[tuple[str, str]]


def run_media(
    reader: Reader, settings: Settings, run: Run, path: str, query: MediaQuery, others: Sequence[tuple[str, str]]
) -> RunMedia | None:
    """The media of a run; None if it has logged none.

    Args:
        path, others: of the page, and what else its address holds.
    """
    files = RunFiles(reader.connection, settings, run, path)
    source = Source(files, reader.outlines([(run, STRONG_POINTS)])[run.id])
    over = OverSteps(source, query, lambda each: each.url(path, others))
    shown, folded = opened(in_order([source]), query, OPEN)
    if not shown:
        return None
    return RunMedia(
        sections=[over.section(key) for key in shown],
        folded=[Folded(source.title(key.name), over.url(_with(query, key.name))) for key in folded],
        step="" if query.step is None else str(query.step),
        steps=_steps(over),
        path=path,
        kept=[*others, *replace(query, step=None).pairs()],
    )


def _with(query: MediaQuery, key: str) -> MediaQuery:
    return replace(query, open=(*query.open, key))


def _steps(over: OverSteps) -> list[tuple[str, str]]:
    """The ways from a step to those beside it, and back to all."""
    step = over.query.step
    if step is None:
        return []
    source = over.source
    before, after = media_queries.steps_beside(source.files.connection, source.run.id, step)
    told = (("← {}", before), ("{} →", after))
    ways = [
        (word.format(format.count(to)), over.url(replace(over.query, step=to))) for word, to in told if to is not None
    ]
    return [*ways, ("all", over.url(replace(over.query, step=None)))]
