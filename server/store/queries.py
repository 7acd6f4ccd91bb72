"""Named reads: SQL in, typed rows out. Every function takes a connection inside a transaction."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final, TypeVar

from server import causes
from server.store.artifact_rows import Alias, Artifact, Collection, Manifest, ManifestEntry, Member
from server.store.kept_answers import kept
from server.store.rows import (
    Agent,
    Alert,
    Deleted,
    Entry,
    KeptOutline,
    Notice,
    Project,
    Run,
    SavedView,
    StoredFile,
    Suggestion,
    Sweep,
    Trial,
    Writer,
)
from server.store.user_rows import Act, Session, User
from terms import states
from terms.record import INTERRUPTED_EXIT_CODES

Row = TypeVar("Row")
TABLES: dict[type[Any], str] = {
    Project: "project",
    Sweep: "sweep",
    Trial: "trial",
    Agent: "agent",
    Run: "run",
    StoredFile: "file",
    KeptOutline: "outline",
    Writer: "writer",
    Entry: "entry",
    Suggestion: "suggestion",
    Collection: "collection",
    Artifact: "artifact",
    Member: "member",
    Alias: "alias",
    Manifest: "manifest",
    ManifestEntry: "manifest_entry",
    User: "user",
    Session: "session",
    Act: "audit",
    SavedView: "saved_view",
    Deleted: "bin",
    Alert: "alert",
    Notice: "notice",
}
STREAMS = ("history", "event", "log")

SELECTS = {
    row: f"SELECT {', '.join(f'{table}.{field.name}' for field in fields(row))} FROM {table} "
    for row, table in TABLES.items()
}


def listed(values: Iterable[str | int]) -> str:
    """Constants of the code as SQL: ('pending', 'running')."""
    return f"({', '.join(map(repr, values))})"


LIVE: Final = listed(states.LIVE)
FAILURES: Final = listed(states.FAILURES)
# The last value of a run that failed or was lost is no result.
HAS_RESULT: Final = f"metric IS NOT NULL AND state NOT IN {FAILURES}"
FAILED_ITSELF: Final = (
    f"run.state = '{states.FAILED}' AND coalesce(run.exit_code, 1) NOT IN {listed(INTERRUPTED_EXIT_CODES)}"
)
# Of a sweep (the first value) and a bracket (the second).
IN_DOUBT: Final = (
    "WHERE run.sweep_id = ?1 AND curve_length >= ?2 AND NOT EXISTS "
    "(SELECT 1 FROM passed WHERE passed.run_id = run.id AND passed.bracket = ?2)"
)


def shown(state: str) -> str:
    """The SQL of a state as people are told it; W&B has one word for what a rule and what a person stopped."""
    early = f"{state} = '{states.KILLED}' AND run.cause_kind = '{causes.STOPPED_BY_RULE}'"
    return f"CASE WHEN {early} THEN '{states.STOPPED_EARLY}' ELSE {state} END"


def all_rows(connection: sqlite3.Connection, row: type[Row], where: str, *values: object) -> list[Row]:
    """Rows of one table; `where` is what follows `FROM table`."""
    return [row(*columns) for columns in connection.execute(SELECTS[row] + where, values)]


def one_row(connection: sqlite3.Connection, row: type[Row], where: str, *values: object) -> Row | None:
    """The first such row, or None."""
    columns = connection.execute(SELECTS[row] + where, values).fetchone()
    return None if columns is None else row(*columns)


def by_id(connection: sqlite3.Connection, row: type[Row], id: int) -> Row:
    """The row with this number.

    Raises:
        LookupError: there is none.
    """
    found = one_row(connection, row, "WHERE id = ?", id)
    if found is None:
        raise LookupError(f"no {TABLES[row]} {id}")
    return found


def project(connection: sqlite3.Connection, entity: str, name: str) -> Project | None:
    return one_row(connection, Project, "WHERE entity = ? AND name = ?", entity, name)


def projects(connection: sqlite3.Connection, entity: str | None = None) -> list[Project]:
    return all_rows(connection, Project, "WHERE entity = coalesce(?, entity) ORDER BY created_at_s DESC", entity)


def sweep(connection: sqlite3.Connection, name: str) -> Sweep | None:
    return one_row(connection, Sweep, "WHERE name = ?", name)


def sweeps(connection: sqlite3.Connection, project_id: int | None = None) -> list[Sweep]:
    """Sweeps, newest first; of one project or of all."""
    where = "WHERE project_id = coalesce(?, project_id) ORDER BY created_at_s DESC, id DESC"
    return all_rows(connection, Sweep, where, project_id)


def trial_by_key(connection: sqlite3.Connection, sweep_id: int, key: str) -> Trial | None:
    return one_row(connection, Trial, "WHERE sweep_id = ? AND key = ?", sweep_id, key)


def waiting_trial(connection: sqlite3.Connection, sweep_id: int, *, failed: bool) -> Trial | None:
    """The first point that is neither settled nor in the hands of a live or preempted run.

    Args:
        failed: among those that have failed by themselves, or among those that were lost or interrupted.
    """
    return one_row(
        connection,
        Trial,
        "WHERE sweep_id = ? AND outcome IS NULL AND NOT EXISTS (SELECT 1 FROM run WHERE run.trial_id = trial.id "
        f"AND run.state IN {listed((*states.LIVE, states.PREEMPTED))}) AND EXISTS (SELECT 1 FROM run WHERE "
        f"run.trial_id = trial.id AND {FAILED_ITSELF}) = ? "
        "ORDER BY number LIMIT 1",
        sweep_id,
        failed,
    )


def open_trials(connection: sqlite3.Connection, sweep_id: int) -> int:
    """How many points were handed out and are not settled."""
    (count,) = connection.execute(
        "SELECT count(*) FROM trial WHERE sweep_id = ? AND outcome IS NULL", (sweep_id,)
    ).fetchone()
    return int(count)


def trial_count(connection: sqlite3.Connection, sweep_id: int) -> int:
    (count,) = connection.execute("SELECT count(*) FROM trial WHERE sweep_id = ?", (sweep_id,)).fetchone()
    return int(count)


@kept
def outcomes(connection: sqlite3.Connection, sweep_id: int) -> dict[str, int]:
    """Settled points by what became of them: finished, stopped early, failed, killed."""
    sql = (
        f"SELECT {shown('trial.outcome')}, count(*) FROM trial LEFT JOIN run ON run.id = trial.counted_run_id "
        "WHERE trial.sweep_id = ? AND trial.outcome IS NOT NULL GROUP BY 1"
    )
    return dict(connection.execute(sql, (sweep_id,)))


@dataclass(frozen=True, slots=True)
class Failure:
    """Runs of a sweep that went wrong in one way.

    Attributes:
        kind: one of `server.causes.KINDS`.
        runs: how many, every attempt counted.
        points: how many of these settled their point as failed.
        last: the last of them.
    """

    kind: str
    runs: int
    points: int
    last: Run


def failures(connection: sqlite3.Connection, sweep_id: int) -> list[Failure]:
    """What went wrong in a sweep, by kind; what cost most points first."""
    sql = (
        "SELECT coalesce(run.cause_kind, :unknown) AS kind, count(*), "
        f"count(*) FILTER (WHERE trial.counted_run_id = run.id AND trial.outcome = '{states.FAILED}'), max(run.id) "
        "FROM run LEFT JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = :sweep "
        f"AND (run.state IN {FAILURES} OR run.cause_kind = :nan) GROUP BY kind ORDER BY 3 DESC, 2 DESC, kind"
    )
    values = {"sweep": sweep_id, "unknown": causes.EXCEPTION, "nan": causes.NAN_METRIC}
    rows = connection.execute(sql, values).fetchall()
    return [Failure(kind, runs, points, by_id(connection, Run, last)) for kind, runs, points, last in rows]


def is_shared(connection: sqlite3.Connection, sweep_id: int) -> bool:
    """Tells whether there is a link that shows the sweep to whoever has it."""
    return connection.execute("SELECT 1 FROM share WHERE sweep_id = ?", (sweep_id,)).fetchone() is not None


def sweep_of_share(connection: sqlite3.Connection, token_hash: str) -> Sweep | None:
    return one_row(connection, Sweep, "WHERE id = (SELECT sweep_id FROM share WHERE token_hash = ?)", token_hash)


def sweep_of_share_numbered(connection: sqlite3.Connection, number: int) -> Sweep | None:
    return one_row(connection, Sweep, "WHERE id = (SELECT sweep_id FROM share WHERE id = ?)", number)


def share_of(connection: sqlite3.Connection, sweep_id: int) -> int:
    """The number of a sweep's link, which no other link ever has; 0 for none."""
    row = connection.execute("SELECT id FROM share WHERE sweep_id = ?", (sweep_id,)).fetchone()
    return int(row[0]) if row else 0


def losing_runs(connection: sqlite3.Connection, sweep_id: int) -> set[int]:
    """Numbers of the runs whose failure is what their point was settled with."""
    sql = f"SELECT counted_run_id FROM trial WHERE sweep_id = ? AND outcome = '{states.FAILED}'"
    return {number for (number,) in connection.execute(sql, (sweep_id,))}


def failed_points(connection: sqlite3.Connection, sweep_id: int) -> int:
    """Points without a result of which a run failed by itself: settled with that, or to be tried again."""
    sql = (
        f"SELECT count(*) FROM trial WHERE sweep_id = ? AND (outcome = '{states.FAILED}' OR outcome IS NULL "
        f"AND EXISTS (SELECT 1 FROM run WHERE run.trial_id = trial.id AND {FAILED_ITSELF}))"
    )
    (count,) = connection.execute(sql, (sweep_id,)).fetchone()
    return int(count)


def agent(connection: sqlite3.Connection, name: str) -> Agent | None:
    return one_row(connection, Agent, "WHERE name = ?", name)


def agents(connection: sqlite3.Connection, sweep_id: int) -> list[Agent]:
    return all_rows(connection, Agent, "WHERE sweep_id = ? ORDER BY id", sweep_id)


def agents_not_left(connection: sqlite3.Connection) -> list[Agent]:
    return all_rows(connection, Agent, "WHERE left_at_s IS NULL ORDER BY id")


def last_told_s(connection: sqlite3.Connection) -> float:
    """The latest moment that any sweep, agent or run was told of; 0 before the first."""
    sql = (
        "SELECT max(at_s) FROM (SELECT max(updated_at_s) AS at_s FROM sweep UNION ALL "
        "SELECT max(heartbeat_at_s) FROM agent UNION ALL SELECT max(max(updated_at_s, heartbeat_at_s)) FROM run)"
    )
    return float(connection.execute(sql).fetchone()[0] or 0.0)


def run(connection: sqlite3.Connection, project_id: int, name: str) -> Run | None:
    return one_row(connection, Run, "WHERE project_id = ? AND name = ?", project_id, name)


def run_numbered(connection: sqlite3.Connection, id: int | None) -> Run | None:
    """The run of a number that something else keeps; None where it is deleted, which can be brought back."""
    return one_row(connection, Run, "WHERE id = ?", id)


def run_of_node(connection: sqlite3.Connection, number: int, name: str) -> Run | None:
    """The run of a node id: of this number, under its name or that of another run of its point.

    Below 0 the number is that of a suggestion, which an agent may have taken since: as a run of this name.
    """
    if number < 0:
        return one_row(connection, Run, "WHERE trial_id IS NOT NULL AND name = ?", name)
    of_point = "SELECT other.trial_id FROM run AS other WHERE other.project_id = run.project_id AND other.name = ?2"
    return one_row(connection, Run, f"WHERE id = ?1 AND (name = ?2 OR trial_id = ({of_point}))", number, name)


def run_of_sweep(connection: sqlite3.Connection, sweep_id: int, name: str) -> Run | None:
    # Names are unique in a project, and have an index there.
    where = "WHERE project_id = (SELECT project_id FROM sweep WHERE id = ?1) AND name = ?2 AND sweep_id = ?1"
    return one_row(connection, Run, where, sweep_id, name)


def runs(connection: sqlite3.Connection, project_id: int) -> list[Run]:
    return all_rows(connection, Run, "WHERE project_id = ? ORDER BY created_at_s, id", project_id)


def runs_of_sweep(connection: sqlite3.Connection, sweep_id: int) -> list[Run]:
    return all_rows(connection, Run, "WHERE sweep_id = ? ORDER BY created_at_s, id", sweep_id)


def runs_of_agent(connection: sqlite3.Connection, agent_id: int) -> list[Run]:
    return all_rows(connection, Run, "WHERE agent_id = ? ORDER BY created_at_s, id", agent_id)


def live_runs_of_agent(connection: sqlite3.Connection, agent_id: int) -> list[Run]:
    where = f"WHERE agent_id = ? AND state IN {LIVE} ORDER BY created_at_s, id"
    return all_rows(connection, Run, where, agent_id)


def runs_of_trial(connection: sqlite3.Connection, trial_id: int) -> list[Run]:
    return all_rows(connection, Run, "WHERE trial_id = ? ORDER BY id", trial_id)


def live_runs(connection: sqlite3.Connection) -> list[Run]:
    return all_rows(connection, Run, f"WHERE state IN {LIVE} ORDER BY id")


def preempted_run(connection: sqlite3.Connection, sweep_id: int) -> Run | None:
    """A run of an unsettled point that waits to be resumed under its own id."""
    where = (
        f"WHERE sweep_id = ? AND state = '{states.PREEMPTED}' AND trial_id IN "
        "(SELECT id FROM trial WHERE outcome IS NULL) ORDER BY ended_at_s LIMIT 1"
    )
    return one_row(connection, Run, where, sweep_id)


def was_handed_out(connection: sqlite3.Connection, trial: Trial) -> bool:
    """Tells whether a point was ever given to an agent; its runs may be deleted since."""
    sql = "SELECT 1 FROM entry WHERE sweep_id = ? AND trial_id = ? AND kind = 'handed' LIMIT 1"
    return connection.execute(sql, (trial.sweep_id, trial.id)).fetchone() is not None


def hand_outs(connection: sqlite3.Connection, sweep_id: int | None, run_name: str) -> int:
    """How often a run of a sweep was given to an agent."""
    sql = "SELECT count(*) FROM entry WHERE sweep_id = ? AND run_name = ? AND kind = 'handed'"
    return int(connection.execute(sql, (sweep_id, run_name)).fetchone()[0])


def best_run(connection: sqlite3.Connection, sweep: Sweep) -> Run | None:
    """The sweep's run with the best value of its metric; None before the first value."""
    direction = "DESC" if sweep.goal == "maximize" else "ASC"
    where = f"WHERE sweep_id = ? AND {HAS_RESULT} ORDER BY metric {direction}, id LIMIT 1"
    return one_row(connection, Run, where, sweep.id)


@kept
def run_states(connection: sqlite3.Connection, sweep_id: int) -> dict[str, int]:
    """Runs of a sweep by state, every attempt counted; those stopped early apart from those killed."""
    sql = f"SELECT {shown('run.state')}, count(*) FROM run WHERE sweep_id = ? GROUP BY 1"
    return dict(connection.execute(sql, (sweep_id,)))


def run_count(connection: sqlite3.Connection, project_id: int) -> int:
    (count,) = connection.execute("SELECT count(*) FROM run WHERE project_id = ?", (project_id,)).fetchone()
    return int(count)


def last_run(connection: sqlite3.Connection) -> int:
    """The highest number of any run, than which there are not more; 0 before the first."""
    (found,) = connection.execute("SELECT max(id) FROM main.run").fetchone()
    return int(found or 0)


def run_count_of_sweep(connection: sqlite3.Connection, sweep_id: int) -> int:
    (count,) = connection.execute("SELECT count(*) FROM run WHERE sweep_id = ?", (sweep_id,)).fetchone()
    return int(count)


def entries(connection: sqlite3.Connection, sweep_id: int) -> list[Entry]:
    return all_rows(connection, Entry, "WHERE sweep_id = ? ORDER BY id", sweep_id)


def was_used(connection: sqlite3.Connection, project_id: int, run_name: str) -> bool:
    """Tells whether a project has a run of this name, or has had one that was deleted or moved."""
    sql = (
        "SELECT 1 FROM entry JOIN main.sweep ON sweep.id = entry.sweep_id "
        "WHERE entry.kind = 'deleted' AND entry.run_name = :name AND sweep.project_id = :project "
        "UNION ALL SELECT 1 FROM main.run WHERE project_id = :project AND name = :name "
        "UNION ALL SELECT 1 FROM used_name WHERE project_id = :project AND name = :name"
    )
    return connection.execute(sql, {"name": run_name, "project": project_id}).fetchone() is not None


def missing(connection: sqlite3.Connection, kind: str) -> list[int]:
    """Numbers of sweeps or projects that are neither there nor recorded as deleted.

    Args:
        kind: the table.
    """
    given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (kind,)).fetchone() or (0,)
    known = f"SELECT id FROM main.{kind} UNION SELECT number FROM deletion WHERE kind = '{kind}'"
    there = {number for (number,) in connection.execute(known)}
    return [number for number in range(1, given[0] + 1) if number not in there]


def trials(connection: sqlite3.Connection, sweep_id: int) -> list[Trial]:
    return all_rows(connection, Trial, "WHERE sweep_id = ? ORDER BY number", sweep_id)


def file(connection: sqlite3.Connection, run_id: int, name: str) -> StoredFile | None:
    return one_row(connection, StoredFile, "WHERE run_id = ? AND name = ?", run_id, name)


def file_of(connection: sqlite3.Connection, id: int, run_name: str) -> StoredFile | None:
    """The file with this number, if its run has this name."""
    where = "WHERE id = ? AND (SELECT name FROM run WHERE run.id = file.run_id) = ?"
    return one_row(connection, StoredFile, where, id, run_name)


def discarded(connection: sqlite3.Connection, limit: int = 1) -> list[tuple[int, str | None]]:
    """(number of the run, name of the file, or None for all of them) of some of the bytes that are to be removed."""
    return list(connection.execute("SELECT run_id, name FROM discarded LIMIT ?", (limit,)))


def stored_names(connection: sqlite3.Connection, run_id: int) -> list[str]:
    """The names of a run's files, though it be deleted as long as it can be brought back."""
    return [name for (name,) in connection.execute("SELECT name FROM main.file WHERE run_id = ?", (run_id,))]


def files(connection: sqlite3.Connection, run_id: int, pattern: str | None = None) -> list[StoredFile]:
    """A run's files by name; `pattern` is SQL LIKE, as W&B's is."""
    return all_rows(connection, StoredFile, "WHERE run_id = ? AND name LIKE ? ORDER BY name", run_id, pattern or "%")


def file_count(connection: sqlite3.Connection, run_id: int) -> int:
    (count,) = connection.execute("SELECT count(*) FROM file WHERE run_id = ?", (run_id,)).fetchone()
    return int(count)


def lines(
    connection: sqlite3.Connection,
    stream: str,
    run_id: int,
    *,
    after: int = -1,
    limit: int = -1,
    last: int | None = None,
) -> list[tuple[int, str]]:
    """(line number, text) of one of a run's streams, in order; `last` takes the end instead of the beginning."""
    if stream not in STREAMS:
        raise ValueError(f"no stream {stream!r}; there are {', '.join(STREAMS)}")
    if last is not None:
        sql = f"SELECT line, row FROM {stream} WHERE run_id = ? ORDER BY line DESC LIMIT ?"
        return list(connection.execute(sql, (run_id, last)))[::-1]
    sql = f"SELECT line, row FROM {stream} WHERE run_id = ? AND line > ? ORDER BY line LIMIT ?"
    return list(connection.execute(sql, (run_id, after, limit)))


def events_at(connection: sqlite3.Connection, run_id: int, numbers: Iterable[int]) -> list[str]:
    """The system metrics at those of some lines that are there, in order."""
    sql = "SELECT row FROM event WHERE run_id = ? AND line IN (SELECT value FROM json_each(?)) ORDER BY line"
    return [row for (row,) in connection.execute(sql, (run_id, json.dumps(list(numbers))))]


def former_files(connection: sqlite3.Connection, run_id: int) -> list[StoredFile]:
    """A run's files of starts before the present one."""
    return all_rows(connection, StoredFile, "WHERE run_id = ? AND former = 1", run_id)


def line(connection: sqlite3.Connection, stream: str, run_id: int, number: int) -> str | None:
    """The text of one line of one of a run's streams."""
    if stream not in STREAMS:
        raise ValueError(f"no stream {stream!r}; there are {', '.join(STREAMS)}")
    found = connection.execute(f"SELECT row FROM {stream} WHERE run_id = ? AND line = ?", (run_id, number)).fetchone()
    return None if found is None else str(found[0])


def last_passed(connection: sqlite3.Connection, run_id: int) -> int:
    """The highest bracket at which a run's value is kept; 0 for none."""
    (bracket,) = connection.execute("SELECT max(bracket) FROM passed WHERE run_id = ?", (run_id,)).fetchone()
    return int(bracket or 0)


def values_at(connection: sqlite3.Connection, sweep_id: int, bracket: int, *, but: int) -> list[float]:
    """What is kept at a bracket of a sweep's runs but one."""
    sql = (
        "SELECT passed.value FROM run CROSS JOIN passed ON passed.run_id = run.id AND passed.bracket = ? "
        "WHERE run.sweep_id = ? AND run.id != ?"
    )
    return [value for (value,) in connection.execute(sql, (bracket, sweep_id, but))]


def runs_in_doubt(connection: sqlite3.Connection, sweep_id: int, bracket: int) -> list[Run]:
    """Runs of a sweep that may have passed a bracket and of which no value is kept there."""
    return all_rows(connection, Run, IN_DOUBT, sweep_id, bracket)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep is: points by what became of them, and what is left.

    Attributes:
        outcomes: settled points by what became of them (finished, stopped early, failed, killed).
        running: points in the hands of a live run.
        waiting: points handed out before and to be given again, plus those never handed out; None when endless.
        failed: points without a result of which a run failed by itself, settled or not.
    """

    outcomes: dict[str, int]
    running: int
    waiting: int | None
    failed: int

    @property
    def settled(self) -> int:
        return sum(self.outcomes.values())


@kept
def progress(connection: sqlite3.Connection, sweep: Sweep) -> Progress:
    settled = outcomes(connection, sweep.id)
    (running,) = connection.execute(
        "SELECT count(DISTINCT trial_id) FROM run JOIN trial ON trial.id = run.trial_id WHERE run.sweep_id = ? "
        f"AND trial.outcome IS NULL AND run.state IN {LIVE}",
        (sweep.id,),
    ).fetchone()
    waiting = None if sweep.expected is None else sweep.expected - sum(settled.values()) - int(running)
    return Progress(settled, int(running), waiting, failed_points(connection, sweep.id))


def has_result(connection: sqlite3.Connection, sweep_id: int) -> bool:
    """Whether any run of the sweep finished or logged the sweep's metric."""
    where = f"WHERE sweep_id = ? AND (state = '{states.FINISHED}' OR metric IS NOT NULL) LIMIT 1"
    return one_row(connection, Run, where, sweep_id) is not None


def run_exists(connection: sqlite3.Connection, id: int, name: str) -> bool:
    return one_row(connection, Run, "WHERE id = ? AND name = ?", id, name) is not None
