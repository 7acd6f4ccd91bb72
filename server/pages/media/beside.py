"""Media of several runs side by side, a column a run: the last of each key, or those at one step."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from charts.histogram import Histogram
from server.pages.media.logged import Logged
from server.pages.media.query import MediaQuery
from server.pages.media.sections import (
    IMAGES_A_STEP,
    Cell,
    Folded,
    Section,
    Source,
    folded_keys,
    in_order,
    opened,
    step_text,
    steps_beside,
    title_of,
)
from server.pages.media.shown import Shown, histogram_of
from server.pages.media.values import HISTOGRAMS, MediaKey

OPEN: Final = 4
ROWS: Final = 5


@dataclass(frozen=True)
class Beside:
    """What the template is given.

    Attributes:
        said: at which step.
        step: that is asked for; "" for the last.
        steps: (word, address) of other steps.
        path, kept: of the page and the rest of its address, for a form.
    """

    sections: list[Section]
    folded: list[Folded]
    said: str
    step: str
    steps: list[tuple[str, str]]
    path: str
    kept: list[tuple[str, str]]


def side_by_side(
    sources: Sequence[Source],
    query: MediaQuery,
    url: Callable[[MediaQuery], str],
    path: str,
    kept: Iterable[tuple[str, str]],
) -> Beside | None:
    """The media of runs; None if they have logged none.

    Args:
        url: gives the address of the page with another query.
        path, kept: of the page, and what its address holds without a step.
    """
    shown, folded = opened(in_order(sources), query, OPEN)
    if not shown:
        return None
    return Beside(
        sections=[_section(sources, key, query.step) for key in shown],
        folded=folded_keys(folded, sources, query, url),
        said=f"what each has logged last{'' if query.step is None else f' up to step {query.step}'}",
        step="" if query.step is None else str(query.step),
        steps=steps_beside(sources, query, url),
        path=path,
        kept=list(kept),
    )


def _section(sources: Sequence[Source], key: MediaKey, step: int | None) -> Section:
    """What several runs have logged last under a key, up to a step; a run that has nothing says so."""
    found = [source.last(key.name, step) if key.name in source.keys else None for source in sources]
    drawn = [each for one in found if one and (each := histogram_of(one.value))] if key.kind == HISTOGRAMS else []
    nothing = "nothing logged" if step is None else "nothing up to this step"
    cells = [_of(source, key.name, one, drawn, nothing) for source, one in zip(sources, found, strict=True)]
    return Section(title_of(key, sources), key.kind, "", cells)


def _of(source: Source, key: str, found: Logged | None, drawn: Sequence[Histogram], nothing: str) -> Cell:
    name = source.run.display_name or source.run.name
    if found is None:
        return Cell(name, source.files.path, Shown(said=nothing), source.letter)
    look = replace(source.look(key, IMAGES_A_STEP, ROWS, MediaQuery(), None), beside=drawn)
    url = MediaQuery(found.step).url(source.files.path)
    return Cell(f"{name}, {step_text(found.step)}", url, look.show(found.value), source.letter)
