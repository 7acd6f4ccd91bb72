"""`python -m app.warm SOCKET`."""

import os
import sys

from app.warm import server
from app.warm.become import become

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m app.warm SOCKET")
    if trial := server.main(sys.argv[1], os.environ):
        become(trial)
