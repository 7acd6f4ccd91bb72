"""Rows as CSV that spreadsheets read as it is meant."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

# What a text begins with that spreadsheets take for a formula.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\n")


def csv_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """A line a row below the names of all columns, in the order in which rows first have them.

    A text that a spreadsheet would take for a formula, and run, has an apostrophe before it; numbers stand as they are.

    Source: OWASP, "CSV Injection".
    """
    harmless = [{_harmless(name): _harmless(_cell(value)) for name, value in row.items()} for row in rows]
    target = io.StringIO()
    writer = csv.DictWriter(target, list({name: None for row in harmless for name in row}), lineterminator="\n")
    writer.writeheader()
    writer.writerows(harmless)
    return target.getvalue()


def _cell(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, default=str)


def _harmless(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    # The writer puts a bare carriage return into no quotes, and readers would begin a new row, and a formula, after it.
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
