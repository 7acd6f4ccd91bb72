"""A Gaussian process: what a function of points in the unit cube is likely to be where nobody has looked yet.

Matern-5/2 kernel with one length scale for each parameter, which tells parameters that matter from those that do not;
noise; an amplitude that is integrated out; the most likely of these under weak priors, found by L-BFGS. If these say
noise, they are drawn from the likely ones instead: of few noisy results the likeliest explanation is often wrong, and a
search that keeps to it is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular  # type: ignore[import-untyped]
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import erfcx, ndtr  # type: ignore[import-untyped]

Array = NDArray[np.float64]

_SQRT_5 = math.sqrt(5)
_LOG_SCALE_SPREAD = 0.7
_LOG_SCALE_BOUNDS = (math.log(0.02), math.log(30))
_LOG_NOISE, _LOG_NOISE_SPREAD = math.log(1e-3), 2.0
_LOG_NOISE_BOUNDS = (math.log(1e-6), math.log(1))
_AMPLITUDE_WEIGHT = 2.0
"""How many targets the belief that they spread by 1 is worth."""
_MAX_STEPS = 40
_LOG_NOISY = math.log(0.005)
"""Above this they are drawn; for exact results a draw is worse, by a quarter to a half on recorded trials."""
_STRIDES, _STRIDE = 30, 0.3
"""Metropolis steps from the likeliest length scales and noise, and how long they are, in logarithms."""


class Moments(NamedTuple):
    """What the process expects at each of n points: mean and standard deviation without noise, float64[n] each."""

    mean: Array
    deviation: Array


@dataclass(frozen=True)
class GaussianProcess:
    """A process that has seen results.

    Attributes:
        points: float64[n, columns].
        targets: float64[n].
        scales: float64[columns], the length scale of each column.
        noise: variance of a target's noise, as a fraction of the process's own.
        variance: of the process.
        factor: float64[n, n], Cholesky factor of the points' covariance, lower.
        weights: float64[n], the covariance's inverse times the targets.
    """

    points: Array
    targets: Array
    scales: Array
    noise: float
    variance: float
    factor: Array
    weights: Array

    def at(self, points: Array) -> Moments:
        """Expects at float64[m, columns]."""
        between = _matern(_squared_distances(points / self.scales, self.points / self.scales))
        known = solve_triangular(self.factor, between.T, lower=True, check_finite=False)
        left = np.maximum(1 - np.einsum("ij,ij->j", known, known), 1e-12)
        return Moments(between @ self.weights, np.sqrt(self.variance * left))

    def believing(self, points: Array) -> GaussianProcess:
        """The process had it seen just what it expects at further points, where runs are under way."""
        seen = np.vstack([self.points, points])
        targets = np.concatenate([self.targets, self.at(points).mean])
        return _conditioned(seen, targets, self.scales, self.noise, self.variance)


def fit(points: Array, owners: Array, targets: Array, random: np.random.Generator) -> GaussianProcess:
    """Fits a process to results: the likeliest or, where they are noisy, one of the likely ones.

    Args:
        points: float64[n, columns], n > 0.
        owners: int[columns], the parameter of each column, from 0; the columns of one parameter share a length scale.
        targets: float64[n], with a mean near 0 and a spread near 1.
        random: decides which one.

    Source: Snoek, Larochelle and Adams 2012, Practical Bayesian optimization of machine learning algorithms, NeurIPS,
    of whose samples this takes one an ask.
    """
    count = int(owners.max()) + 1
    squares = _squares_by_owner(points, owners, count)
    start = np.concatenate([np.full(count, _usual_log_scale(count)), [_LOG_NOISE]])
    bounds = [_LOG_SCALE_BOUNDS] * count + [_LOG_NOISE_BOUNDS]
    found = minimize(
        _loss, start, (squares, targets), "L-BFGS-B", jac=True, bounds=bounds, options={"maxiter": _MAX_STEPS}
    )
    theta = _drawn(found.x, squares, targets, random) if found.x[-1] > _LOG_NOISY else found.x
    scales, noise = np.exp(theta[:-1])[owners], float(np.exp(theta[-1]))
    process = _conditioned(points, targets, scales, noise, 1.0)
    variance = (float(targets @ process.weights) + _AMPLITUDE_WEIGHT) / (len(targets) + _AMPLITUDE_WEIGHT)
    return _conditioned(points, targets, scales, noise, variance)


def log_expected_improvement(moments: Moments, best: float) -> Array:
    """The logarithm of how far below `best` a process is expected to come: float64[n], exact where it is tiny.

    Source: Ament et al. 2023, Unexpected improvements to expected improvement, NeurIPS.
    """
    deviates = np.maximum((best - moments.mean) / moments.deviation, -1e4)
    densities = np.exp(-(deviates**2) / 2) / math.sqrt(2 * math.pi)
    near = np.log(np.maximum(densities + deviates * ndtr(deviates), 1e-300))
    below = np.minimum(deviates, -1.0)
    tail = np.log1p(below * math.sqrt(math.pi / 2) * erfcx(-below / math.sqrt(2)))
    far = -(below**2) / 2 - math.log(2 * math.pi) / 2 + tail
    logs: Array = np.where(deviates > -1, near, far) + np.log(moments.deviation)
    return logs


def _usual_log_scale(count: int) -> float:
    """Points of a larger cube lie farther apart."""
    return math.log(0.2) + 0.5 * math.log(count)


def _conditioned(points: Array, targets: Array, scales: Array, noise: float, variance: float) -> GaussianProcess:
    covariance = _matern(_squared_distances(points / scales, points / scales))
    covariance[np.diag_indices_from(covariance)] = 1 + noise + 1e-8
    factor = cholesky(covariance, lower=True, check_finite=False)
    weights = cho_solve((factor, True), targets, check_finite=False)
    return GaussianProcess(points, targets, scales, noise, variance, factor, weights)


def _drawn(theta: Array, squares: Array, targets: Array, random: np.random.Generator) -> Array:
    """A draw from the posterior of log length scales and log noise, by random steps from its mode."""
    loss = _loss(theta, squares, targets)[0]
    strides = random.normal(0, _STRIDE, (_STRIDES, len(theta)))
    for stride, luck in zip(strides, random.exponential(size=_STRIDES), strict=True):
        tried = _loss(theta + stride, squares, targets)[0]
        if tried - loss < luck:
            theta, loss = theta + stride, tried
    return theta


def _loss(theta: Array, squares: Array, targets: Array) -> tuple[float, Array]:
    """The negative log posterior of log length scales and log noise, and its gradient."""
    count = len(targets)
    inverse_squares, noise = np.exp(-2 * theta[:-1]), math.exp(theta[-1])
    distances = np.sqrt(np.tensordot(inverse_squares, squares, 1))
    decay = np.exp(-_SQRT_5 * distances)
    covariance = (1 + _SQRT_5 * distances + 5 / 3 * distances**2) * decay
    covariance[np.diag_indices(count)] += noise + 1e-8
    try:
        factor = cholesky(covariance, lower=True, check_finite=False)
    except LinAlgError:  # pragma: no cover - the noise keeps it regular, but for rounding that no test can bring about
        return 1e10, np.zeros_like(theta)
    inverse = cho_solve((factor, True), np.eye(count), check_finite=False)
    weights = inverse @ targets
    spread = float(targets @ weights) + _AMPLITUDE_WEIGHT
    freedom = count + _AMPLITUDE_WEIGHT
    slopes = (inverse - np.outer(weights, weights) * (freedom / spread)) / 2
    by_scale = np.tensordot(squares, slopes * (5 / 3 * (1 + _SQRT_5 * distances) * decay), 2) * inverse_squares
    gradient = np.append(by_scale, np.trace(slopes) * noise)
    likelihood = freedom / 2 * math.log(spread) + float(np.log(np.diag(factor)).sum())
    prior, prior_gradient = _prior(theta)
    return likelihood + prior, gradient + prior_gradient


def _prior(theta: Array) -> tuple[float, Array]:
    usual = np.append(np.full(len(theta) - 1, _usual_log_scale(len(theta) - 1)), _LOG_NOISE)
    spreads = np.append(np.full(len(theta) - 1, _LOG_SCALE_SPREAD), _LOG_NOISE_SPREAD)
    deviates = (theta - usual) / spreads
    return float(deviates @ deviates) / 2, deviates / spreads


def _squares_by_owner(points: Array, owners: Array, count: int) -> Array:
    """Squared distances along each parameter, float64[count, n, n]."""
    squares = np.zeros((count, len(points), len(points)))
    for column, owner in zip(points.T, owners, strict=True):
        squares[owner] += np.subtract.outer(column, column) ** 2
    return squares


def _squared_distances(first: Array, second: Array) -> Array:
    squares: Array = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return squares.clip(0)


def _matern(squared_distances: Array) -> Array:
    distances = _SQRT_5 * np.sqrt(squared_distances)
    return (1 + distances + distances**2 / 3) * np.exp(-distances)
