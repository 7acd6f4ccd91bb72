"""Runs the tutorial as its reader would and saves it with its output: `python notebooks/run.py [TARGET]`.

Without a TARGET the notebook itself is renewed. What is set for other programs (DATA_DIR, PORT) counts here too.
"""

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from traitlets.config import Config

TUTORIAL = Path(__file__).with_name("tutorial.ipynb")
CELL_LIMIT_S = 180
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(notebook: NotebookNode) -> None:
    """Runs every cell in a kernel of this Python, in the notebook's own folder.

    Raises:
        CellExecutionError: for the first cell that fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Unless told otherwise, a kernel listens on TCP ports, which every user of a machine reaches.
        sockets = {"transport": "ipc", "ip": f"{folder}/kernel", "connection_file": f"{folder}/kernel.json"}
        client = NotebookClient(
            notebook,
            timeout=CELL_LIMIT_S,
            resources={"metadata": {"path": str(TUTORIAL.parent)}},
            record_timing=False,
            coalesce_streams=True,
            config=Config({"KernelManager": sockets}),
        )
        # What somebody's own IPython does at its start is no part of the tutorial.
        client.execute(env={**os.environ, "IPYTHONDIR": folder})


def tidy(notebook: NotebookNode) -> None:
    """Leaves what any reader looks at: no used link to a dashboard that has ended, nothing of this machine."""
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "sources_sha256": sources_sha256(notebook),
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = re.sub(r"(?<=token=)[\w-]+", "…", output.text)


def sources_sha256(notebook: NotebookNode) -> str:
    """Names what the cells say: output that is saved with another hash was not made by them."""
    return hashlib.sha256(json.dumps([cell.source for cell in notebook.cells]).encode()).hexdigest()


def main(target: Path) -> None:
    print(f"Running {TUTORIAL.name}, which takes a minute or two ...", flush=True)
    notebook = nbformat.read(TUTORIAL, as_version=4)
    execute(notebook)
    tidy(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, target)
    print(f"Its output is saved in {target}")


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit()
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TUTORIAL)
