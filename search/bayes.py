"""Bayesian search: a Gaussian process over the results so far, and the point from which it expects the most.

Each suggestion is a function of the config, its index, the seed and the runs. The first ones, and one in ten later on,
come from a sequence that fills the space evenly; so no region is given up for good. Runs in flight count as points
whose result is just as expected, so that several agents do not crowd one spot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.encoding import Encoding
from search.evidence import Evidence, Run, evidence
from search.gaussian_process import GaussianProcess, fit, log_expected_improvement
from search.random_search import uniform
from search.schema import SweepConfig
from search.space import Constant, identity

Array = NDArray[np.float64]

MOST_RESULTS = 128
"""So many are modelled: the best half, the newest quarter, some of the others. An ask costs their number cubed."""
MOST_IN_FLIGHT = 64
_EXPLORE_EVERY = 10
_CANDIDATES = 500
_NEIGHBOURS = 100
_REACHES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)
"""How far around the best point so far the next candidates lie, round by round, in the unit cube."""
_INNERMOST = 1e-9  # at 0 and 1 a normal distribution is infinite


def suggest(config: SweepConfig, index: int, seed: int, runs: Sequence[Run]) -> dict[str, Any]:
    """Suggestion `index` of a Bayesian sweep, the same whenever it is asked for with the same runs.

    Takes one thread and, at 1,000 runs, under 0.1 s of it, if the linear algebra under numpy is held to one thread.

    Args:
        config: with a metric.
        index: from 0.
        seed: the sweep's; any int.
        runs: all of the sweep's so far. Those with values that the sweep cannot draw are left out.

    Returns:
        A value for each parameter, nested as the parameters are.
    """
    return config.nested(values(config, index, seed, runs))


def values(config: SweepConfig, index: int, seed: int, runs: Sequence[Run]) -> list[Any]:
    """The same as `suggest`, in the order of `config.space`."""
    encoding = Encoding.of(config)
    if not encoding.parameters or config.metric is None:
        return _drawn(config, np.full(len(encoding.parameters), 0.5))
    spread_out = _spread_out(index, seed, len(encoding.parameters))
    seen = evidence(config.metric, runs)
    if index % _EXPLORE_EVERY == _EXPLORE_EVERY - 1 or len(seen.results) < _first(len(encoding.parameters)):
        return _drawn(config, spread_out)
    random = np.random.default_rng(_entropy(seed, index))
    points, targets, in_flight = _encoded(encoding, seen, random)
    if len(points) < 2:
        return _drawn(config, spread_out)
    process = fit(encoding.columns(points), encoding.owners, _standardised(targets), random)
    if len(in_flight):
        process = process.believing(encoding.columns(in_flight))
    taken = {identity(run.params) for run in runs}
    candidates = _ranked(encoding, process, points[np.argsort(targets, kind="stable")], random)
    drawn = (_drawn(config, point) for point in candidates)
    untried = (each for each in drawn if identity(config.nested(each)) not in taken)
    return next(untried, _drawn(config, candidates[0]))


def _first(parameters: int) -> int:
    """How many results come from the even sequence before there is a model."""
    return min(parameters + 2, 12)


def _drawn(config: SweepConfig, point: Array) -> list[Any]:
    """The values at a point of the unit cube of the searched parameters, in the order of `config.space`."""
    units = iter(np.clip(point, _INNERMOST, 1 - _INNERMOST).tolist())
    return [
        parameter.at(0.5 if isinstance(parameter, Constant) else next(units)) for parameter in config.space.values()
    ]


def _spread_out(index: int, seed: int, count: int) -> Array:
    """Point `index` of a Kronecker sequence that starts where the seed says: float64[count].

    Source: Roberts 2018, The unreasonable effectiveness of quasirandom sequences (R_d).
    """
    ratio = 2.0
    for _ in range(30):
        ratio = (1 + ratio) ** (1 / (count + 1))
    start = np.array([uniform(seed, 0, (str(position),)) for position in range(count)])
    return (start + (index + 1) * ratio ** -np.arange(1.0, count + 1)) % 1


def _entropy(seed: int, index: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed} {index}".encode(), digest_size=16).digest())


def _encoded(encoding: Encoding, seen: Evidence, random: np.random.Generator) -> tuple[Array, Array, Array]:
    """Points and objectives of the results that are modelled, and the points in flight."""
    chosen = [seen.results[position] for position in _modelled([objective for _, objective in seen.results], random)]
    placed = [(units, objective) for run, objective in chosen if (units := encoding.units(run.params))]
    in_flight = [units for run in seen.in_flight[-MOST_IN_FLIGHT:] if (units := encoding.units(run.params))]
    return (
        np.array([units for units, _ in placed]),
        np.array([objective for _, objective in placed]),
        np.array(in_flight),
    )


def _modelled(objectives: list[float], random: np.random.Generator) -> list[int]:
    """Which results to model, in their order: all, or the best half, the newest quarter and some others."""
    count = len(objectives)
    if count <= MOST_RESULTS:
        return list(range(count))
    best = np.argsort(objectives, kind="stable")[: MOST_RESULTS // 2].tolist()
    chosen = {*best, *range(count - MOST_RESULTS // 4, count)}
    others = [position for position in range(count) if position not in chosen]
    drawn = random.choice(others, min(MOST_RESULTS - len(chosen), len(others)), replace=False)
    return sorted(chosen | set(drawn.tolist()))


def _standardised(targets: Array) -> Array:
    """Mean 0 and spread 1; what is as far above the median as the best is below counts by its logarithm from there on.

    How bad a bad point is tells little about good ones, and a loss that diverged would else hide all other differences.
    """
    centre = np.median(targets)
    scaled = (targets - centre) / (centre - targets.min() or 1.0)
    warped: Array = np.where(scaled > 1, 1 + np.log(np.maximum(scaled, 1)), scaled)
    warped -= warped.mean()
    return warped / (float(warped.std()) or 1.0)


def _ranked(encoding: Encoding, process: GaussianProcess, best_first: Array, random: np.random.Generator) -> Array:
    """Candidates, from which most is expected first: all over the cube, then ever closer around the best of them."""
    best = process.at(process.points).mean.min()

    def promise(points: Array) -> Array:
        return log_expected_improvement(process.at(encoding.columns(points)), best)

    dimensions = len(encoding.parameters)
    candidates = np.vstack(
        [random.random((_CANDIDATES, dimensions)), *(_near(point, 0.1, random) for point in best_first[:3])]
    )
    promises = promise(candidates)
    for reach in _REACHES:
        neighbours = _near(candidates[promises.argmax()], reach, random)
        candidates, promises = np.vstack([candidates, neighbours]), np.append(promises, promise(neighbours))
    return candidates[np.argsort(-promises, kind="stable")]


def _near(point: Array, reach: float, random: np.random.Generator) -> Array:
    """Points that differ from one in some coordinates, by about `reach`."""
    shape = (_NEIGHBOURS, len(point))
    moved = random.random(shape) < max(0.5, 1 / len(point))
    return np.clip(point + random.normal(0, reach, shape) * moved, 0, 1)
