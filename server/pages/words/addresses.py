"""Addresses of pages; W&B's client prints the same ones."""

from typing import Final
from urllib.parse import quote

from server.store.artifact_page_queries import Listed, Version
from server.store.rows import Project, Sweep

SIGN_OUT: Final = "/logout"
# With two sweeps by their places.
COMPARE: Final = "/compare"


def project_url(project: Project) -> str:
    return _home(project.entity, project.name)


def sweep_url(project: Project, sweep: Sweep) -> str:
    return f"{project_url(project)}/sweeps/{_part(sweep.name)}"


def sweep_place(project: Project, sweep: Sweep) -> str:
    """As W&B's commands name a sweep: entity/project/id."""
    return f"{project.entity}/{project.name}/{sweep.name}"


def run_url(project: Project, name: str) -> str:
    return f"{project_url(project)}/runs/{_part(name)}"


def console_url(project: Project, name: str) -> str:
    """All that a run said; W&B has it there, too."""
    return f"{run_url(project, name)}/logs"


def artifacts_url(project: Project, type: str | None = None) -> str:
    """The list of a project's artifacts, of one type or of all."""
    return f"{project_url(project)}/artifacts{'' if type is None else f'/{_part(type)}'}"


def version_url(version: Version) -> str:
    home = _home(version.entity, version.project)
    return f"{home}/artifacts/{_part(version.type)}/{_part(version.collection)}/v{version.number}"


def last_url(project: Project, listed: Listed) -> str:
    """The highest version of a collection."""
    return f"{artifacts_url(project, listed.type)}/{_part(listed.name)}/v{listed.last}"


def linked_url(entity: str, project: str, collection: str, version: str) -> str:
    """Leads to a version that is linked as a model, whatever its type."""
    return f"{_home(entity, project)}/artifacts/model/{_part(collection)}/{_part(version)}"


def session_url(number: int) -> str:
    """Ends a session."""
    return f"/settings/sessions/{number}/end"


def restore_url(number: int) -> str:
    """Brings back what was deleted, by the number of its line in the bin."""
    return f"/deleted/{number}/restore"


def _home(entity: str, project: str) -> str:
    return f"/{_part(entity)}/{_part(project)}"


def _part(name: str) -> str:
    return quote(name, safe="")
