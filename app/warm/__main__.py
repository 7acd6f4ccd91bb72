"""`python -m app.warm SOCKET`."""

import os
import sys

from app.warm import server
from app.warm.become import become

if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print("usage: python -m app.warm SOCKET, the socket on which it waits for trials to start")
        sys.exit()
    if len(sys.argv) != 2:
        sys.exit("usage: python -m app.warm SOCKET")
    if trial := server.main(sys.argv[1], os.environ):
        become(trial)
