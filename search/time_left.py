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
    """

    begin_s: float
    until_s: float
    under_way: bool
    epochs: float | None = None
    asked: float | None = None

    @property
    def took_s(self) -> float:
        return self.until_s - self.begin_s

    @property
    def share(self) -> float | None:
        """Of the epochs that it was to do; None where it does not tell."""
        return None if self.epochs is None or not self.asked else min(self.epochs / self.asked, 1.0)


def seconds_left(runs: Sequence[Stretch], waiting: int, agents: int, least_ended: int = LEAST_ENDED) -> float | None:
    """Returns how long it takes until the last run has ended.

    A run under way goes as far as those went that came so far, at its own pace the more of it is done; one that waits
    takes as long as those that began take in the end, after the pause that agents make between two.

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
    left_s = [_left_s(run, ended) for run in busy]
    whole_s = [run.took_s for run in ended] + [run.took_s + more_s for run, more_s in zip(busy, left_s, strict=True)]
    return _last_end_s([*left_s, *[0.0] * free], sorted(whole_s), pause_s(runs), waiting)


def pause_s(runs: Sequence[Stretch]) -> float:
    """What passes from the end of one run to the begin of the next by the same agent; 0 where that cannot be told."""
    ends = sorted((run.until_s for run in runs if not run.under_way), reverse=True)
    begins, free, found = sorted(run.begin_s for run in runs), list[float](), []
    for begin_s in begins:
        while ends and ends[-1] <= begin_s:
            free.append(ends.pop())
        if free:  # of several agents that wait, the one that began to wait last
            found.append(begin_s - free.pop())
    return median(found) if found else 0.0


def _left_s(run: Stretch, ended: Sequence[Stretch]) -> float:
    shares = [(other.share, other) for other in ended if other.share]
    if run.share is None or not run.asked:
        return _more(run.took_s, [other.took_s for other in ended], fmean(other.took_s for other in ended) / 2)
    more = _more(run.share, [share for share, _ in shares], 1 - run.share)
    by_itself_s = run.took_s * more / run.share if run.share else None
    if not shares:
        return by_itself_s or fmean(other.took_s for other in ended)
    epoch_s = sum(other.took_s for _, other in shares) / sum(share * (other.asked or 0) for share, other in shares)
    by_others_s = max((run.share + more) * run.asked * epoch_s - run.took_s, 0.0)
    return by_others_s if by_itself_s is None else (1 - run.share) * by_others_s + run.share * by_itself_s


def _more(so_far: float, ends: Sequence[float], otherwise: float) -> float:
    """What those that came further than `so_far` went on for, on average."""
    further = [end - so_far for end in ends if end > so_far]
    return fmean(further) if further else otherwise


def _last_end_s(free_s: list[float], whole_s: Sequence[float], pause_s: float, waiting: int) -> float:
    """When the last ends, if agents that are free after `free_s` take `waiting` runs in turn, as long as `whole_s`."""
    agents = len(free_s)
    rounds = max(waiting // agents - ROUNDS, 0) if agents else 0
    heapify(free_s)
    for place in range(waiting - rounds * agents):
        took_s = whole_s[int((0.5 + place * SPREAD) % 1 * len(whole_s))]
        heappush(free_s, heappop(free_s) + pause_s + took_s)
    return max(free_s, default=0.0) + rounds * (pause_s + fmean(whole_s))
