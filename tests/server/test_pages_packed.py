"""Pages and their files are compressed on the way to readers who can unpack them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.shelf import Shelf, shelf_at
from tests.server.speaker import Clock


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "shelf", clock) as shelf:
        yield shelf


@pytest.fixture
def page(shelf: Shelf) -> str:
    project = shelf.project()
    shelf.run(project, shelf.sweep(project), 0, metric=0.9)
    return "/local/p/sweeps/sweep1"


def answers(shelf: Shelf, path: str) -> list[Any]:
    """To a reader who can unpack, and to one who cannot."""
    return [
        shelf.http.get(path, headers={"Accept-Encoding": encoding}, auth=("api", shelf.keys.api_key))
        for encoding in ("gzip, br", "identity")
    ]


def test_a_page_and_its_files_are_compressed_for_who_can_unpack_them(shelf: Shelf, page: str) -> None:
    files = re.findall(r'"(/static/[^"]+)"', shelf.look(page).html)
    assert len(files) > 2

    for path in (page, *files):
        packed, plain = answers(shelf, path)

        assert packed.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert packed.text == plain.text
        assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


def test_a_page_shrinks_to_a_third(shelf: Shelf, page: str) -> None:
    packed, plain = answers(shelf, page)

    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 3
