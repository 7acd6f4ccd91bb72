"""What the address of a request names, and by which address this server is reached."""

import sqlite3

from starlette.requests import Request

from server.refusal import NotFoundError
from server.settings import Settings
from server.store import queries
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


def base_url(request: Request, settings: Settings) -> str:
    """Of this server, as the reader knows it."""
    return (settings.public_url or str(request.base_url)).rstrip("/")
