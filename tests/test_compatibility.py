"""What `docs/compatibility.md` says of W&B's client is what a test of that feature holds, and the other way round."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from server.protocol.not_offered import FEATURES, REWINDING, refused

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "compatibility.md"
SERVED = ("yes", "partly", "no")
# | feature | served | tests | remark |
ROW = re.compile(r"^\| (.+?) \| (\w+) \| (`\S+::test_.+?`) \| (.*?) ?\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, list[str], str]]:
    """Feature, yes, partly or no, the tests that prove it, what there is to say."""
    found = ROW.findall(PAGE.read_text())
    return [(plain(name), served, re.findall(r"`(\S+)`", proof), said) for name, served, proof, said in found]


def plain(text: str) -> str:
    return text.replace("`", "")


def marks(path: Path) -> Iterator[tuple[str, str]]:
    """Feature and test for each `@pytest.mark.feature(...)` of a module, which is read and not imported."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature":
                    names = [ast.literal_eval(argument) for argument in mark.args]
                    yield from ((name, f"{path.relative_to(TESTS.parent)}::{node.name}") for name in names)


def test_each_row_names_the_tests_that_name_its_feature() -> None:
    told = {(feature, test) for feature, _, tests, _ in rows() for test in tests}
    held = {mark for path in TESTS.rglob("test_*.py") for mark in marks(path)}

    assert (sorted(told - held), sorted(held - told)) == ([], [])


def test_each_row_of_the_page_is_read() -> None:
    text = PAGE.read_text().split("## W&B's own tests")[0]
    lines = re.findall(r"^\| (?!feature |--- ).*", text, re.MULTILINE)
    features = [feature for feature, *_ in rows()]

    assert len(features) == len(lines) == len(set(features))
    assert {served for _, served, *_ in rows()} == set(SERVED)


def test_a_product_that_is_not_there_is_answered_with_the_sentence_beside_it() -> None:
    answers = {str(refused(feature)).split(". More: ")[0] for feature in (*FEATURES, REWINDING)}

    assert answers == {said for _, served, _, said in rows() if served == "no" and said.startswith("this server has")}


def test_what_is_not_served_whole_says_what_there_is_instead() -> None:
    assert [feature for feature, served, _, said in rows() if served != "yes" and not said] == []
