"""Notes of people as a page shows them: CommonMark, of which no HTML and no picture of elsewhere gets into the page."""

from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup


def rendered(text: str | None) -> Markup | None:
    """Notes as HTML; None for none. Raw HTML is shown as it is written, a picture as a link to it."""
    return Markup(_markdown().render(text)) if text and text.strip() else None


@cache
def _markdown() -> MarkdownIt:
    # "js-default": no HTML, and no address of another kind than the web's, which its own check of links sees to.
    markdown = MarkdownIt("js-default", {"html": False, "linkify": False})
    markdown.disable("image")
    markdown.add_render_rule("heading_open", _heading)
    markdown.add_render_rule("heading_close", _heading)
    markdown.add_render_rule("link_open", _link)
    return markdown


def _heading(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    """Below the headings that the page has itself."""
    tokens[place].tag = "h3"
    return renderer.renderToken(tokens, place, options, env)


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], place: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    tokens[place].attrSet("rel", "nofollow noopener noreferrer")
    return renderer.renderToken(tokens, place, options, env)
