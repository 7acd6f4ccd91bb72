"""A W&B program that trains nothing: it logs two epochs, and does as the files in its directory say.

While there is `hold`, no epoch ends; while there is `broken`, runs with 16 units fail.
"""

import sys
import time
from pathlib import Path

import wandb

EPOCHS = 2


def main() -> int:
    run = wandb.init()
    units = run.config["units"]
    for epoch in range(1, EPOCHS + 1):
        run.log({"epoch": epoch, "val_accuracy": 1 - 1 / (units * epoch)})
        while Path("hold").exists():
            time.sleep(0.05)
    code = int(units == 16 and Path("broken").exists())
    run.finish(exit_code=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
