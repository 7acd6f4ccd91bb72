BEGIN TRANSACTION;
CREATE TABLE agent (
        id             INTEGER PRIMARY KEY,
        sweep_id       INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        name           TEXT NOT NULL UNIQUE,
        host           TEXT NOT NULL,
        created_at_s   REAL NOT NULL,
        heartbeat_at_s REAL NOT NULL,
        left_at_s      REAL                  -- told to exit, or given up
    ) STRICT;
INSERT INTO "agent" VALUES(1,1,'0vay41bs','h',1.79598310096242642398e+09,1.79598310139520716665e+09,NULL);
CREATE TABLE entry (
        id       INTEGER PRIMARY KEY,
        at_s     REAL NOT NULL,
        kind     TEXT NOT NULL,          -- handed, ended, settled, released
        sweep_id INTEGER NOT NULL REFERENCES sweep ON DELETE CASCADE,
        trial_id INTEGER NOT NULL,
        run_name TEXT NOT NULL,
        detail   TEXT NOT NULL
    ) STRICT;
INSERT INTO "entry" VALUES(1,1.79598310104532551761e+09,'handed',1,1,'j2eoq6re','0vay41bs');
INSERT INTO "entry" VALUES(2,1.79598310133103394514e+09,'ended',1,1,'j2eoq6re','finished 0');
INSERT INTO "entry" VALUES(3,1.79598310133103394514e+09,'settled',1,1,'j2eoq6re','finished');
INSERT INTO "entry" VALUES(4,1.79598310139520716665e+09,'handed',1,2,'jif3949x','0vay41bs');
INSERT INTO "entry" VALUES(5,1.79598310159649586677e+09,'ended',1,2,'jif3949x','failed 1');
CREATE TABLE event (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "event" VALUES(1,0,'{"system.cpu": 1.0, "_runtime": 1}');
INSERT INTO "event" VALUES(2,0,'{"system.cpu": 1.0, "_runtime": 1}');
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
INSERT INTO "file" VALUES(1,3,'f',5,'SzpiGLs+OnMD6KFxpg/Pkg==','application/octet-stream',1.795983101976334095e+09);
CREATE TABLE history (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        step   INTEGER,
        row    TEXT NOT NULL,                -- JSON, may hold NaN and Infinity
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "history" VALUES(1,0,0,'{"_step": 0, "loss": 1.0}');
INSERT INTO "history" VALUES(1,1,1,'{"_step": 1, "loss": 0.75}');
INSERT INTO "history" VALUES(1,2,2,'{"_step": 2, "loss": 0.5}');
INSERT INTO "history" VALUES(2,0,0,'{"_step": 0, "loss": 1.0}');
INSERT INTO "history" VALUES(2,1,1,'{"_step": 1, "loss": 0.75}');
INSERT INTO "history" VALUES(2,2,2,'{"_step": 2, "loss": 0.5}');
CREATE TABLE log (
        run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
        line   INTEGER NOT NULL,
        row    TEXT NOT NULL,
        PRIMARY KEY (run_id, line)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "log" VALUES(1,0,'a line
');
INSERT INTO "log" VALUES(2,0,'a line
');
CREATE TABLE project (
        id           INTEGER PRIMARY KEY,
        entity       TEXT NOT NULL,
        name         TEXT NOT NULL,
        description  TEXT,
        created_at_s REAL NOT NULL,
        UNIQUE (entity, name)
    ) STRICT;
INSERT INTO "project" VALUES(1,'local','p',NULL,1.79598310092388606072e+09);
CREATE TABLE proposal (
        sweep_id   INTEGER PRIMARY KEY REFERENCES sweep ON DELETE CASCADE,
        suggestion INTEGER NOT NULL,
        params     TEXT NOT NULL             -- JSON
    ) STRICT;
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
        log_lines           INTEGER NOT NULL DEFAULT 0, cause_kind TEXT, bracket INTEGER NOT NULL DEFAULT 0, early_stop TEXT,
        UNIQUE (project_id, name)
    ) STRICT;
INSERT INTO "run" VALUES(1,1,'j2eoq6re',1,1,1,'finished','trial 1',NULL,NULL,'{"units": {"value": 8}}','{"loss": 0.5}',0.5,NULL,'[]',NULL,NULL,NULL,'h',NULL,0,0,1,NULL,NULL,1.79598310113351345056e+09,1.79598310133103394514e+09,1.79598310104532551761e+09,1.79598310133103394514e+09,1.79598310133103394514e+09,3,1,1,NULL,0,NULL);
INSERT INTO "run" VALUES(2,1,'jif3949x',1,2,1,'failed','trial 2',NULL,NULL,'{"units": {"value": 8}}','{}',NULL,NULL,'[]',NULL,NULL,NULL,'h',NULL,1,0,1,NULL,NULL,1.7959831014576220512e+09,1.79598310159649586677e+09,1.79598310139520716665e+09,1.79598310159649586677e+09,1.79598310159649586677e+09,3,1,1,'exception',0,NULL);
INSERT INTO "run" VALUES(3,1,'plain',NULL,NULL,NULL,'running','run 3',NULL,NULL,'{}','{}',NULL,NULL,'[]',NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,1795983101.67672,NULL,1795983101.67672,1795983101.67672,1795983101.67672,0,0,0,NULL,0,NULL);
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
    , stop_reason TEXT) STRICT;
INSERT INTO "sweep" VALUES(1,1,'4669gr8e',NULL,NULL,'method: grid
metric: {name: loss, goal: minimize}
parameters:
  units: {values: [8, 16, 32]}
','grid','loss','minimize',3,749522190,2,'RUNNING',NULL,NULL,1.79598310092388606072e+09,1.79598310096242642398e+09,NULL,NULL);
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
INSERT INTO "trial" VALUES(1,1,0,'{"units": 8}','{"units": 8}','finished',1);
INSERT INTO "trial" VALUES(2,1,1,'{"units": 16}','{"units": 16}',NULL,NULL);
CREATE INDEX sweep_of_project ON sweep (project_id);
CREATE INDEX agent_of_sweep ON agent (sweep_id);
CREATE INDEX run_of_sweep ON run (sweep_id);
CREATE INDEX run_of_trial ON run (trial_id);
CREATE INDEX run_of_agent ON run (agent_id);
CREATE INDEX run_live ON run (state) WHERE state IN ('pending', 'running', 'preempting');
CREATE INDEX history_step ON history (run_id, step);
CREATE INDEX entry_of_sweep ON entry (sweep_id);
COMMIT;
PRAGMA user_version=3;
