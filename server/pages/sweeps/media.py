"""What the chosen runs of a project have logged beside numbers, side by side."""

from dataclasses import replace

from server.pages.curves.series import STRONG_POINTS, Reader
from server.pages.media.beside import Beside, side_by_side
from server.pages.media.found import RunFiles
from server.pages.media.query import MediaQuery
from server.pages.media.sections import Source
from server.pages.sweeps.runs_view import RunsView
from server.pages.words.addresses import run_url
from server.settings import Settings


def project_media(view: RunsView, settings: Settings) -> Beside | None:
    """None if no run is chosen, or they have logged none."""
    chosen = [(letter, each.run) for letter, each in view.lettered.items()]
    outlines = Reader(view.connection).outlines([(run, STRONG_POINTS) for _, run in chosen])
    sources = [
        Source(RunFiles(view.connection, settings, run, run_url(view.project, run.name)), outlines[run.id], letter)
        for letter, run in chosen
    ]

    def url(media: MediaQuery) -> str:
        return replace(view.query, media=media).url(view.path)

    media = view.query.media
    kept = replace(view.query, media=replace(media, step=None)).pairs()
    return side_by_side(sources, media, url, view.path, kept)
