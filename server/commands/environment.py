"""What makes any W&B program use this server."""

import json
from pathlib import Path

import click

from server.data_directory import ADDRESS_FILE, used
from server.keys import load_keys


@click.command()
@click.option("--data", default="data/server", show_default=True, type=click.Path(path_type=Path))
def env(data: Path) -> None:
    """Print the export lines that make any W&B program use this server: eval "$(python -m server env)"."""
    address = data / ADDRESS_FILE
    if not address.exists():
        raise click.ClickException(f"no server has run in {data}: start one with `python -m server --data {data}`")
    told = json.loads(address.read_text())
    with used(data):
        print_env(told.get("url_to_export") or told["url"], load_keys(data).api_key)


def print_env(url: str, api_key: str) -> None:
    """Prints what any W&B program needs to use this server."""
    print(f"export WANDB_BASE_URL={url}", flush=True)
    print(f"export WANDB_API_KEY={api_key}", flush=True)
