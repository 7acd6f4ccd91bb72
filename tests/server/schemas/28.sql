BEGIN TRANSACTION;
CREATE TABLE "agent" (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        sweep_id       INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        name           TEXT NOT NULL UNIQUE,
        host           TEXT NOT NULL,
        created_at_s   REAL NOT NULL,
        heartbeat_at_s REAL NOT NULL,
        left_at_s      REAL                  -- told to exit, or given up
    ) STRICT;
INSERT INTO "agent" VALUES(1,1,'6arrp3z6','h',1.79600732819422721862e+09,1.79600732819422721862e+09,NULL);
CREATE TABLE alias (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
        alias         TEXT NOT NULL,
        artifact_id   INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        UNIQUE (collection_id, alias)
    ) STRICT;
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
    , deduplicate INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE artifact_tag (
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        tag         TEXT NOT NULL,
        PRIMARY KEY (artifact_id, tag)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        at_s    REAL NOT NULL,
        who     TEXT NOT NULL,
        act     TEXT NOT NULL,
        subject TEXT NOT NULL
    ) STRICT;
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
CREATE TABLE client_name (
        name          TEXT PRIMARY KEY,
        artifact_id   INTEGER REFERENCES artifact ON DELETE CASCADE,
        collection_id INTEGER REFERENCES collection ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
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
CREATE TABLE content (
        md5         TEXT PRIMARY KEY,        -- hex
        size_bytes  INTEGER NOT NULL,
        stored_at_s REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
CREATE TABLE deletion (
        id     INTEGER PRIMARY KEY,
        at_s   REAL NOT NULL,
        kind   TEXT NOT NULL,                -- sweep or project
        number INTEGER NOT NULL,
        name   TEXT NOT NULL,                -- entity/project, or entity/project/sweep
        held   TEXT NOT NULL,                -- what went with it, in words
        UNIQUE (kind, number)
    ) STRICT;
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
CREATE TABLE discarded (
        run_id INTEGER NOT NULL,
        name   TEXT,                         -- NULL: all files of the run
        UNIQUE (run_id, name)
    ) STRICT;
CREATE TABLE discarded_content (md5 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE "entry" (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        at_s     REAL NOT NULL,
        kind     TEXT NOT NULL,          -- handed, revived, ended, settled, released
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        trial_id INTEGER NOT NULL,
        run_name TEXT NOT NULL,
        detail   TEXT NOT NULL
    ) STRICT;
INSERT INTO "entry" VALUES(1,1.79600732819422721862e+09,'handed',1,1,'tlnmx990','6arrp3z6');
INSERT INTO "entry" VALUES(2,1.79600732819422721862e+09,'ended',1,1,'tlnmx990','finished 0');
INSERT INTO "entry" VALUES(3,1.79600732819422721862e+09,'settled',1,1,'tlnmx990','finished');
INSERT INTO "entry" VALUES(4,1.79600732819422721862e+09,'handed',1,2,'kqds73yo','6arrp3z6');
INSERT INTO "entry" VALUES(5,1.79600732819422721862e+09,'ended',1,2,'kqds73yo','failed 1');
CREATE TABLE event (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE "file" (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id       INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        name         TEXT NOT NULL,
        size_bytes   INTEGER NOT NULL,
        md5          TEXT NOT NULL,          -- base64, as W&B writes it
        mimetype     TEXT NOT NULL,
        updated_at_s REAL NOT NULL, former INTEGER NOT NULL DEFAULT 0,
        UNIQUE (run_id, name)
    ) STRICT;
CREATE TABLE hidden_project (
        id     INTEGER PRIMARY KEY REFERENCES project ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
CREATE TABLE hidden_run (
        id     INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
CREATE TABLE hidden_sweep (
        id     INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE,
        bin_id INTEGER NOT NULL REFERENCES bin ON DELETE CASCADE
    ) STRICT;
CREATE TABLE history (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        step   INTEGER,
        row    TEXT NOT NULL,                -- JSON, may hold NaN and Infinity
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "history" VALUES(1,0,0,'{"_step": 0, "loss": 0.9}');
INSERT INTO "history" VALUES(1,1,1,'{"_step": 1, "loss": 0.7}');
INSERT INTO "history" VALUES(1,2,2,'{"_step": 2, "loss": 0.5}');
INSERT INTO "history" VALUES(2,0,0,'{"_step": 0, "loss": 0.9}');
INSERT INTO "history" VALUES(2,1,1,'{"_step": 1, "loss": 0.7}');
INSERT INTO "history" VALUES(2,2,2,'{"_step": 2, "loss": 0.5}');
CREATE TABLE log (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE manifest (
        id               INTEGER PRIMARY KEY AUTOINCREMENT,
        artifact_id      INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        kind             TEXT NOT NULL,      -- FULL, INCREMENTAL or PATCH
        base_artifact_id INTEGER,
        digest           TEXT NOT NULL, uploaded INTEGER NOT NULL DEFAULT 0) STRICT;
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
CREATE TABLE member (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        collection_id INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
        artifact_id   INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        version       INTEGER NOT NULL,
        created_at_s  REAL NOT NULL,
        UNIQUE (collection_id, version),
        UNIQUE (collection_id, artifact_id)
    ) STRICT;
CREATE TABLE merged (
        id          INTEGER PRIMARY KEY,     -- its number before
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE
    ) STRICT;
CREATE TABLE outline (
        run_id    INTEGER PRIMARY KEY REFERENCES run ON DELETE CASCADE,
        doubt     INTEGER NOT NULL DEFAULT 0,  -- no two are alike
        row_count INTEGER NOT NULL DEFAULT 0,
        in_order  INTEGER NOT NULL DEFAULT 0,  -- by their steps, rows stand at the lines 0, 1, 2 and so on
        too_long  INTEGER NOT NULL DEFAULT 0,
        text      TEXT                         -- JSON
    ) STRICT;
INSERT INTO "outline" VALUES(1,0,3,1,0,'{"last_step": 2, "keys": {"_step": {"types": {"number": 3}, "last": 2, "low": 0.0, "high": 2.0, "latest": 2.0}, "loss": {"types": {"number": 3}, "last": 0.5, "low": 0.5, "high": 0.9, "latest": 0.5}}}');
INSERT INTO "outline" VALUES(2,0,3,1,0,'{"last_step": 2, "keys": {"_step": {"types": {"number": 3}, "last": 2, "low": 0.0, "high": 2.0, "latest": 2.0}, "loss": {"types": {"number": 3}, "last": 0.5, "low": 0.5, "high": 0.9, "latest": 0.5}}}');
CREATE TABLE passed (
        run_id  INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        bracket INTEGER NOT NULL,            -- counted in values of the metric
        value   REAL NOT NULL,
        PRIMARY KEY (run_id, bracket)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE "pause" (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        from_s   REAL NOT NULL,
        until_s  REAL                       -- NULL: it lasts
    ) STRICT;
CREATE TABLE placed (
        writer_id INTEGER NOT NULL REFERENCES writer ON DELETE CASCADE,
        stream    TEXT NOT NULL,             -- history, event or log
        number    INTEGER NOT NULL,          -- of a line, as its writer counts
        line      INTEGER NOT NULL,          -- its place in the run
        PRIMARY KEY (writer_id, stream, number)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE prior_passed (
        sweep_id   INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        bracket    INTEGER NOT NULL,
        run_id     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        value      REAL,
        heard_at_s REAL NOT NULL,            -- the run's last sign of life then
        PRIMARY KEY (sweep_id, bracket, run_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE prior_run (
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        run_id   INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        PRIMARY KEY (sweep_id, run_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE "project" (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        entity       TEXT NOT NULL,
        name         TEXT NOT NULL,
        description  TEXT,
        created_at_s REAL NOT NULL,
        UNIQUE (entity, name)
    ) STRICT;
INSERT INTO "project" VALUES(1,'local','p',NULL,1.79600732819422721862e+09);
CREATE TABLE proposal (
        sweep_id   INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        suggestion INTEGER NOT NULL,
        params     TEXT NOT NULL,            -- JSON
        results    INTEGER NOT NULL,         -- how many runs had ended when it was found
        PRIMARY KEY (sweep_id, suggestion)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE "run" (
        id                  INTEGER PRIMARY KEY AUTOINCREMENT,
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
        log_lines           INTEGER NOT NULL DEFAULT 0, cause_kind TEXT, bracket INTEGER NOT NULL DEFAULT 0, early_stop TEXT, curve_length INTEGER NOT NULL DEFAULT 0, start TEXT, user_name TEXT,
        UNIQUE (project_id, name)
    ) STRICT;
INSERT INTO "run" VALUES(1,1,'tlnmx990',1,1,1,'finished','trial 1',NULL,NULL,'{"units": {"value": 8}}','{"loss": 0.5}',0.5,NULL,'[]',NULL,NULL,NULL,'h',NULL,0,0,1,NULL,NULL,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,3,0,0,NULL,0,NULL,0,NULL,NULL);
INSERT INTO "run" VALUES(2,1,'kqds73yo',1,2,1,'failed','trial 2',NULL,NULL,'{"units": {"value": 16}}','{"loss": 0.5}',0.5,NULL,'[]',NULL,NULL,NULL,'h',NULL,1,0,1,NULL,NULL,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,1.79600732819422721862e+09,3,0,0,'exception',0,NULL,0,NULL,NULL);
CREATE TABLE run_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id INTEGER NOT NULL UNIQUE
    ) STRICT;
INSERT INTO "run_change" VALUES(4,1);
INSERT INTO "run_change" VALUES(8,2);
CREATE TABLE saved_view (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        sweep_id   INTEGER REFERENCES sweep ON DELETE CASCADE,  -- NULL: of all of the project's runs
        name       TEXT NOT NULL,
        query      TEXT NOT NULL,            -- of the page's address
        user_name  TEXT,                     -- whose key saved it
        saved_at_s REAL NOT NULL
    ) STRICT;
CREATE TABLE session (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id      INTEGER REFERENCES user ON DELETE CASCADE,  -- NULL: by the server's own key
        token_hash   TEXT NOT NULL UNIQUE,
        browser      TEXT NOT NULL,
        started_at_s REAL NOT NULL,
        expires_at_s REAL NOT NULL
    ) STRICT;
CREATE TABLE "share" (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        sweep_id     INTEGER NOT NULL UNIQUE REFERENCES sweep ON DELETE CASCADE,
        token_hash   TEXT NOT NULL UNIQUE,   -- hex of SHA-256
        created_at_s REAL NOT NULL
    ) STRICT;
CREATE TABLE suggestion (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        project_id  INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        sweep_id    INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        run_name    TEXT NOT NULL UNIQUE,
        config      TEXT NOT NULL,           -- JSON of its values, each as {"value": ...}
        queued_at_s REAL NOT NULL
    ) STRICT;
CREATE TABLE "sweep" (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
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
    , stop_reason TEXT, search_error TEXT, engine TEXT, user_name TEXT) STRICT;
INSERT INTO "sweep" VALUES(1,1,'em05mu9w',NULL,NULL,'method: grid
metric:
  goal: minimize
  name: loss
parameters:
  units:
    values:
    - 8
    - 16
    - 32
','grid','loss','minimize',3,244583495,2,'RUNNING',NULL,NULL,1.79600732819422721862e+09,1.79600732819422721862e+09,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE sweep_mark (sweep_id INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE, mark INTEGER NOT NULL) STRICT;
INSERT INTO "sweep_mark" VALUES(1,-5038994234199942155);
CREATE TABLE team_member (
        team    TEXT NOT NULL,
        user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
        PRIMARY KEY (team, user_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE "trial" (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        sweep_id       INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        number         INTEGER NOT NULL,     -- from 0, in the order handed out
        key            TEXT NOT NULL,        -- the same point has the same key
        params         TEXT NOT NULL,        -- JSON
        outcome        TEXT,                 -- state of the counted run; NULL: not settled
        counted_run_id INTEGER,
        UNIQUE (sweep_id, number),
        UNIQUE (sweep_id, key)
    ) STRICT;
INSERT INTO "trial" VALUES(1,1,0,'{"units": 8}','{"units": 8}','finished',1);
INSERT INTO "trial" VALUES(2,1,1,'{"units": 16}','{"units": 16}',NULL,NULL);
CREATE TABLE usage (
        run_id      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        direction   TEXT NOT NULL,           -- in or out
        PRIMARY KEY (run_id, direction, artifact_id)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE used_name (
        project_id INTEGER NOT NULL REFERENCES project ON DELETE CASCADE,
        name       TEXT NOT NULL,
        run_id     INTEGER NOT NULL,         -- which one that was
        PRIMARY KEY (project_id, name)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE user (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        name         TEXT NOT NULL UNIQUE,
        role         TEXT NOT NULL,          -- read, run or admin
        key_hash     TEXT NOT NULL UNIQUE,   -- hex of SHA-256
        created_at_s REAL NOT NULL
    ) STRICT;
CREATE TABLE wanted (
        artifact_id INTEGER NOT NULL REFERENCES artifact ON DELETE CASCADE,
        md5         TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (artifact_id, md5)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE writer (
        id      INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id  INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        name    TEXT NOT NULL,               -- as its client calls itself; empty: it does not
        config  TEXT NOT NULL DEFAULT '{}',  -- JSON, as it last sent it
        summary TEXT NOT NULL DEFAULT '{}',
        UNIQUE (run_id, name)
    ) STRICT;
CREATE INDEX history_step ON history (run_id, step);
CREATE INDEX sweep_of_project ON sweep (project_id);
CREATE INDEX trial_open ON trial (sweep_id, number) WHERE outcome IS NULL;
CREATE INDEX agent_of_sweep ON agent (sweep_id);
CREATE INDEX run_of_trial ON run (trial_id);
CREATE INDEX run_live ON run (state) WHERE state IN ('pending', 'running', 'preempting');
CREATE INDEX run_preempted ON run (sweep_id) WHERE state = 'preempted';
CREATE INDEX run_by_metric ON run (sweep_id, metric, state);
CREATE INDEX run_of_agent ON run (agent_id, state);
CREATE INDEX entry_of_sweep ON entry (sweep_id);
CREATE INDEX pause_of_sweep ON pause (sweep_id);
CREATE INDEX entry_deleted ON entry (run_name) WHERE kind = 'deleted';
CREATE UNIQUE INDEX run_live_of_trial ON run (trial_id) WHERE state IN ('pending', 'running', 'preempting');
CREATE INDEX prior_run_of_run ON prior_run (run_id);
CREATE INDEX artifact_of_collection ON artifact (collection_id, digest);
CREATE INDEX artifact_of_run ON artifact (run_id);
CREATE INDEX artifact_pending ON artifact (updated_at_s) WHERE state = 'pending';
CREATE INDEX client_name_of_artifact ON client_name (artifact_id);
CREATE INDEX client_name_of_collection ON client_name (collection_id);
CREATE INDEX member_of_artifact ON member (artifact_id);
CREATE INDEX alias_of_artifact ON alias (artifact_id);
CREATE INDEX usage_of_artifact ON usage (artifact_id);
CREATE INDEX manifest_of_artifact ON manifest (artifact_id);
CREATE INDEX manifest_entry_content ON manifest_entry (content) WHERE content IS NOT NULL;
CREATE INDEX manifest_entry_refers_to ON manifest_entry (refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX wanted_md5 ON wanted (md5);
CREATE INDEX merged_into ON merged (artifact_id);
CREATE INDEX artifact_expires ON artifact (created_at_s + ttl_s) WHERE ttl_s > 0 AND state = 'committed';
CREATE INDEX suggestion_of_sweep ON suggestion (sweep_id);
CREATE INDEX prior_passed_of_run ON prior_passed (run_id);
CREATE INDEX outline_in_doubt ON outline (run_id) WHERE text IS NULL AND NOT too_long;
CREATE INDEX run_by_creation ON run (project_id, created_at_s, id);
CREATE INDEX run_of_sweep ON run (sweep_id, created_at_s, id);
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
CREATE INDEX team_member_of_user ON team_member (user_id);
CREATE INDEX session_of_user ON session (user_id);
CREATE TRIGGER sweep_mark_INSERT AFTER INSERT ON sweep BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.id; INSERT INTO sweep_mark SELECT new.id, random() WHERE new.id IN (SELECT id FROM sweep); END;
CREATE TRIGGER sweep_mark_UPDATE AFTER UPDATE ON sweep BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.id; INSERT INTO sweep_mark SELECT new.id, random() WHERE new.id IN (SELECT id FROM sweep); END;
CREATE TRIGGER run_mark_INSERT AFTER INSERT ON run  BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.sweep_id; INSERT INTO sweep_mark SELECT new.sweep_id, random() WHERE new.sweep_id IN (SELECT id FROM sweep); END;
CREATE TRIGGER run_mark_UPDATE AFTER UPDATE ON run WHEN new.sweep_id IS NOT old.sweep_id OR new.trial_id IS NOT old.trial_id OR new.state IS NOT old.state OR new.metric IS NOT old.metric OR new.cause_kind IS NOT old.cause_kind OR new.exit_code IS NOT old.exit_code OR new.started_at_s IS NOT old.started_at_s OR new.ended_at_s IS NOT old.ended_at_s BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.sweep_id; INSERT INTO sweep_mark SELECT new.sweep_id, random() WHERE new.sweep_id IN (SELECT id FROM sweep); END;
CREATE TRIGGER run_mark_DELETE AFTER DELETE ON run  BEGIN DELETE FROM sweep_mark WHERE sweep_id = old.sweep_id; INSERT INTO sweep_mark SELECT old.sweep_id, random() WHERE old.sweep_id IN (SELECT id FROM sweep); END;
CREATE TRIGGER trial_mark_INSERT AFTER INSERT ON trial  BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.sweep_id; INSERT INTO sweep_mark SELECT new.sweep_id, random() WHERE new.sweep_id IN (SELECT id FROM sweep); END;
CREATE TRIGGER trial_mark_UPDATE AFTER UPDATE ON trial WHEN new.sweep_id IS NOT old.sweep_id OR new.number IS NOT old.number OR new.outcome IS NOT old.outcome OR new.counted_run_id IS NOT old.counted_run_id BEGIN DELETE FROM sweep_mark WHERE sweep_id = new.sweep_id; INSERT INTO sweep_mark SELECT new.sweep_id, random() WHERE new.sweep_id IN (SELECT id FROM sweep); END;
CREATE TRIGGER trial_mark_DELETE AFTER DELETE ON trial  BEGIN DELETE FROM sweep_mark WHERE sweep_id = old.sweep_id; INSERT INTO sweep_mark SELECT old.sweep_id, random() WHERE old.sweep_id IN (SELECT id FROM sweep); END;
CREATE INDEX run_of_curve ON run (sweep_id, curve_length);
CREATE UNIQUE INDEX saved_view_named ON saved_view (project_id, coalesce(sweep_id, 0), name);
CREATE INDEX saved_view_of_sweep ON saved_view (sweep_id);
CREATE INDEX hidden_project_of_bin ON hidden_project (bin_id);
CREATE INDEX hidden_sweep_of_bin ON hidden_sweep (bin_id);
CREATE INDEX hidden_run_of_bin ON hidden_run (bin_id);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('project',1);
INSERT INTO "sqlite_sequence" VALUES('sweep',1);
INSERT INTO "sqlite_sequence" VALUES('trial',2);
INSERT INTO "sqlite_sequence" VALUES('agent',1);
INSERT INTO "sqlite_sequence" VALUES('run',2);
INSERT INTO "sqlite_sequence" VALUES('file',0);
INSERT INTO "sqlite_sequence" VALUES('entry',5);
INSERT INTO "sqlite_sequence" VALUES('share',0);
INSERT INTO "sqlite_sequence" VALUES('pause',0);
INSERT INTO "sqlite_sequence" VALUES('run_change',8);
COMMIT;
PRAGMA user_version=28;
