"""The schema, as numbered steps. `PRAGMA user_version` counts the steps that a file has had."""

import sqlite3
from collections.abc import Callable
from typing import Final


def _numbers_never_again(connection: sqlite3.Connection) -> str:
    """SQL that rebuilds each numbered table so that the number of a deleted row is never given to another one.

    Source: https://www.sqlite.org/lang_altertable.html, section 7, and https://www.sqlite.org/autoinc.html.
    """
    numbered = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%id % INTEGER PRIMARY KEY,%'"
    steps = []
    for table, made_by in connection.execute(numbered).fetchall():
        indexes = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
        anew = made_by.replace("INTEGER PRIMARY KEY,", "INTEGER PRIMARY KEY AUTOINCREMENT,", 1)
        steps += [
            anew.replace(f"CREATE TABLE {table}", f"CREATE TABLE new_{table}", 1),
            f"INSERT INTO new_{table} SELECT * FROM {table}",
            f"DROP TABLE {table}",
            f"ALTER TABLE new_{table} RENAME TO {table}",
            *(index for (index,) in connection.execute(indexes, (table,))),
        ]
    return "".join(f"{step};\n" for step in steps)


# Tables of every version.
OURS: Final = frozenset({"project", "sweep", "run"})

MARKED: Final = {
    "run": ("sweep_id", "trial_id", "state", "metric", "cause_kind", "exit_code", "started_at_s", "ended_at_s"),
    "trial": ("sweep_id", "number", "outcome", "counted_run_id"),
}


def _marks(connection: sqlite3.Connection) -> str:
    """SQL by which each sweep has a mark that changes with it, and with what is counted of its runs and points."""
    # What fires a trigger says how its conflicts are solved: so there are none.
    anew = (
        "DELETE FROM sweep_mark WHERE sweep_id = {0}; "
        "INSERT INTO sweep_mark SELECT {0}, random() WHERE {0} IN (SELECT id FROM sweep);"
    )
    steps = [
        "CREATE TABLE sweep_mark (sweep_id INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE, "
        "mark INTEGER NOT NULL) STRICT;",
        "INSERT INTO sweep_mark SELECT id, random() FROM sweep;",
    ]
    for move in ("INSERT", "UPDATE"):
        steps.append(f"CREATE TRIGGER sweep_mark_{move} AFTER {move} ON sweep BEGIN {anew.format('new.id')} END;")
    for table, columns in MARKED.items():
        other = " OR ".join(f"new.{column} IS NOT old.{column}" for column in columns)
        for move, row, when in (("INSERT", "new", ""), ("UPDATE", "new", f"WHEN {other}"), ("DELETE", "old", "")):
            made = f"CREATE TRIGGER {table}_mark_{move} AFTER {move} ON {table} {when}"
            steps.append(f"{made} BEGIN {anew.format(f'{row}.sweep_id')} END;")
    return "\n".join(steps)


# A step is SQL, or makes it from the database as it is then.
STEPS: Final[tuple[str | Callable[[sqlite3.Connection], str], ...]] = (
    """
    CREATE TABLE project (
        id           INTEGER PRIMARY KEY,
        entity       TEXT NOT NULL,
        name         TEXT NOT NULL,
        description  TEXT,
        created_at_s REAL NOT NULL,
        UNIQUE (entity, name)
    ) STRICT;

    CREATE TABLE sweep (
        id           INTEGER PRIMARY KEY,
        project_id   INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        name         TEXT NOT NULL UNIQUE,
        display_name TEXT,
        description  TEXT,
        config       TEXT NOT NULL,          -- YAML, as the client sent it
        method       TEXT NOT NULL,
        metric_name  TEXT,
        goal         TEXT NOT NULL,          -- minimize or maximize
        expected     INTEGER,                -- points in all; NULL: the search has no end
        seed         INTEGER NOT NULL,
        next_index   INTEGER NOT NULL DEFAULT 0,  -- the next suggestion to draw
        state        TEXT NOT NULL,
        controller   TEXT,
        scheduler    TEXT,
        created_at_s REAL NOT NULL,
        updated_at_s REAL NOT NULL,
        ended_at_s   REAL
    ) STRICT;
    CREATE INDEX sweep_of_project ON sweep (project_id);

    -- A point of the search: settled by exactly one counted run.
    CREATE TABLE trial (
        id             INTEGER PRIMARY KEY,
        sweep_id       INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        number         INTEGER NOT NULL,     -- from 0, in the order handed out
        key            TEXT NOT NULL,        -- the same point has the same key
        params         TEXT NOT NULL,        -- JSON
        outcome        TEXT,                 -- state of the counted run; NULL: not settled
        counted_run_id INTEGER,
        UNIQUE (sweep_id, number),
        UNIQUE (sweep_id, key)
    ) STRICT;

    CREATE TABLE agent (
        id             INTEGER PRIMARY KEY,
        sweep_id       INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        name           TEXT NOT NULL UNIQUE,
        host           TEXT NOT NULL,
        created_at_s   REAL NOT NULL,
        heartbeat_at_s REAL NOT NULL,
        left_at_s      REAL                  -- told to exit, or given up
    ) STRICT;
    CREATE INDEX agent_of_sweep ON agent (sweep_id);

    -- One attempt at a trial, or a run that belongs to no sweep.
    CREATE TABLE run (
        id                  INTEGER PRIMARY KEY,
        project_id          INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        name                TEXT NOT NULL,
        sweep_id            INTEGER REFERENCES sweep ON DELETE CASCADE,
        trial_id            INTEGER REFERENCES trial ON DELETE CASCADE,
        agent_id            INTEGER REFERENCES agent ON DELETE SET NULL,
        state               TEXT NOT NULL,
        display_name        TEXT NOT NULL,
        description         TEXT,
        notes               TEXT,
        config              TEXT NOT NULL DEFAULT '{}',
        summary             TEXT NOT NULL DEFAULT '{}',
        metric              REAL,            -- the sweep's metric in the summary, when finite
        cause               TEXT,            -- why it failed, from the summary
        tags                TEXT NOT NULL DEFAULT '[]',
        group_name          TEXT,
        job_type            TEXT,
        commit_sha          TEXT,
        host                TEXT,
        program             TEXT,
        exit_code           INTEGER,
        preempting          INTEGER NOT NULL DEFAULT 0,
        deliveries          INTEGER NOT NULL DEFAULT 0,
        stop_requested_at_s REAL,
        missing_since_s     REAL,            -- its living agent stopped reporting it
        started_at_s        REAL,
        ended_at_s          REAL,
        created_at_s        REAL NOT NULL,
        updated_at_s        REAL NOT NULL,
        heartbeat_at_s      REAL NOT NULL,
        history_lines       INTEGER NOT NULL DEFAULT 0,
        event_lines         INTEGER NOT NULL DEFAULT 0,
        log_lines           INTEGER NOT NULL DEFAULT 0,
        UNIQUE (project_id, name)
    ) STRICT;
    CREATE INDEX run_of_sweep ON run (sweep_id);
    CREATE INDEX run_of_trial ON run (trial_id);
    CREATE INDEX run_of_agent ON run (agent_id);
    CREATE INDEX run_live ON run (state) WHERE state IN ('pending', 'running', 'preempting');

    CREATE TABLE history (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        step   INTEGER,
        row    TEXT NOT NULL,                -- JSON, may hold NaN and Infinity
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX history_step ON history (run_id, step);

    CREATE TABLE event (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE log (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE file (
        id           INTEGER PRIMARY KEY,
        run_id       INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        name         TEXT NOT NULL,
        size_bytes   INTEGER NOT NULL,
        md5          TEXT NOT NULL,          -- base64, as W&B writes it
        mimetype     TEXT NOT NULL,
        updated_at_s REAL NOT NULL,
        UNIQUE (run_id, name)
    ) STRICT;
    """,
    """
    ALTER TABLE sweep ADD COLUMN stop_reason TEXT;    -- why the sweep ended itself
    ALTER TABLE run ADD COLUMN cause_kind TEXT;       -- one of server.causes.KINDS

    -- What the ledger did, in order: enough to recompute every point from.
    CREATE TABLE entry (
        id       INTEGER PRIMARY KEY,
        at_s     REAL NOT NULL,
        kind     TEXT NOT NULL,          -- handed, revived, ended, settled, released
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        trial_id INTEGER NOT NULL,
        run_name TEXT NOT NULL,
        detail   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entry_of_sweep ON entry (sweep_id);
    """,
    """
    ALTER TABLE run ADD COLUMN bracket INTEGER NOT NULL DEFAULT 0;  -- the last one at which it was compared
    ALTER TABLE run ADD COLUMN early_stop TEXT;  -- JSON of the decision that stopped it: reason, bracket, rank, rivals

    -- A suggestion that takes longer to find than a heartbeat may wait: at most one a sweep is kept ready.
    CREATE TABLE proposal (
        sweep_id   INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE,
        suggestion INTEGER NOT NULL,
        params     TEXT NOT NULL             -- JSON
    ) STRICT;
    """,
    """
    -- No less than the values of the sweep's metric in a run's history; exact where it was last compared.
    ALTER TABLE run ADD COLUMN curve_length INTEGER NOT NULL DEFAULT 0;
    UPDATE run SET curve_length = history_lines;
    """,
    """
    -- A link that shows one sweep to whoever has it.
    CREATE TABLE share (
        id           INTEGER PRIMARY KEY,
        sweep_id     INTEGER NOT NULL UNIQUE REFERENCES sweep ON DELETE CASCADE,
        token_hash   TEXT NOT NULL UNIQUE,   -- hex of SHA-256
        created_at_s REAL NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE pause (
        id       INTEGER PRIMARY KEY,
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        from_s   REAL NOT NULL,
        until_s  REAL                       -- NULL: it lasts
    ) STRICT;
    CREATE INDEX pause_of_sweep ON pause (sweep_id);
    """,
    """
    -- What agents and pages look for are few of thousands of points and runs.
    CREATE INDEX trial_open ON trial (sweep_id, number) WHERE outcome IS NULL;
    CREATE INDEX run_preempted ON run (sweep_id) WHERE state = 'preempted';
    CREATE INDEX run_by_metric ON run (sweep_id, metric, state);
    DROP INDEX run_of_agent;
    CREATE INDEX run_of_agent ON run (agent_id, state);
    """,
    _numbers_never_again,
    """
    -- Bytes of files whose rows are gone; their removal is made up for after a crash.
    CREATE TABLE discarded (
        run_id INTEGER NOT NULL,
        name   TEXT,                         -- NULL: all files of the run
        UNIQUE (run_id, name)
    ) STRICT;

    -- At most one live run a point, whatever a program does. What an older server may have left otherwise is lost.
    UPDATE run SET state = 'crashed', ended_at_s = updated_at_s WHERE trial_id IS NOT NULL
        AND state IN ('pending', 'running', 'preempting') AND EXISTS (SELECT 1 FROM run AS other
        WHERE other.trial_id = run.trial_id AND other.id > run.id
        AND other.state IN ('pending', 'running', 'preempting'));
    CREATE INDEX entry_deleted ON entry (run_name) WHERE kind = 'deleted';
    CREATE UNIQUE INDEX run_live_of_trial ON run (trial_id) WHERE state IN ('pending', 'running', 'preempting');
    """,
    """
    ALTER TABLE run ADD COLUMN start TEXT;                         -- as server.ledger.starts has it
    ALTER TABLE file ADD COLUMN former INTEGER NOT NULL DEFAULT 0; -- of a start before the present one
    """,
    """
    -- What a run's metric was when the run passed a bracket of early termination.
    CREATE TABLE passed (
        run_id  INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        bracket INTEGER NOT NULL,            -- counted in values of the metric
        value   REAL NOT NULL,
        PRIMARY KEY (run_id, bracket)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE sweep ADD COLUMN search_error TEXT;   -- why no suggestion can be found; NULL: one can
    """,
    """
    -- Runs of before, of any sweep or none, that a sweep begins with.
    CREATE TABLE prior_run (
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        run_id   INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        PRIMARY KEY (sweep_id, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX prior_run_of_run ON prior_run (run_id);
    """,
    """
    -- Artifacts. A sequence owns versions of one thing; a portfolio holds links to versions of sequences.
    CREATE TABLE collection (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id   INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        name         TEXT NOT NULL,
        kind         TEXT NOT NULL,          -- sequence or portfolio
        type         TEXT NOT NULL,          -- as the user names it: model, dataset
        description  TEXT,
        next_version INTEGER NOT NULL DEFAULT 0,
        created_at_s REAL NOT NULL,
        updated_at_s REAL NOT NULL,
        UNIQUE (project_id, name)
    ) STRICT;
    CREATE TABLE collection_tag (
        collection_id INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
        tag           TEXT NOT NULL,
        PRIMARY KEY (collection_id, tag)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE artifact (
        id              INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id   INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,  -- its sequence
        state           TEXT NOT NULL,       -- pending or committed
        digest          TEXT NOT NULL,       -- as sent; from its commit on, as computed from its manifest
        description     TEXT,
        metadata        TEXT,                -- JSON
        ttl_s           INTEGER,
        run_id          INTEGER REFERENCES run ON DELETE SET NULL,  -- that made it
        distributed_id  TEXT,                -- several programs write it together
        history_step    INTEGER,
        size_bytes      INTEGER NOT NULL DEFAULT 0,
        file_count      INTEGER NOT NULL DEFAULT 0,
        pending_aliases TEXT NOT NULL DEFAULT '[]',  -- JSON, to be given at its commit
        created_at_s    REAL NOT NULL,
        updated_at_s    REAL NOT NULL
    ) STRICT;
    CREATE INDEX artifact_of_collection ON artifact (collection_id, digest);
    CREATE INDEX artifact_of_run ON artifact (run_id);
    CREATE INDEX artifact_pending ON artifact (updated_at_s) WHERE state = 'pending';
    CREATE TABLE artifact_tag (
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        tag         TEXT NOT NULL,
        PRIMARY KEY (artifact_id, tag)
    ) STRICT, WITHOUT ROWID;
    -- The names that clients give to versions and sequences before they hear of ours; files of tables refer to them.
    CREATE TABLE client_name (
        name          TEXT PRIMARY KEY,
        artifact_id   INTEGER REFERENCES artifact ON DELETE CASCADE,
        collection_id INTEGER REFERENCES collection ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX client_name_of_artifact ON client_name (artifact_id);
    CREATE INDEX client_name_of_collection ON client_name (collection_id);

    CREATE TABLE member (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
        artifact_id   INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        version       INTEGER NOT NULL,
        created_at_s  REAL NOT NULL,
        UNIQUE (collection_id, version),
        UNIQUE (collection_id, artifact_id)
    ) STRICT;
    CREATE INDEX member_of_artifact ON member (artifact_id);
    CREATE TABLE alias (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
        alias         TEXT NOT NULL,
        artifact_id   INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        UNIQUE (collection_id, alias)
    ) STRICT;
    CREATE INDEX alias_of_artifact ON alias (artifact_id);
    CREATE TABLE usage (
        run_id      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        direction   TEXT NOT NULL,           -- in or out
        PRIMARY KEY (run_id, direction, artifact_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX usage_of_artifact ON usage (artifact_id);

    -- What a client uploads to tell a version's files; forgotten at the commit.
    CREATE TABLE manifest (
        id               INTEGER PRIMARY KEY AUTOINCREMENT,
        artifact_id      INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        kind             TEXT NOT NULL,      -- FULL, INCREMENTAL or PATCH
        base_artifact_id INTEGER,
        digest           TEXT NOT NULL,      -- base64 of the MD5 that its bytes must have
        body             BLOB                -- NULL: not uploaded
    ) STRICT;
    CREATE INDEX manifest_of_artifact ON manifest (artifact_id);
    CREATE TABLE manifest_entry (
        artifact_id       INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        path              TEXT NOT NULL,
        digest            TEXT NOT NULL,     -- base64 MD5; of a reference, whatever the client has found
        size_bytes        INTEGER NOT NULL,
        content           TEXT,              -- hex of the MD5 of its bytes; NULL: a reference
        ref               TEXT,
        refers_to         INTEGER,           -- number of the artifact that a reference leads into
        birth_artifact_id TEXT,
        extra             TEXT NOT NULL,     -- JSON
        PRIMARY KEY (artifact_id, path)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX manifest_entry_content ON manifest_entry (content) WHERE content IS NOT NULL;
    CREATE INDEX manifest_entry_refers_to ON manifest_entry (refers_to) WHERE refers_to IS NOT NULL;

    -- Bytes that lie under `artifacts/`, whole, once each.
    CREATE TABLE content (
        md5         TEXT PRIMARY KEY,        -- hex
        size_bytes  INTEGER NOT NULL,
        stored_at_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    -- What versions that are not committed yet have asked for: kept until then.
    CREATE TABLE wanted (
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        md5         TEXT NOT NULL,
        PRIMARY KEY (artifact_id, md5)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX wanted_md5 ON wanted (md5);
    CREATE TABLE discarded_content (md5 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    """,
    """
    -- What uploaded manifests tell, entry by entry, until the commit of their version.
    ALTER TABLE manifest DROP COLUMN body;
    ALTER TABLE manifest ADD COLUMN uploaded INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE described_entry (
        manifest_id       INTEGER NOT NULL REFERENCES manifest ON DELETE CASCADE,
        path              TEXT NOT NULL,
        digest            TEXT NOT NULL,
        size_bytes        INTEGER NOT NULL,
        content           TEXT,
        ref               TEXT,
        refers_to         INTEGER,
        birth_artifact_id TEXT,
        extra             TEXT NOT NULL,
        PRIMARY KEY (manifest_id, path)
    ) STRICT, WITHOUT ROWID;

    -- A version with the content of another one becomes that one at its commit, unless it shall not.
    ALTER TABLE artifact ADD COLUMN deduplicate INTEGER NOT NULL DEFAULT 1;
    CREATE TABLE merged (
        id          INTEGER PRIMARY KEY,     -- its number before
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX merged_into ON merged (artifact_id);
    """,
    """
    CREATE INDEX artifact_expires ON artifact (created_at_s + ttl_s) WHERE ttl_s > 0 AND state = 'committed';
    """,
    """
    -- Who suggests: NULL for this server, or W&B's engine in a scheduler of the client's.
    ALTER TABLE sweep ADD COLUMN engine TEXT;
    -- What a scheduler has suggested and no agent has taken yet; it becomes a point under the run id that it was told.
    CREATE TABLE suggestion (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id  INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        sweep_id    INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        run_name    TEXT NOT NULL UNIQUE,
        config      TEXT NOT NULL,           -- JSON of its values, each as {"value": ...}
        queued_at_s REAL NOT NULL
    ) STRICT;
    CREATE INDEX suggestion_of_sweep ON suggestion (sweep_id);
    """,
    """
    -- Programs that write one run together.
    CREATE TABLE writer (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id  INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        name    TEXT NOT NULL,               -- as its client calls itself; empty: it does not
        config  TEXT NOT NULL DEFAULT '{}',  -- JSON, as it last sent it
        summary TEXT NOT NULL DEFAULT '{}',
        UNIQUE (run_id, name)
    ) STRICT;
    CREATE TABLE placed (
        writer_id INTEGER NOT NULL REFERENCES writer ON DELETE CASCADE,
        stream    TEXT NOT NULL,             -- history, event or log
        number    INTEGER NOT NULL,          -- of a line, as its writer counts
        line      INTEGER NOT NULL,          -- its place in the run
        PRIMARY KEY (writer_id, stream, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- What the metric of a sweep was in a run of before, at a bracket of the sweep's; NULL: it never came so far.
    CREATE TABLE prior_passed (
        sweep_id   INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        bracket    INTEGER NOT NULL,
        run_id     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        value      REAL,
        heard_at_s REAL NOT NULL,            -- the run's last sign of life then
        PRIMARY KEY (sweep_id, bracket, run_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX prior_passed_of_run ON prior_passed (run_id);
    """,
    """
    -- Sweeps and projects that were deleted, with all that was theirs: each number is of one that is there, or here.
    CREATE TABLE deletion (
        id     INTEGER PRIMARY KEY,
        at_s   REAL NOT NULL,
        kind   TEXT NOT NULL,                -- sweep or project
        number INTEGER NOT NULL,
        name   TEXT NOT NULL,                -- entity/project, or entity/project/sweep
        held   TEXT NOT NULL,                -- what went with it, in words
        UNIQUE (kind, number)
    ) STRICT;
    """,
    """
    -- What a run's history holds, as server.ledger.outline has it. Without a text it is in doubt, or too long to keep.
    CREATE TABLE outline (
        run_id    INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
        doubt     INTEGER NOT NULL DEFAULT 0,  -- no two are alike
        row_count INTEGER NOT NULL DEFAULT 0,
        in_order  INTEGER NOT NULL DEFAULT 0,  -- by their steps, rows stand at the lines 0, 1, 2 and so on
        too_long  INTEGER NOT NULL DEFAULT 0,
        text      TEXT                         -- JSON
    ) STRICT;
    CREATE INDEX outline_in_doubt ON outline (run_id) WHERE text IS NULL AND NOT too_long;
    INSERT INTO outline (run_id, doubt) SELECT id, random() FROM run WHERE history_lines > 0;
    """,
    """
    CREATE INDEX run_by_creation ON run (project_id, created_at_s, id);
    DROP INDEX run_of_sweep;
    CREATE INDEX run_of_sweep ON run (sweep_id, created_at_s, id);

    -- When a run was last other than before, in the order of all changes; also of runs that are gone.
    CREATE TABLE run_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id INTEGER NOT NULL UNIQUE
    ) STRICT;
    CREATE TRIGGER run_made AFTER INSERT ON run BEGIN
        INSERT INTO run_change (run_id) VALUES (new.id);
    END;
    CREATE TRIGGER run_changed AFTER UPDATE ON run WHEN new.name IS NOT old.name OR new.state IS NOT old.state
        OR new.display_name IS NOT old.display_name OR new.config IS NOT old.config OR new.summary IS NOT old.summary
        OR new.tags IS NOT old.tags OR new.group_name IS NOT old.group_name OR new.job_type IS NOT old.job_type
        OR new.host IS NOT old.host OR new.cause IS NOT old.cause OR new.cause_kind IS NOT old.cause_kind
        OR new.updated_at_s IS NOT old.updated_at_s OR new.heartbeat_at_s IS NOT old.heartbeat_at_s
        OR new.sweep_id IS NOT old.sweep_id OR new.created_at_s IS NOT old.created_at_s BEGIN
        DELETE FROM run_change WHERE run_id = new.id;
        INSERT INTO run_change (run_id) VALUES (new.id);
    END;
    CREATE TRIGGER run_gone AFTER DELETE ON run BEGIN
        DELETE FROM run_change WHERE run_id = old.id;
        INSERT INTO run_change (run_id) VALUES (old.id);
    END;
    CREATE TRIGGER prior_run_made AFTER INSERT ON prior_run BEGIN
        DELETE FROM run_change WHERE run_id = new.run_id;
        INSERT INTO run_change (run_id) VALUES (new.run_id);
    END;
    CREATE TRIGGER prior_run_gone AFTER DELETE ON prior_run BEGIN
        DELETE FROM run_change WHERE run_id = old.run_id;
        INSERT INTO run_change (run_id) VALUES (old.run_id);
    END;
    """,
    """
    -- Suggestions that take longer to find than a heartbeat may wait: several a sweep are kept ready.
    DROP TABLE proposal;
    CREATE TABLE proposal (
        sweep_id   INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        suggestion INTEGER NOT NULL,
        params     TEXT NOT NULL,            -- JSON
        results    INTEGER NOT NULL,         -- how many runs had ended when it was found
        PRIMARY KEY (sweep_id, suggestion)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- People, once there are some: each has an entity of the same name. Teams are entities of several.
    CREATE TABLE user (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        name         TEXT NOT NULL UNIQUE,
        role         TEXT NOT NULL,          -- read, run or admin
        key_hash     TEXT NOT NULL UNIQUE,   -- hex of SHA-256
        created_at_s REAL NOT NULL
    ) STRICT;
    CREATE TABLE team_member (
        team    TEXT NOT NULL,
        user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
        PRIMARY KEY (team, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX team_member_of_user ON team_member (user_id);
    -- Browsers that are signed in.
    CREATE TABLE session (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id      INTEGER REFERENCES user ON DELETE CASCADE,  -- NULL: by the server's own key
        token_hash   TEXT NOT NULL UNIQUE,
        browser      TEXT NOT NULL,
        started_at_s REAL NOT NULL,
        expires_at_s REAL NOT NULL
    ) STRICT;
    CREATE INDEX session_of_user ON session (user_id);
    -- What people did that others may ask about.
    CREATE TABLE audit (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        at_s    REAL NOT NULL,
        who     TEXT NOT NULL,
        act     TEXT NOT NULL,
        subject TEXT NOT NULL
    ) STRICT;
    -- Whose key made it; NULL where there were no users.
    ALTER TABLE run ADD COLUMN user_name TEXT;
    ALTER TABLE sweep ADD COLUMN user_name TEXT;
    ALTER TABLE wanted ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;  -- its writer had the bytes
    """,
    _marks,
    """
    CREATE INDEX run_of_curve ON run (sweep_id, curve_length);  -- rivals that early termination is in doubt of
    """,
    """
    -- What a page showed when somebody gave it a name: its filters, order and columns.
    CREATE TABLE saved_view (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        sweep_id   INTEGER REFERENCES sweep ON DELETE CASCADE,  -- NULL: of all of the project's runs
        name       TEXT NOT NULL,
        query      TEXT NOT NULL,            -- of the page's address
        user_name  TEXT,                     -- whose key saved it
        saved_at_s REAL NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX saved_view_named ON saved_view (project_id, coalesce(sweep_id, 0), name);
    CREATE INDEX saved_view_of_sweep ON saved_view (sweep_id);
    """,
    """
    -- What was deleted and can be brought back for a while. Until then nobody sees it: `server.store.scope` leaves out
    -- what is hidden, which is all that belongs to a line of these.
    CREATE TABLE bin (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        at_s         REAL NOT NULL,
        who          TEXT NOT NULL,
        kind         TEXT NOT NULL,          -- run, sweep or project
        number       INTEGER NOT NULL,
        entity       TEXT NOT NULL,
        project      TEXT NOT NULL,
        name         TEXT NOT NULL,          -- of a run or sweep; as the project, for one
        display_name TEXT NOT NULL,
        UNIQUE (kind, number)
    ) STRICT;
    CREATE TABLE hidden_project (
        id     INTEGER PRIMARY KEY REFERENCES project ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX hidden_project_of_bin ON hidden_project (bin_id);
    CREATE TABLE hidden_sweep (
        id     INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX hidden_sweep_of_bin ON hidden_sweep (bin_id);
    CREATE TABLE hidden_run (
        id     INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX hidden_run_of_bin ON hidden_run (bin_id);

    -- Ids of runs that a project had and has no more, by whatever way: none begins anew.
    CREATE TABLE used_name (
        project_id INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        name       TEXT NOT NULL,
        run_id     INTEGER NOT NULL,         -- which one that was
        PRIMARY KEY (project_id, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER run_hidden AFTER INSERT ON hidden_run BEGIN
        DELETE FROM run_change WHERE run_id = new.id;
        INSERT INTO run_change (run_id) VALUES (new.id);
        UPDATE sweep_mark SET mark = random() WHERE sweep_id = (SELECT sweep_id FROM run WHERE id = new.id);
    END;
    CREATE TRIGGER run_shown AFTER DELETE ON hidden_run BEGIN
        DELETE FROM run_change WHERE run_id = old.id;
        INSERT INTO run_change (run_id) VALUES (old.id);
        UPDATE sweep_mark SET mark = random() WHERE sweep_id = (SELECT sweep_id FROM run WHERE id = old.id);
    END;
    CREATE TRIGGER run_left_sweep AFTER UPDATE OF sweep_id ON run WHEN new.sweep_id IS NOT old.sweep_id BEGIN
        UPDATE sweep_mark SET mark = random() WHERE sweep_id = old.sweep_id;
    END;
    CREATE TRIGGER run_moved AFTER UPDATE OF project_id ON run WHEN new.project_id IS NOT old.project_id BEGIN
        DELETE FROM run_change WHERE run_id = new.id;
        INSERT INTO run_change (run_id) VALUES (new.id);
    END;
    """,
    """
    -- What programs said by `run.alert`.
    CREATE TABLE alert (
        id     INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        at_s   REAL NOT NULL,
        level  TEXT NOT NULL,                -- INFO, WARN or ERROR
        title  TEXT NOT NULL,
        text   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX alert_of_run ON alert (run_id, title, at_s);
    -- What NOTIFY_URL has not been told yet: the end of a sweep, or an alert.
    CREATE TABLE notice (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        sweep_id INTEGER REFERENCES sweep ON DELETE CASCADE,
        alert_id INTEGER REFERENCES alert ON DELETE CASCADE,
        tries    INTEGER NOT NULL DEFAULT 0,
        due_at_s REAL NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX notice_of_sweep ON notice (sweep_id);
    CREATE INDEX notice_of_alert ON notice (alert_id);
    """,
)


def steps_done(connection: sqlite3.Connection) -> int:
    """How many steps a database has had; 0 for a new one.

    Raises:
        sqlite3.DatabaseError: the file is of a newer version of this program, or of another one.
    """
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if done > len(STEPS) and tables >= OURS:
        raise sqlite3.DatabaseError(f"the data is of a newer version: schema {done}, this program knows {len(STEPS)}")
    if tables and not (done and tables >= OURS):
        raise sqlite3.DatabaseError(f"it is another program's: it has the table {min(tables - OURS, default='?')!r}")
    return int(done)


def migrate(connection: sqlite3.Connection) -> None:
    """Brings a database up to the last step; each step and its number are one transaction.

    Raises:
        sqlite3.DatabaseError: the file is of a newer version of this program, or of another one.
    """
    done = steps_done(connection)
    # A table that is rebuilt is dropped for a moment, which must not delete what refers to it.
    connection.execute("PRAGMA foreign_keys=OFF")
    for number, step in enumerate(STEPS[done:], start=done + 1):
        sql = step if isinstance(step, str) else step(connection)
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {sql} PRAGMA user_version={number}; COMMIT;")
        except BaseException:
            connection.rollback()
            raise
    connection.execute("PRAGMA foreign_keys=ON")
