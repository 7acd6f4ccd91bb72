"""What every test starts from: an environment that says nothing about W&B or this project."""

import os

OURS = (
    *("SWEEP", "NEW", "SWEEP_ID", "AGENTS", "THREADS", "PORT", "DATA_DIR", "SERVER_URL", "ENV_FILE"),
    "MAKEFLAGS",
)

for name in [name for name in os.environ if name.startswith("WANDB_") or name in OURS]:
    del os.environ[name]
