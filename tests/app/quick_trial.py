"""A W&B program that trains nothing: it logs an epoch every .2 s and closes its run when it is asked to end.

While there is a file `hold` in the folder that HOLD names, or else in DATA_DIR, no epoch ends.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import wandb

EPOCH_S = 0.2


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    epochs = parser.parse_known_args()[0].epochs
    hold = Path(os.environ.get("HOLD") or os.environ.get("DATA_DIR", "."), "hold")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = wandb.init()  # not by `with`, which would say 1 in place of 143
    for epoch in range(1, epochs + 1):
        run.log({"epoch": epoch, "val_accuracy": 1 - 1 / (1 + epoch)})
        sys.stderr.write(f"epoch {epoch} of {epochs}\n")
        time.sleep(EPOCH_S)
        while hold.exists():
            time.sleep(0.05)
    run.finish()


if __name__ == "__main__":
    main()
