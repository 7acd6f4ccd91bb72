"""A W&B program that trains nothing: it logs two epochs, and does as the files in its directory say.

While there is `broken`, runs with 16 units fail at once; while there is `hold`, no epoch ends.
"""

import sys
import time
from pathlib import Path

import wandb

EPOCHS = 2


def main() -> int:
    run = wandb.init()
    units = run.config["units"]
    if units == 16 and Path("broken").exists():
        run.finish(exit_code=1)
        return 1
    for epoch in range(1, EPOCHS + 1):
        run.log({"epoch": epoch, "val_accuracy": 1 - 1 / (units * epoch)})
        while Path("hold").exists():
            time.sleep(0.05)
    run.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main())
