"""A sweep in words and figures, the same in the list and on its own page."""

from dataclasses import dataclass, replace

from charts import format
from server.pages.words.look import KIND_LOOKS, Look, stopped_itself
from server.store.queries import Progress
from server.store.rows import Project, Sweep
from terms import states
from terms.points import WAITING


@dataclass(frozen=True)
class Count:
    """How many points are of one kind; `url` shows only these, where there is such a list."""

    look: Look
    number: str
    url: str | None = None


@dataclass(frozen=True)
class Segment:
    """One of a few choices."""

    text: str
    url: str
    chosen: bool


def title_of(sweep: Sweep) -> str:
    return sweep.display_name or sweep.name


def project_title(project: Project, user: str | None) -> str:
    """A project's name, with its entity's where there are users."""
    return project.name if user is None else f"{project.entity}/{project.name}"


def stop_reason(sweep: Sweep) -> str | None:
    """Why a sweep ended itself; None for one that did not, or goes on."""
    return sweep.stop_reason if stopped_itself(sweep) else None


def search_error(sweep: Sweep) -> str | None:
    """Why a sweep's agents wait for a suggestion that cannot be found; None for one that does not ask for any."""
    return sweep.search_error if sweep.state in (states.SWEEP_PENDING, states.SWEEP_RUNNING) else None


def kind_of(sweep: Sweep) -> str:
    """The search in two or three words: grid of 300; random, cap 60; random, no end; by optuna, cap 40."""
    name = sweep.method if sweep.engine is None else f"by {sweep.engine}"
    if sweep.expected is None:
        return f"{name}, no end"
    join = " of " if name == "grid" else ", cap "
    return f"{name}{join}{format.count(sweep.expected)}"


def kinds(progress: Progress) -> dict[str, int]:
    """A sweep's points by kind, as the progress bar wants them."""
    return {**progress.outcomes, states.RUNNING: progress.running, WAITING: max(progress.waiting or 0, 0)}


def counts(sweep: Sweep, progress: Progress) -> dict[str, Count]:
    """The kinds that there are, in the order of the bar."""
    found = kinds(progress)
    looks = KIND_LOOKS
    if sweep.ended_at_s is not None:
        looks = {**KIND_LOOKS, "waiting": replace(KIND_LOOKS["waiting"], word="not done")}
    return {kind: Count(look, format.count(found[kind])) for kind, look in looks.items() if found.get(kind)}


def of_expected(sweep: Sweep) -> str:
    """ " of 300"; "" for a search without end."""
    return "" if sweep.expected is None else f" of {format.count(sweep.expected)}"
