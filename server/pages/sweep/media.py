"""What the lettered runs have logged beside numbers, side by side: the last of each key, or at one step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from server.pages.curves.panels import Drawing
from server.pages.media.found import RunFiles
from server.pages.media.query import MediaQuery
from server.pages.media.sections import Folded, Section, Source, beside, folded_keys, in_order, opened, steps_beside
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.settings import Settings

OPEN: Final = 4


@dataclass(frozen=True)
class SweepMedia:
    """What the template is given.

    Attributes:
        said: which runs, and at which step.
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


def sweep_media(view: SweepView, settings: Settings, drawing: Drawing) -> SweepMedia | None:
    """The media of the runs that have a letter; None if they have logged none."""
    query, sources = view.query.media, _sources(view, settings, drawing)

    def url(other: MediaQuery) -> str:
        return replace(view.query, media=other).url(view.path)

    shown, folded = opened(in_order(sources), query, OPEN)
    if not shown:
        return None
    at = "what each logged last" if query.step is None else f"what each logged last up to step {query.step}"
    return SweepMedia(
        sections=[beside(sources, key, query.step) for key in shown],
        folded=folded_keys(folded, sources, query, url),
        said=f"{'the chosen runs' if view.query.runs else 'the runs with a letter'}, {at}",
        step="" if query.step is None else str(query.step),
        steps=steps_beside(sources, query, url),
        path=view.path,
        kept=replace(view.query, media=replace(query, step=None)).pairs(),
    )


def _sources(view: SweepView, settings: Settings, drawing: Drawing) -> Sequence[Source]:
    lettered = [each for each in drawing.asked.runs if each.letter]
    return [
        Source(
            RunFiles(view.connection, settings, each.run, run_url(view.project, each.run.name)),
            drawing.outlines[each.run.id],
            each.letter,
        )
        for each in lettered
    ]
