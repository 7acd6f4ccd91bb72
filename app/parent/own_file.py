"""Files of one thin parent alone. Standard library only: every trial's thin parent pays for it."""

import os
from collections.abc import Mapping


def own_file(environ: Mapping[str, str], kind: str) -> str:
    """Returns where this process's file of a kind is.

    TMPDIR may be a disk that other machines and containers share, and processes there have the same numbers.

    Args:
        environ: TMPDIR.
    """
    return f"{environ.get('TMPDIR') or '/tmp'}/trial-{os.uname().nodename}-{os.getpid()}.{kind}"
