"""What the embedded server adds to the summaries that it shows; programs may send it back, and it is not kept."""

from typing import Final

# One of `server.causes.KINDS`, where a run went wrong.
CAUSE_KIND: Final = "cause_kind"
# Which point of its sweep a run was handed out for, counted from 1. W&B's clients show nothing that begins like this.
POINT: Final = "_point"

ADDED: Final = (CAUSE_KIND, POINT)
