"""What a trial leaves of itself and others read: names in its run's config and summary, first words, exit codes.

Trainer, thin parent and server write them; server, report and replay read them, on any backend. A trial's thin parent
imports this module, so it stands on the standard library alone.
"""

from typing import Final

# In the summary: one line on why the run failed or was stopped. W&B shows its users nothing that begins like this.
CAUSE: Final = "_cause"
OLDER_CAUSE: Final = "cause"  # until 2026-11-29, where it was a column of each user's own
# In the config: what decided the result, and by which of the two loops it was trained.
PROVENANCE: Final = "provenance"
LOOP: Final = "loop"

# The artifact in which the runs of a sweep keep their models: each a version, the best of them so far with an alias.
MODEL_TYPE: Final = "model"
MODEL_FILE: Final = "model.keras"
BEST: Final = "best"
# In a version's metadata: the numbers that its run logged last; and of one that was the best, of which metric.
METRICS: Final = "metrics"
BEST_BY: Final = "best_by"

# What a cause begins with that is no exception's name; one that was stopped early begins with `states.STOPPED_EARLY`.
NO_PROGRESS: Final = "no progress"
LOST: Final = "lost"
INTERRUPTED: Final = "interrupted"
NAN_METRIC: Final = "NaN metric"

# What a program ends with that was called wrongly: this project's trainer, argparse and click alike.
WRONG_USAGE_EXIT_CODE: Final = 2
# EX_NOINPUT of <sysexits.h>: an input file is not there or cannot be read.
NO_INPUT_EXIT_CODE: Final = 66
# EX_TEMPFAIL: nothing is wrong that a later try might not find right.
NO_ANSWER_EXIT_CODE: Final = 75
# A trial that was interrupted from outside (SIGINT, SIGTERM): its point is not to blame.
INTERRUPTED_EXIT_CODES: Final = (128 + 2, 128 + 15)


def models(sweep_or_run: str) -> str:
    """Returns the name of the artifact with the models of a sweep, or of a run that belongs to none, by its id."""
    return f"model-{sweep_or_run}"
