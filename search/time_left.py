"""How long a sweep still takes: by what its runs took, how far those under way are, and how many are still to start."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import accumulate
from statistics import StatisticsError, fmean, linear_regression
from typing import Final

# Before so many have ended an estimate would mislead.
LEAST_ENDED: Final = 3
# Runs that began last tell best what the next ones take.
LAST_RUNS: Final = 50
# So many rounds of all agents are gone through one run at a time; rounds before them are all alike.
ROUNDS: Final = 4
# Steps of this share of a whole go to and fro: the golden ratio's fraction.
STEP: Final = (5**0.5 - 1) / 2


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
    def counted_s(self) -> float:
        """For how long it was seen to count epochs."""
        return 0.0 if self.first_s is None else self.until_s - self.first_s

    @property
    def seen(self) -> float:
        """How many epochs it has done since it was seen first."""
        return 0.0 if self.first_s is None else max((self.epochs or 0) - self.first_epochs, 0.0)


@dataclass(frozen=True)
class Usual:
    """What runs usually take: so long to start up, and so long an epoch; without epochs, so long in all."""

    start_s: float
    epoch_s: float = 0.0

    def takes_s(self, epochs: float | None) -> float:
        return self.start_s + self.epoch_s * (epochs or 0)


@dataclass(frozen=True)
class Ends:
    """How far runs came, nearest first, and from each place on the sum of these."""

    ordered: Sequence[float]
    sums: Sequence[float]

    @classmethod
    def of(cls, ends: Iterable[float]) -> "Ends":
        ordered = sorted(ends)
        return cls(ordered, list(accumulate(reversed(ordered), initial=0.0))[::-1])

    def more(self, so_far: float, otherwise: float) -> float:
        """What those that came further than `so_far` went on for, on average."""
        place = bisect_right(self.ordered, so_far)
        further = len(self.ordered) - place
        return self.sums[place] / further - so_far if further else otherwise


def seconds_left(
    runs: Sequence[Stretch], waiting: int, agents: int, least_ended: int = LEAST_ENDED, asked: Sequence[float] = ()
) -> float | None:
    """Returns how long it takes until the last run has ended.

    A run under way goes as far as those went that came so far, at its own pace the more of it is done; one that waits
    takes as long as those that began take in the end, by its epochs where these are known, after the pause that agents
    make between two. Recent runs count for no more than others: what they differ by is nearly always what they were
    asked for, so the caller gives those that began last alone.

    Args:
        runs: those that began last, ended or under way, in any order; at least every one that is under way.
        waiting: how many have still to start.
        agents: how many run at once; those under way are taken to have one each.
        least_ended: how many must have ended.
        asked: the epochs of those that wait, in their order, where these are known already; else they are those of the
            runs that began, or as many.

    Returns:
        None if too few have ended, or nobody is there for those that wait.
    """
    ended = [run for run in runs if not run.under_way]
    busy = [run for run in runs if run.under_way]
    free = max(agents - len(busy), 0)
    if len(ended) < max(least_ended, 1) or (waiting and not busy and not free):
        return None
    usual, took_s = usual_of(ended), Ends.of(run.took_s for run in ended)
    shares = Ends.of(run.share for run in ended if run.share)
    left = [_left(run, usual, took_s, shares) for run in busy]
    free_s = [*left, *[0.0] * free]
    foreseen = _foreseen(runs, asked, waiting) if shares.ordered else ()
    if not foreseen:
        whole_s = [run.took_s for run in ended] + [run.took_s + more for run, more in zip(busy, left, strict=True)]
        return _last_round_s(free_s, sorted(whole_s), pause_s(runs), waiting)
    reach = fmean(shares.ordered)
    whole_s = [usual.takes_s(reach * each) for each in foreseen]
    together = _last_end_s if len(foreseen) == waiting else partial(_last_round_s, waiting=waiting)
    return together(free_s, whole_s, pause_s(runs))


def _foreseen(runs: Sequence[Stretch], asked: Sequence[float], waiting: int) -> Sequence[float]:
    """The epochs of those that wait, or those of each of them alike; nothing where neither is known."""
    if len(asked) == waiting:
        return asked
    alike = {run.asked for run in runs}
    return [each for each in alike if each] if len(alike) == 1 else ()


def pause_s(runs: Sequence[Stretch]) -> float:
    """What passes from the end of one run to the begin of the next by the same agent; 0 where that cannot be told.

    What is longer than a run is none: the sweep was paused, or an agent came later.
    """
    longest_s = fmean(run.took_s for run in runs)
    ends = sorted((run.until_s for run in runs if not run.under_way), reverse=True)
    free, found = list[float](), list[float]()
    for begin_s in sorted(run.begin_s for run in runs):
        while ends and ends[-1] <= begin_s:
            free.append(ends.pop())
        if free:  # of several agents that wait, the one that began to wait last
            found.append(begin_s - free.pop())
    pauses = [each_s for each_s in found if each_s <= longest_s]
    return fmean(pauses) if pauses else 0.0


def usual_of(ended: Sequence[Stretch]) -> Usual:
    """What runs took to start up and then for each epoch, as far as that was seen; else by what they took in all."""
    seen = [run for run in ended if run.seen]
    if not seen:
        return _fitted(ended)
    epoch_s = sum(run.counted_s for run in seen) / sum(run.seen for run in seen)
    start_s = fmean(run.took_s - run.counted_s - run.first_epochs * epoch_s for run in seen)
    return Usual(max(start_s, 0.0), epoch_s)


def _fitted(ended: Sequence[Stretch]) -> Usual:
    """The line of least squares through what these runs took by their epochs, or their mean if some do not tell."""
    took_s = [run.took_s for run in ended]
    epochs = [run.epochs for run in ended if run.epochs]
    if len(epochs) < len(ended):
        return Usual(fmean(took_s))
    even = Usual(0.0, sum(took_s) / sum(epochs))
    try:
        epoch_s, start_s = linear_regression(epochs, took_s)
    except StatisticsError:  # all of them had as many
        return even
    return Usual(fmean(took_s)) if epoch_s < 0 else even if start_s < 0 else Usual(start_s, epoch_s)


def _left(run: Stretch, usual: Usual, took_s: Ends, shares: Ends) -> float:
    """The seconds that a run under way still takes."""
    # Before its first epoch a run tells of none, though those before it have told.
    share = 0.0 if run.share is None and shares.ordered else run.share
    if share is None or not run.asked:
        return took_s.more(run.took_s, fmean(took_s.ordered) / 2)
    more = shares.more(share, 1 - share) * run.asked
    epochs = share * run.asked + more
    # However long its start-up took, the epochs that it has still to do take their time.
    least_s = usual.epoch_s * more if usual.start_s else 0.0
    by_others_s = max(usual.takes_s(epochs) - run.took_s, least_s)
    trust = share if run.first_s is None else run.seen / (run.seen + 1)
    return trust * _own_pace_s(run) * more + (1 - trust) * by_others_s


def _own_pace_s(run: Stretch) -> float:
    """Seconds an epoch of a run under way, which is in the midst of one; 0 before its first."""
    if run.seen:
        return run.counted_s / (run.seen + 0.5)
    return run.took_s / run.epochs if run.epochs else 0.0


def _last_round_s(free_s: list[float], whole_s: Sequence[float], pause_s: float, waiting: int) -> float:
    """When the last of `waiting` runs ends, which are as long as those of `whole_s`."""
    rounds = max(waiting // len(free_s) - ROUNDS, 0) if free_s else 0
    rest = _spread(whole_s, waiting - rounds * len(free_s))
    return _last_end_s(free_s, rest, pause_s) + rounds * (pause_s + fmean(whole_s))


def _last_end_s(free_s: list[float], next_s: Sequence[float], pause_s: float) -> float:
    """When the last run ends, if agents that are free after `free_s` take those that last `next_s` in turn."""
    heapify(free_s)
    for took_s in next_s:
        heappush(free_s, heappop(free_s) + pause_s + took_s)
    return max(free_s, default=0.0)


def _spread(whole_s: Sequence[float], count: int) -> list[float]:
    """So many values as short and as long as those given, which ascend, in an order that mixes them."""
    values = [whole_s[int((place + 0.5) / count * len(whole_s))] for place in range(count)]
    return [values[place] for place in sorted(range(count), key=lambda place: place * STEP % 1)]
