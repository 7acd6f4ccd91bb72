"""What a sweep's page shows, and what the real client says of the same sweep."""

from typing import Any

from playwright.sync_api import Page

from tests.browser.filled_sweeps import METRIC, path_of
from tests.server.real_server import RunningServer


def shown_runs(page: Page) -> list[str]:
    """W&B's ids of the runs in the table, from top to bottom."""
    return list(page.locator("table.runs tbody tr").evaluate_all("rows => rows.map((each) => each.dataset.run)"))


def column(page: Page, name: str) -> list[str]:
    """The cells under a head, from top to bottom."""
    heads = [text.strip(" ↓↑") for text in page.locator("table.runs thead th").all_inner_texts()]
    return page.locator(f"table.runs tbody tr > :nth-child({heads.index(name) + 1})").all_inner_texts()


def runs_of(server: RunningServer, sweep: str) -> list[Any]:
    """The runs as `wandb.Api()` reads them; a fresh client, since it keeps what it has read."""
    return list(server.api().sweep(path_of(sweep)).runs)


def best_of(runs: list[Any]) -> Any:
    return max((run for run in runs if METRIC in run.summary), key=lambda run: run.summary[METRIC])
