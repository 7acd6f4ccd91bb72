"""A sweep's results in a few sentences, as HTML: what decided, what did not, and how far it got."""

from collections.abc import Sequence
from html import escape

from app.commands.report.findings import Findings
from charts import format
from charts.bars import Bar, better
from search.importance import Importance, TooFew

# A parameter that explains more than this decides, one that explains less than the other adds a little.
DECIDES, LITTLE = 0.5, 0.15


def sentences(found: Findings) -> str:
    """What a person who reads no further should know."""
    effects = found.importance
    told = [_too_few(found, effects)] if isinstance(effects, TooFew) else _effects(effects)
    return " ".join(filter(None, [*told, _standing(found), _failed(found)]))


def bar(effect: Importance) -> Bar:
    return Bar(effect.name, direction(effect), effect.share, effect.low, effect.high, effect.told)


def direction(effect: Importance) -> str:
    """ "lower is better", "adam is best", "best near 128"."""
    return better(effect.direction, effect.value)


def _effects(effects: Sequence[Importance]) -> list[str]:
    told = [effect for effect in effects if effect.told]
    if not told:
        return ["No parameter can be told from no effect."] if effects else []
    first, others = told[0], told[1:]
    verb = "decides" if first.share >= DECIDES else "matters most"
    sentence = (
        f"{_bold(first.name)} <b>{verb}.</b> It explains {100 * first.share:.0f} % of the differences between runs"
    )
    lines = [f"{sentence}; {escape(direction(first))}."]
    for names, words in (
        ([each.name for each in others if each.share >= LITTLE], ("matters too", "matter too")),
        ([each.name for each in others if each.share < LITTLE], ("adds a little", "add a little each")),
    ):
        lines += [f"{_list(names, bold=True)} {words[len(names) > 1]}."] if names else []
    untold = [effect.name for effect in effects if not effect.told]
    return [*lines, f"{_list(untold)} cannot be told from no effect."] if untold else lines


def _too_few(found: Findings, few: TooFew) -> str:
    if not found.best:
        return ""
    names = found.parameters
    each = escape(names[0]) if len(names) == 1 else f"each of {len(names)} parameters"
    runs = f"{format.counted(few.runs, 'run')} {'is' if few.runs == 1 else 'are'}"
    return f"{runs} too few to tell what {each} does: that takes {format.count(few.needed)}."


def _standing(found: Findings) -> str:
    """For how many runs nothing better has come."""
    if not found.best:
        return ""
    ids = [run.id for run in found.ended]
    later = len(ids) - 1 - ids.index(found.best[0].id)
    if later == 0:
        return "The best is the last run." if len(ids) > 1 else ""
    return f"The best has stood for {format.counted(later, 'run')}."


def _failed(found: Findings) -> str:
    failed = len(found.results.failed)
    return f"{format.counted(failed, 'run')} failed." if failed else ""


def _list(names: Sequence[str], bold: bool = False) -> str:
    written = [_bold(name) if bold else escape(name) for name in names]
    return " and ".join(filter(None, [", ".join(written[:-1]), written[-1]]))


def _bold(name: str) -> str:
    return f"<b>{escape(name)}</b>"
