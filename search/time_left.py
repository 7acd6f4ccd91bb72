"""How long a sweep still takes: by what its runs took, how far those under way are, and how many are still to start."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from statistics import fmean, median
from typing import Final

# Before so many have ended an estimate would mislead.
LEAST_ENDED: Final = 3
# Runs that began last tell best what the next ones take.
LAST_RUNS: Final = 50
# The pace is that of so many runs an agent, and of so many in all at least: machines are shared, and loads change.
RECENT_EACH: Final = 4
RECENT_LEAST: Final = 8
# So many rounds of all agents are gone through one run at a time; rounds before them are all alike.
ROUNDS: Final = 4
# Steps of this share of a whole spread the first few of any number evenly: the golden ratio's fraction.
SPREAD: Final = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Stretch:
    """A run, as far as it has come.

    Attributes:
        begin_s, until_s: when it was given to an agent, and when it ended, or now; by one clock.
        under_way: whether it goes on.
        epochs: how many are done; None where it does not tell.
        asked: how many it does if nothing stops it; None where it does not tell.
        first_s, first_epochs: when it was seen to count epochs, and how many it had done then: what came before is its
            start-up. None where nobody saw it.
    """

    begin_s: float
    until_s: float
    under_way: bool
    epochs: float | None = None
    asked: float | None = None
    first_s: float | None = None
    first_epochs: float = 0

    @property
    def took_s(self) -> float:
        return self.until_s - self.begin_s

    @property
    def share(self) -> float | None:
        """Of the epochs that it was to do; None where it does not tell."""
        return None if self.epochs is None or not self.asked else min(self.epochs / self.asked, 1.0)

    @property
    def seen(self) -> float:
        """How many epochs it has done since it was seen first."""
        return 0.0 if self.first_s is None else max((self.epochs or 0) - self.first_epochs, 0.0)


@dataclass(frozen=True)
class Whole:
    """What a run takes in all, as it was or as it is expected; `epochs` is None where that is not known."""

    begin_s: float
    took_s: float
    epochs: float | None


def seconds_left(runs: Sequence[Stretch], waiting: int, agents: int, least_ended: int = LEAST_ENDED) -> float | None:
    """Returns how long it takes until the last run has ended.

    A run under way goes as far as those went that came so far, at its own pace the more of it is done; one that waits
    takes as long as those that began take in the end, at the pace of the last of these, after the pause that agents
    make between two.

    Args:
        runs: those that began last, ended or under way, in any order; at least every one that is under way.
        waiting: how many have still to start.
        agents: how many run at once; those under way are taken to have one each.
        least_ended: how many must have ended.

    Returns:
        None if too few have ended, or nobody is there for those that wait.
    """
    ended = [run for run in runs if not run.under_way]
    busy = [run for run in runs if run.under_way]
    free = max(agents - len(busy), 0)
    if len(ended) < max(least_ended, 1) or (waiting and not busy and not free):
        return None
    left = [_left(run, ended) for run in busy]
    known = [Whole(run.begin_s, run.took_s, run.epochs) for run in ended]
    known += [Whole(run.begin_s, run.took_s + left_s, epochs) for run, (left_s, epochs) in zip(busy, left, strict=True)]
    free_s = [*(left_s for left_s, _ in left), *[0.0] * free]
    return _last_end_s(free_s, _next_s(known, agents), pause_s(runs), waiting)


def pause_s(runs: Sequence[Stretch]) -> float:
    """What passes from the end of one run to the begin of the next by the same agent; 0 where that cannot be told."""
    ends = sorted((run.until_s for run in runs if not run.under_way), reverse=True)
    free, found = list[float](), list[float]()
    for begin_s in sorted(run.begin_s for run in runs):
        while ends and ends[-1] <= begin_s:
            free.append(ends.pop())
        if free:  # of several agents that wait, the one that began to wait last
            found.append(begin_s - free.pop())
    return median(found) if found else 0.0


def _left(run: Stretch, ended: Sequence[Stretch]) -> tuple[float, float | None]:
    """The seconds that a run under way still takes, and how many epochs it does in all."""
    usual_s = fmean(other.took_s for other in ended)
    if run.share is None or not run.asked:
        return _more(run.took_s, [other.took_s for other in ended], usual_s / 2), None
    others = [(other, share) for other in ended if (share := other.share)]
    more = _more(run.share, [share for _, share in others], 1 - run.share) * run.asked
    epochs = run.share * run.asked + more
    by_itself_s = _own_pace_s(run) * more
    if not others:
        return by_itself_s or usual_s, epochs
    epoch_s = sum(other.took_s for other, _ in others) / sum(other.epochs or 0 for other, _ in others)
    by_others_s = max(epochs * epoch_s - run.took_s, 0.0)
    trust = run.seen / (run.seen + 1) if run.seen else run.share
    return trust * by_itself_s + (1 - trust) * by_others_s, epochs


def _own_pace_s(run: Stretch) -> float:
    """Seconds an epoch of a run under way, which is in the midst of one; 0 before its first."""
    if run.seen and run.first_s is not None:
        return (run.until_s - run.first_s) / (run.seen + 0.5)
    return run.took_s / run.epochs if run.epochs else 0.0


def _more(so_far: float, ends: Sequence[float], otherwise: float) -> float:
    """What those that came further than `so_far` went on for, on average."""
    further = [end - so_far for end in ends if end > so_far]
    return fmean(further) if further else otherwise


def _next_s(known: Sequence[Whole], agents: int) -> list[float]:
    """What runs to come take, shortest first: as those that are known, at the pace of the last of them."""
    recent = sorted(known, key=lambda run: run.begin_s)[-max(RECENT_LEAST, RECENT_EACH * agents) :]
    factor = _pace_s(recent) / (_pace_s(known) or 1.0)
    return sorted(run.took_s * factor for run in known)


def _pace_s(runs: Sequence[Whole]) -> float:
    """Seconds an epoch, or a run where some do not tell."""
    epochs = [run.epochs for run in runs if run.epochs]
    return sum(run.took_s for run in runs) / (sum(epochs) if len(epochs) == len(runs) else len(runs))


def _last_end_s(free_s: list[float], whole_s: Sequence[float], pause_s: float, waiting: int) -> float:
    """When the last ends, if agents that are free after `free_s` take `waiting` runs in turn, as long as `whole_s`."""
    agents = len(free_s)
    rounds = max(waiting // agents - ROUNDS, 0) if agents else 0
    heapify(free_s)
    for place in range(waiting - rounds * agents):
        took_s = whole_s[int((0.5 + place * SPREAD) % 1 * len(whole_s))]
        heappush(free_s, heappop(free_s) + pause_s + took_s)
    return max(free_s, default=0.0) + rounds * (pause_s + fmean(whole_s))
