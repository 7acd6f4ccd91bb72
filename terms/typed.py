"""How this project's programs are called by who types: in the commands that the terminal, reports and pages print."""

import shlex
from pathlib import Path
from typing import Final

# A variable: what calls a container's Python from outside it, as its engine's people type it.
TYPED_AS: Final = "TYPED_AS"


def python(executable: str, root: Path, typed_as: str | None = None) -> str:
    """The beginning of a command, for a shell in the project's folder.

    Args:
        executable: the interpreter that runs here, as it was called.
        root: the project's folder.
        typed_as: the value of `TYPED_AS`; none outside of containers.
    """
    if typed_as:
        return typed_as
    path = Path(executable)
    return shlex.quote(str(path.relative_to(root) if path.is_relative_to(root) else path))
