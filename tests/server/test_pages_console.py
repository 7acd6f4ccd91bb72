"""The console of a run: all of its lines, a page at a time, searched and followed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.shelf import Seen, Shelf, shelf_at
from tests.server.speaker import Clock

LOGS = "/local/p/runs/r1/logs"
AT = "2026-11-23T14:07:02.5 "


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Iterator[Shelf]:
    with shelf_at(tmp_path / "data", clock) as shelf:
        yield shelf


def say(shelf: Shelf, lines: list[str], state: str = "finished") -> None:
    """A run that said this."""
    shelf.console(shelf.run(shelf.project(), name="r1", state=state), lines)


def lines_of(page: Seen) -> list[int]:
    return [int(number) for number in re.findall(r'<li id="L(\d+)"', page.html)]


def texts_of(page: Seen) -> list[str]:
    """The lines as a reader has them, without their numbers and times."""
    found = re.findall(r"</span><span>(.*?)</span></li>", page.html, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", text) for text in found]


def ways(page: Seen) -> dict[str, str]:
    """The links to other parts, by their words."""
    return {
        text: address.replace("&amp;", "&")
        for address, text in re.findall(r'<a href="([^"]*)">(First|Earlier|Later|Last)</a>', page.html)
    }


def test_the_end_is_shown_first_and_every_line_is_reached_from_there(shelf: Shelf) -> None:
    say(shelf, [f"{AT}line {number}" for number in range(1, 451)])

    end = shelf.look(LOGS)
    middle = shelf.look(ways(end)["Earlier"])
    begin = shelf.look(ways(middle)["Earlier"])
    first = shelf.look(ways(end)["First"])
    onwards = shelf.look(ways(first)["Later"])

    assert lines_of(end) == list(range(251, 451))
    assert lines_of(middle) == list(range(51, 251))
    assert lines_of(begin) == list(range(1, 51))
    assert lines_of(first) == list(range(1, 201))
    assert lines_of(onwards) == list(range(201, 401))
    assert "lines 201 to 400 of 450" in onwards.text
    assert [sorted(ways(page)) for page in (end, begin)] == [["Earlier", "First"], ["Last", "Later"]]
    assert ways(middle)["Last"] == LOGS


def test_a_page_of_a_long_console_is_as_small_as_any_other(shelf: Shelf) -> None:
    say(shelf, [f"{AT}line {number} of a hundred thousand" for number in range(1, 100_001)])

    pages = [shelf.look(f"{LOGS}?{asked}") for asked in ("", "from=50000", "before=201", "q=99999", "q=nothing")]

    assert [(page[0], page[-1]) for page in map(lines_of, pages[:-1])] == [
        (99_801, 100_000),
        (50_000, 50_199),
        (1, 200),
        (99_999, 99_999),
    ]
    assert "lines 50,000 to 50,199 of 100,000" in pages[1].text
    assert "no line with “nothing” of 100,000" in pages[4].text
    assert max(len(page.html) for page in pages) < 60_000


def test_lines_are_found_by_their_text_as_it_is_shown(shelf: Shelf) -> None:
    say(
        shelf,
        [
            f"{AT}Epoch 1: 100% done",
            f"ERROR {AT}epoch \x1b[32m2\x1b[0m: 100 of 100",
            f"{AT}epoch_3",
            f"{AT}ÄRGER",
            f"ERROR {AT}2026 was when",
        ],
    )

    found = {
        asked: lines_of(shelf.look(f"{LOGS}?{asked}"))
        for asked in (
            "q=EPOCH",
            "q=epoch+2:",
            "q=100%25",
            "q=h_3",
            "q=%C3%A4rger",
            "q=2026",
            "stderr=1",
            "stderr=1&q=epoch",
        )
    }
    page = shelf.look(f"{LOGS}?q=epoch+2:")

    assert list(found.values()) == [[1, 2, 3], [2], [1], [3], [4], [5], [2, 5], [2]]
    assert "<mark>epoch 2:</mark> 100 of 100" in page.html
    assert "1 line with “epoch 2:”, between 2 and 2 of 5" in page.text
    assert f'href="{LOGS}?from=1#L2"' in page.html


def test_what_is_found_on_several_pages_is_gone_through_in_both_ways(shelf: Shelf) -> None:
    say(shelf, [f"{AT}{'odd' if number % 2 else 'even'} {number}" for number in range(1, 1001)])

    last = shelf.look(f"{LOGS}?q=odd")
    before = shelf.look(ways(last)["Earlier"])
    again = shelf.look(ways(before)["Later"])

    assert lines_of(last) == list(range(601, 1000, 2))
    assert lines_of(before) == list(range(201, 600, 2))
    assert lines_of(again) == lines_of(last)
    assert "Later" not in ways(again)


def test_what_programs_write_for_terminals_does_no_harm_and_stderr_is_told_apart(shelf: Shelf) -> None:
    say(
        shelf,
        [
            f"{AT}\x1b[1;31mred\x1b[0m \x1b]8;;https://x.example\x07link\x1b]8;;\x07 \x1b[2K\x00<b>&",
            f"ERROR {AT}it broke",
            "x" * 10_001,
        ],
    )

    for path in (LOGS, "/local/p/runs/r1"):
        page = shelf.look(path)
        assert texts_of(page)[:2] == ["red link &lt;b&gt;&amp;", "stderr: it broke"]
        assert "\x1b" not in page.html
        assert re.findall(r'<li id="(L\d)" class="error">', page.html) == ["L2"]
    assert texts_of(shelf.look(LOGS))[2] == "x" * 10_000 + "…"


def test_the_end_of_a_console_that_grows_is_followed_and_no_other_part(shelf: Shelf) -> None:
    say(shelf, [f"{AT}line {number}" for number in range(1, 301)], state="running")

    followed = [("data-follows" in page.html, "data-refresh-s" in page.html) for page in asked(shelf)]
    with shelf.database.write() as tx:
        tx.execute("UPDATE main.run SET state = 'finished'")
    after = [("data-follows" in page.html, "data-refresh-s" in page.html) for page in asked(shelf)]

    assert followed == [(True, True), (True, True), (False, True), (False, False)]
    assert after == [(False, False)] * 4


def asked(shelf: Shelf) -> list[Seen]:
    return [shelf.look(f"{LOGS}?{query}") for query in ("", "q=line", "from=200", "from=1")]


@pytest.mark.parametrize("query", ["from=x", "from=-1", "from=0", "before=1e3", "from=99999999999", "q="])
def test_what_makes_no_sense_in_an_address_is_as_if_it_were_not_there(shelf: Shelf, query: str) -> None:
    say(shelf, [f"{AT}one", f"{AT}two"])

    assert lines_of(shelf.look(f"{LOGS}?{query}")) == [1, 2]


def test_a_part_behind_the_end_and_a_run_that_said_nothing_say_so(shelf: Shelf) -> None:
    say(shelf, [f"{AT}one"])
    shelf.run(1, name="r2", state="running")

    behind, silent = shelf.look(f"{LOGS}?from=10"), shelf.look("/local/p/runs/r2/logs")

    assert "no line of 1" in behind.text
    assert lines_of(shelf.look(ways(behind)["Earlier"])) == [1]
    assert "no line yet" in silent.text


def test_the_page_of_a_run_shows_the_end_and_leads_to_the_rest(shelf: Shelf) -> None:
    say(shelf, [f"{AT}line {number}" for number in range(1, 1502)])

    page = shelf.look("/local/p/runs/r1")

    assert "the last 60 of 1,501 lines" in page.text
    assert LOGS in page.links
