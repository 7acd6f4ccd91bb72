"""What a run has logged beside numbers: images, plots, tables, histograms and other files, over its steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from server.pages.curves.series import STRONG_POINTS, Reader
from server.pages.media.found import RunFiles
from server.pages.media.query import MediaQuery
from server.pages.media.sections import Folded, OverSteps, Section, Source, folded_keys, in_order, opened, steps_beside
from server.settings import Settings
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
        folded=folded_keys(folded, [source], query, over.url),
        step="" if query.step is None else str(query.step),
        steps=steps_beside([source], query, over.url),
        path=path,
        kept=[*others, *replace(query, step=None).pairs()],
    )
