"""What the address of a request names."""

import sqlite3

from starlette.requests import Request

from server.refusal import NotFoundError
from server.store import artifact_queries, queries
from server.store.artifact_rows import LATEST, Collection, Member
from server.store.rows import Project, Run, Sweep


def project_of(request: Request, connection: sqlite3.Connection) -> Project:
    """The project of the address; like those below, NotFoundError where there is none."""
    entity, name = request.path_params["entity"], request.path_params["project"]
    project = queries.project(connection, entity, name)
    if project is None:
        raise NotFoundError(f"There is no project {entity}/{name}.")
    return project


def sweep_of(request: Request, connection: sqlite3.Connection) -> tuple[Project, Sweep]:
    project = project_of(request, connection)
    sweep = queries.sweep(connection, request.path_params["sweep"])
    if sweep is None or sweep.project_id != project.id:
        raise NotFoundError(f"Project {project.name} has no sweep {request.path_params['sweep']}.")
    return project, sweep


def run_of(request: Request, connection: sqlite3.Connection) -> tuple[Project, Run]:
    project = project_of(request, connection)
    run = queries.run(connection, project.id, request.path_params["run"])
    if run is None:
        raise NotFoundError(f"Project {project.name} has no run {request.path_params['run']}.")
    return project, run


def version_of(request: Request, connection: sqlite3.Connection) -> tuple[Project, Collection, Member]:
    """A version of an artifact by its number, an alias or its digest; the latest, where the address names none."""
    project = project_of(request, connection)
    name, version = request.path_params["collection"], request.path_params.get("version", LATEST)
    collection = artifact_queries.collection(connection, project.id, name)
    if collection is None:
        raise NotFoundError(f"Project {project.name} has no artifact {name}.")
    member = artifact_queries.member_called(connection, collection.id, version)
    if member is None:
        raise NotFoundError(_missing(collection, version))
    return project, collection, member


def _missing(collection: Collection, version: str) -> str:
    number = artifact_queries.VERSION.fullmatch(version)
    if number and int(number[1]) < collection.next_version:
        return f"{collection.name}:{version} was deleted."
    return f"Artifact {collection.name} has no version {version}."
