"""W&B's own command line in a process whose machine has the name of WANDB_HOST: `python -m app.machine.named_wandb`.

Its runs heed that variable. Its agents (0.31.0) tell a backend `socket.gethostname()`, whatever they are told.
"""

import os
import runpy
import socket

if __name__ == "__main__":
    name = os.environ["WANDB_HOST"]
    socket.gethostname = lambda: name
    runpy.run_module("wandb", run_name="__main__", alter_sys=True)
