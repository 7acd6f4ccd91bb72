"""The drawings beside words, 16 x 16, in the colour of their text. A word always stands with them: see `icon`."""

from html import escape
from typing import Final

_STROKE: Final = 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'

DRAWINGS: Final = {
    "running": '<circle cx="8" cy="8" r="5.5" {stroke}/><circle cx="8" cy="8" r="2.75" fill="currentColor"/>',
    "finished": '<path d="M3.5 8.5 6.5 11.5 12.5 4.5" {stroke}/>',
    "failed": '<path d="M4.25 4.25 11.75 11.75M11.75 4.25 4.25 11.75" {stroke}/>',
    "killed": '<rect x="4" y="4" width="8" height="8" rx="1" fill="currentColor"/>',
    "stopped": '<path d="M2.5 4.5H8V12M5 9l3 3 3-3" {stroke}/>',
    "waiting": '<circle cx="8" cy="8" r="4.5" {stroke}/>',
    "paused": '<path d="M5.75 4v8M10.25 4v8" {stroke} stroke-width="2"/>',
    "retried": '<path d="M12.5 8a4.5 4.5 0 1 1-1.6-3.4M11.2 1.8v3h-3" {stroke}/>',
    "best": '<path fill="currentColor" d="m8 2.2 1.7 3.7 4 .4-3 2.7.9 4L8 10.9 4.4 13l.9-4-3-2.7 4-.4z"/>',
    "scheme": '<circle cx="8" cy="8" r="5.5" {stroke}/><path fill="currentColor" d="M8 2.5a5.5 5.5 0 0 1 0 11z"/>',
    "file": '<path d="M4 2.5h5l3 3v8H4zM9 2.5v3h3" {stroke}/>',
    "folder": '<path d="M2.5 4h4l1.5 2h5.5v7h-11z" {stroke}/>',
    "info": '<circle cx="8" cy="8" r="5.5" {stroke}/><path d="M8 7.25v3.5M8 5.1v.1" {stroke}/>',
    "warning": '<path d="M8 2.75 14 13.25H2zM8 6.75v3M8 11.4v.1" {stroke}/>',
    "mark": '<path d="M2.5 2v12M13.5 2v12" {stroke}/><path d="M2.5 11.5C8 11.5 8 4.5 13.5 4.5M2.5 5C8 5 8 9.5 13.5 9.5"'
    ' {stroke} stroke-width="1.2"/>',
}


def icon(name: str, label: str | None = None) -> str:
    """One drawing as inline SVG.

    Args:
        name: a key of `DRAWINGS`.
        label: its accessible name; None hides it from screen readers, for a place where the word stands beside it.

    Raises:
        KeyError: no such drawing.
    """
    drawing = DRAWINGS[name].replace("{stroke}", _STROKE)
    if label is None:
        access = 'aria-hidden="true"'
        title = ""
    else:
        access = f'role="img" aria-label="{escape(label)}"'
        title = f"<title>{escape(label)}</title>"
    head = f'<svg class="icon" viewBox="0 0 16 16" width="16" height="16" stroke-width="1.5" {access}>'
    return f"{head}{title}{drawing}</svg>"
