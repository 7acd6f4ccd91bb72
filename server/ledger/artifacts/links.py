"""Portfolios: collections of links to versions, with numbers and aliases of their own."""

import sqlite3

from server.ledger.artifacts import collections, deletion
from server.ledger.artifacts.commit import add_member
from server.ledger.artifacts.names import check_alias
from server.refusal import NotFoundError, RefusalError
from server.store import artifact_queries as queries
from server.store import artifact_writes, writes
from server.store.artifact_rows import COMMITTED, LATEST, PORTFOLIO, Artifact, Collection, Member
from server.store.queries import by_id
from server.store.rows import Project


def link(
    tx: sqlite3.Connection, project: Project, name: str, artifact: Artifact, aliases: list[str], now_s: float
) -> Member:
    """Links a version into a portfolio, which is made if there is none; `latest` moves to what was linked last.

    Raises:
        RefusalError: the version is not committed, an alias cannot be one, or the name is that of something else.
    """
    if artifact.state != COMMITTED:
        raise RefusalError("this version is not committed yet: only a whole one can be linked")
    type = by_id(tx, Collection, artifact.collection_id).type
    portfolio = collections.found_or_made(tx, project, name, PORTFOLIO, type, now_s)
    member = queries.member(tx, portfolio.id, artifact.id) or add_member(tx, portfolio, artifact, now_s)
    for alias in dict.fromkeys([*aliases, LATEST]):
        artifact_writes.set_alias(tx, portfolio.id, check_alias(alias), artifact.id)
    return member


def unlink(tx: sqlite3.Connection, portfolio: Collection, artifact: Artifact) -> None:
    """Takes a version out of a portfolio, with its aliases there.

    Raises:
        RefusalError: the collection owns the version.
        NotFoundError: it is not linked there.
    """
    if portfolio.kind != PORTFOLIO:
        raise RefusalError(f"{portfolio.name!r} owns this version: it can be deleted there, not unlinked")
    member = queries.member(tx, portfolio.id, artifact.id)
    if member is None:
        raise NotFoundError(f"this version is not linked to {portfolio.name!r}")
    aliases = [alias.alias for alias in queries.aliases(tx, artifact.id, portfolio.id)]
    for alias in aliases:
        artifact_writes.drop_alias(tx, portfolio.id, alias, artifact.id)
    writes.delete(tx, "member", member.id)
    if LATEST in aliases:
        deletion.name_latest(tx, portfolio.id)
