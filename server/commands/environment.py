"""What makes any W&B program use this server."""

import json
import sys
from pathlib import Path

import click

from server.data_directory import ADDRESS_FILE, DataError, used
from server.greeting import export_lines
from server.keys import load_keys
from terms import typed


@click.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def env(data: Path) -> None:
    """Print the export lines that make any W&B program use this server: eval "$(python -m server env)"."""
    address = data / ADDRESS_FILE
    if not address.exists():
        python = typed.python(sys.executable, Path.cwd())
        raise click.ClickException(f"no server has run in {data}: start one with `{python} -m server --data {data}`")
    with used(data):
        try:
            told = json.loads(address.read_text())
            url = told.get("url_to_export") or told["url"]
        except (ValueError, LookupError, AttributeError):
            raise DataError(
                f"{address} does not tell where the server is: start it again, which writes it anew"
            ) from None
        lines = export_lines(url, load_keys(data).api_key)
    print("\n".join(lines))
