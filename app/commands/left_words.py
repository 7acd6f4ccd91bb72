"""What trials could tell nobody, since their server had gone before them: told before the next agents begin."""

import json
import os
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path

from app.parent import announce, last_words

LIMIT_S = 5.0
STALE_S = 7 * 24 * 3600.0  # their checkpoints are removed then


def tell(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Tells and removes them, or leaves them for later; a run that has ended, or went on elsewhere, is left alone.

    Args:
        environment: of trials: DATA_DIR, and the backend that answers by now.
        say: prints a line.
    """
    for path in sorted(Path(environment["DATA_DIR"], last_words.LEFT).glob("[!.]*")):
        claimed = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.rename(claimed)
        except FileNotFoundError:
            continue  # another agent tells it
        try:
            _tell(claimed, environment)
        except (OSError, HTTPException, json.JSONDecodeError) as error:
            say(f"The end of run {path.name}, which was interrupted, cannot be told yet: {error}")
        except (announce.Refused, ValueError, LookupError) as error:
            say(f"The end of run {path.name}, which was interrupted, could not be told: {error}")
            claimed.unlink()
        finally:  # also if this agent is stopped meanwhile
            if claimed.exists():
                claimed.rename(path)


def _tell(claimed: Path, environment: Mapping[str, str]) -> None:
    if claimed.stat().st_mtime > time.time() - STALE_S:
        announce.tell(last_words.read(str(claimed)), environment, LIMIT_S)
    claimed.unlink()
