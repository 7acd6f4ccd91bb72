"""Every knob of the server: default, unit in its name, help text. `__main__` fills it."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What a server needs to know; times in seconds, sizes in bytes.

    Attributes:
        data: directory of the database, the files of runs, the API key; made with mode 0700.
        database_dir: the database's own directory, where the disk of `data` has no locks; made likewise.
        public_url: the address outside, of links and of files; None takes it from each request's `Host`.
        trusted_proxies: what comes from these networks comes by a proxy, and is believed as to how.
        entity: the one user's name, W&B's default entity.
        agent_silent_s: an agent unheard of for this long is gone; its silent runs are given up.
        run_missing_s: grace for a run that its living agent no longer reports and that has sent no end.
        run_orphan_s: a run without an agent is given up after this silence. After each of these three, a run that had
            announced that its machine would go (`wandb.mark_preempting`) waits for the next idle agent to resume it.
        stop_grace_s: how long a graceful stop (file stream) may take before the agent is told to end the run.
        link_lifetime_s: how long a one-time dashboard link may wait for its first use.
        session_lifetime_s: how long a browser stays signed in.
        file_url_lifetime_s: how long a signed file address works.
        max_body_bytes: largest request body; W&B's client sends up to 10 MiB and one line.
        query_s: how long a query may take; W&B's client waits for 19 s.
        max_upload_bytes: the largest file that may be uploaded; 0 for any size.
        spare_bytes: what uploads leave free of the disk, for the database.
        keep_system_metrics_days: so many days after a run's end a sample of its system metrics is left; 0 keeps all.
        keep_console_days: so many days after a run's end the beginning and end of its console are left; 0 keeps all.
        notify_url: is told of ends of sweeps and of alerts; may hold a secret.
        tick_s: how often silent agents and runs, and notices to be sent, are looked for.
        python: how this project's programs are called, in the commands on the pages.
    """

    data: Path
    database_dir: Path | None = None
    public_url: str | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    entity: str = "local"
    agent_silent_s: float = 60.0
    run_missing_s: float = 15.0
    run_orphan_s: float = 300.0
    stop_grace_s: float = 45.0
    link_lifetime_s: float = 24 * 3600.0
    session_lifetime_s: float = 30 * 24 * 3600.0
    file_url_lifetime_s: float = 24 * 3600.0
    max_body_bytes: int = 32 * 1024 * 1024
    query_s: float = 15.0
    max_upload_bytes: int = 0
    spare_bytes: int = 256 * 1024 * 1024
    keep_system_metrics_days: float = 0.0
    keep_console_days: float = 0.0
    notify_url: str | None = field(default=None, repr=False)
    tick_s: float = 2.0
    python: str = "python"

    @property
    def database(self) -> Path:
        return (self.database_dir or self.data) / "sweeps.sqlite"

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def artifacts(self) -> Path:
        return self.data / "artifacts"
