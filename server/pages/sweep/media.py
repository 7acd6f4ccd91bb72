"""What the runs with a letter have logged beside numbers, side by side."""

from dataclasses import replace

from server.pages.curves.panels import Drawing
from server.pages.media.beside import Beside, side_by_side
from server.pages.media.found import RunFiles
from server.pages.media.query import MediaQuery
from server.pages.media.sections import Source
from server.pages.sweep.view import SweepView
from server.pages.words.addresses import run_url
from server.settings import Settings


def sweep_media(view: SweepView, settings: Settings, drawing: Drawing) -> Beside | None:
    """None if they have logged none."""
    sources = [
        Source(
            RunFiles(view.connection, settings, each.run, run_url(view.project, each.run.name)),
            drawing.outlines[each.run.id],
            each.letter,
        )
        for each in drawing.asked.runs
        if each.letter
    ]

    def url(media: MediaQuery) -> str:
        return replace(view.query, media=media).url(view.path)

    media = view.query.media
    kept = replace(view.query, media=replace(media, step=None)).pairs()
    return side_by_side(sources, media, url, view.path, kept)
