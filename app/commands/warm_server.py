"""The warm server of the agents that are started here: started with them, missed once, stopped after them."""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from app.machine import node
from app.machine.children import Child, Interrupts, stop
from app.parent.warm import SOCKET, SWITCH

GRACE_S = 5.0


class WarmServer:
    """A warm server for agents whose trials have this environment; none where WARM is 0, or off Linux.

    It is ready after some 3 s; trials that come earlier wait for it. Where WARM_SOCKET names one already, its owner
    looks after it, and none is started.

    Args:
        environment: of the agents, WARM in it.
        log: of the server, as a `Child` has one.

    Attributes:
        environment: the same, and where the server is.
    """

    def __init__(self, environment: Mapping[str, str], log: Path | None = None) -> None:
        self.environment = dict(environment)
        self._child: Child | None = None
        self._is_missed = False
        if environment.get(SWITCH) != "0" and not environment.get(SOCKET) and sys.platform == "linux":
            self._start(log)

    def _start(self, log: Path | None) -> None:
        # This user's alone; not in TMPDIR, where a path may be too long for a socket, or lie on a shared disk.
        self._folder = tempfile.mkdtemp(prefix="tf-sweeps-", dir=node.temporary())
        path = str(Path(self._folder, "warm"))
        self._child = Child("warm", [sys.executable, "-m", "app.warm", path], self.environment, log)
        self.environment[SOCKET] = path

    def news(self) -> str | None:
        """Says once that it has ended before it was stopped."""
        code = self._child.exit_code() if self._child else None
        if self._child is None or code is None or self._is_missed:
            return None
        self._is_missed = True
        where = f" Its log: {self._child.log}" if self._child.log else ""
        return f"The warm server has ended, exit code {code}: trials start in plain processes, 2 s slower.{where}"

    def stop(self, interrupts: Interrupts) -> None:
        """Ends it; its trials should have ended."""
        if self._child:
            stop([self._child], GRACE_S, interrupts)
            shutil.rmtree(self._folder, ignore_errors=True)
