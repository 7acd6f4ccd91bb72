"""Addresses of pages; W&B's client prints the same ones."""

from urllib.parse import quote

from server.store.rows import Project, Sweep


def project_url(project: Project) -> str:
    return f"/{_part(project.entity)}/{_part(project.name)}"


def sweep_url(project: Project, sweep: Sweep) -> str:
    return f"{project_url(project)}/sweeps/{_part(sweep.name)}"


def run_url(project: Project, name: str) -> str:
    return f"{project_url(project)}/runs/{_part(name)}"


def _part(name: str) -> str:
    return quote(name, safe="")
