"""How often a 95 % interval holds the true area, and how often two equal scorers are called different.

Samples of positives and negatives are drawn from distributions whose areas are known, and each method makes an interval of
each. A cell is a family of distributions, an AUROC and a number of positives; the tables show, over the cells of one number
of positives, the lowest coverage, the mean coverage, the mean width, and for two equal scorers the highest share of samples
in which the interval leaves zero out.

    python benchmarks/coverage.py                               # some minutes on one core
    python benchmarks/coverage.py --runs 200 --bootstraps 20    # a look

Formulas are evaluated for many samples at once, and compared with the package's own functions on the first two of each cell.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections import defaultdict
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from automax_lightning.report.intervals import FEWEST, difference, interval
from automax_lightning.report.limits import auprc_limits, auroc_limits, mover, student_reach
from automax_lightning.trial.score_file import SplitScores

Z = float(norm.ppf(0.975))
SIZES = ((2, 200), (5, 200), (10, 200), (20, 200), (47, 300), (10, 1000))
AUROCS = (0.7, 0.85, 0.95)
# Family -> spread of the positives against that of the negatives, and whether scores take a few values only. Areas depend on
# ranks alone, so an increasing function of the scores would change nothing; unequal spreads are what skews the placements.
FAMILIES = {"normal": (1.0, False), "wide": (2.0, False), "narrow": (0.5, False), "discrete": (1.0, True)}
PAIRS = ((0.7, 0.7), (0.95, 0.95), (0.95, 0.85))
CORRELATIONS = (0.5, 0.9)
OURS = "**as built**"
CHUNK = 200
Ends = tuple[np.ndarray, np.ndarray]
Scores = tuple[np.ndarray, np.ndarray]
"""Of the positives, (R, P), and of the negatives, (R, N), of R samples."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """Scores of one distribution.

    Args:
        family: a key of `FAMILIES`.
        auroc: before scores are made discrete.
        positives: of a sample.
        negatives: of a sample.
    """

    family: str
    auroc: float
    positives: int
    negatives: int

    def scores(self, positive: np.ndarray, negative: np.ndarray) -> Scores:
        """Scores of both classes from standard normal numbers."""
        spread, is_discrete = FAMILIES[self.family]
        shift = norm.ppf(self.auroc) * np.hypot(1.0, spread)
        both = shift + spread * positive, negative
        return tuple(np.clip(np.round(1.25 * x), -2, 4) for x in both) if is_discrete else both  # type: ignore[return-value]

    def truth(self, metric: str, count: int = 40_000) -> float:
        """The area of the distribution, at the sample's share of positives."""
        quantiles = norm.ppf((np.arange(count) + 0.5) / count)
        positive, negative = map(np.sort, self.scores(quantiles, quantiles))
        at_least, more = (1 - np.searchsorted(negative, positive, side) / count for side in ("left", "right"))
        if metric == "AUROC":
            return float(np.mean(1 - (at_least + more) / 2))
        true = 1 - np.searchsorted(positive, positive, "left") / count
        return float(np.mean(self.positives * true / (self.positives * true + self.negatives * at_least)))


@dataclasses.dataclass(frozen=True)
class Moments:
    """Areas of R samples, and the influence of each of their rows; the squares of one class sum to its part of the variance.

    Args:
        value: (R,).
        positive: (R, P).
        negative: (R, N).
    """

    value: np.ndarray
    positive: np.ndarray
    negative: np.ndarray

    @classmethod
    def of(cls, metric: str, scores: Scores) -> Moments:
        """Of R samples."""
        value, positive, negative = _auroc(*scores) if metric == "AUROC" else _auprc(*scores)
        return cls(value, _scaled(positive), _scaled(negative))

    def __sub__(self, other: Moments) -> Moments:
        return Moments(self.value - other.value, self.positive - other.positive, self.negative - other.negative)

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The variance that each class brings, (R,) each."""
        return np.sum(self.positive**2, axis=1), np.sum(self.negative**2, axis=1)

    @property
    def variance(self) -> np.ndarray:
        """Of the areas, (R,)."""
        return sum(self.parts)  # type: ignore[return-value]


def _scaled(moved: np.ndarray) -> np.ndarray:
    size = moved.shape[1]
    return (moved - moved.mean(axis=1, keepdims=True)) / np.sqrt(size * (size - 1))


def _auroc(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, n = positive[:, :, None], negative[:, None, :]
    beaten = (p > n) + 0.5 * (p == n)
    return beaten.mean(axis=(1, 2)), beaten.mean(axis=2), beaten.mean(axis=1)


def _auprc(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reached, false = ((part[:, None, :] >= positive[:, :, None]).astype(float) for part in (positive, negative))
    n_true, n_false = reached.sum(axis=2), false.sum(axis=2)
    above = n_true + n_false
    precision = n_true / above
    by_positive = precision + np.einsum("ri,rik->rk", n_false / above**2, reached)
    by_negative = -np.einsum("ri,rik->rk", n_true / above**2, false) * negative.shape[1] / positive.shape[1]
    return precision.mean(axis=1), by_positive, by_negative


def drawn(weights_of: int, repeats: int, generator: np.random.Generator) -> np.ndarray:
    """How often each of so many rows is drawn in each resample."""
    chosen = generator.integers(weights_of, size=(repeats, weights_of)) + weights_of * np.arange(repeats)[:, None]
    return np.bincount(chosen.ravel(), minlength=repeats * weights_of).reshape(repeats, weights_of).astype(float)


def resampled(metric: str, scores: Scores, wp: np.ndarray, wn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Areas (B,) of one sample whose rows have weights (B, P) and (B, N), and what moves them: (B, P) and (B, N)."""
    (positive, negative), m, n = scores, wp.shape[1], wn.shape[1]
    false = (negative[None, :] >= positive[:, None]).astype(float)
    if metric == "AUROC":
        beaten = 1 - (false + (negative[None, :] > positive[:, None])) / 2
        by_positive = wn @ beaten.T / n
        return np.sum(wp * by_positive, axis=1) / m, by_positive, wp @ beaten / m
    reached = (positive[None, :] >= positive[:, None]).astype(float)
    n_true, n_false = wp @ reached.T, wn @ false.T
    above = np.maximum(n_true + n_false, 1)
    by_positive = n_true / above + (wp * n_false / above**2) @ reached
    return np.sum(wp * n_true / above, axis=1) / m, by_positive, -(wp * n_true / above**2) @ false * n / m


def variance(moved: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of the mean of one class, for weights (B, size) that sum to the size."""
    size = weights.shape[1]
    mean = np.sum(weights * moved, axis=1, keepdims=True) / size
    return np.sum(weights * (moved - mean) ** 2, axis=1) / (size * (size - 1))


@dataclasses.dataclass(frozen=True)
class Resamples:
    """An area of one sample, or a difference of two, and the same of its resamples, each with its variance."""

    value: float
    variance: float
    values: np.ndarray
    variances: np.ndarray

    @classmethod
    def of(cls, metric: str, scorers: list[Scores], repeats: int, generator: np.random.Generator) -> Resamples:
        """Of one sample of one or two scorers, stratified."""
        sizes = [len(part) for part in scorers[0]]
        wp, wn = (np.vstack([np.ones(size), drawn(size, repeats, generator)]) for size in sizes)
        value, positive, negative = resampled(metric, scorers[0], wp, wn)
        for other in scorers[1:]:
            theirs = resampled(metric, other, wp, wn)
            value, positive, negative = value - theirs[0], positive - theirs[1], negative - theirs[2]
        spread = variance(positive, wp) + variance(negative, wn)
        return cls(float(value[0]), float(spread[0]), value[1:], spread[1:])


def percentile(found: Resamples) -> Ends:
    """Percentile bootstrap, stratified."""
    return tuple(np.percentile(found.values, (2.5, 97.5)))  # type: ignore[return-value]


def studentised(found: Resamples) -> Ends:
    """Bootstrap-t of a difference."""
    high, low = np.percentile(_ratios(found.values, found.value, found.variances**0.5), (2.5, 97.5))
    return found.value - low * found.variance**0.5, found.value - high * found.variance**0.5


def studentised_logit(found: Resamples) -> Ends:
    """Bootstrap-t on the logit scale."""
    inside, values = (np.clip(x, 1e-3, 1 - 1e-3) for x in (found.value, found.values))
    error = found.variance**0.5 / (inside * (1 - inside))
    ratios = _ratios(logit(values), logit(inside), found.variances**0.5 / (values * (1 - values)))
    high, low = np.percentile(ratios, (2.5, 97.5))
    return expit(logit(inside) - low * error), expit(logit(inside) - high * error)


def _ratios(values: np.ndarray, value: float, errors: np.ndarray) -> np.ndarray:
    varies = errors > 0
    return (values[varies] - value) / errors[varies] if varies.any() else np.zeros(1)


def smoothed(metric: str, scores: Scores, repeats: int, generator: np.random.Generator) -> Ends:
    """Bootstrap from a kernel density of the normal scores of ranks, with Silverman's bandwidth in each class."""
    m, n = (len(part) for part in scores)
    ranks = norm.ppf((rankdata(np.concatenate(scores)) - 0.5) / (m + n))
    positive, negative = (_kernel(part, repeats, generator) for part in (ranks[:m], ranks[m:]))
    false = (negative[:, None, :] > positive[:, :, None]).sum(axis=2)
    true = rankdata(-positive, axis=1)
    values = 1 - false.mean(axis=1) / n if metric == "AUROC" else np.mean(true / (true + false), axis=1)
    return tuple(np.percentile(values, (2.5, 97.5)))  # type: ignore[return-value]


def _kernel(values: np.ndarray, repeats: int, generator: np.random.Generator) -> np.ndarray:
    size = len(values)
    width = 0.9 * values.std(ddof=1) * size**-0.2
    chosen = values[generator.integers(size, size=(repeats, size))]
    return chosen + width * generator.normal(size=chosen.shape)


def logit_normal(found: Moments, m: int, n: int) -> Ends:
    """Normal interval on the logit scale, with the variance that the sample shows."""
    inside = np.clip(found.value, 0.5 / (m * n), 1 - 0.5 / (m * n))
    error = Z * found.variance**0.5 / (inside * (1 - inside))
    return expit(logit(inside) - error), expit(logit(inside) + error)


def newcombe(found: Moments, m: int, n: int) -> Ends:
    """Newcombe's method 5 (2006): the AUROCs whose variance, with equal numbers of both classes, allows the observed one."""
    grid, more = np.linspace(0.0, 1.0, 2001), (m + n) / 2 - 1
    spread = grid * (1 - grid) * (1 + more * ((1 - grid) / (2 - grid) + grid / (1 + grid))) / (m * n)
    is_inside = np.abs(grid - found.value[:, None]) <= Z * np.sqrt(spread) + 1e-9
    is_inside[np.arange(len(is_inside)), np.abs(grid - found.value[:, None]).argmin(axis=1)] = True
    return grid[is_inside.argmax(axis=1)], grid[::-1][is_inside[:, ::-1].argmax(axis=1)]


def boyd(found: Moments, m: int, n: int) -> Ends:
    """Logit interval of Boyd, Eng & Page (2013)."""
    inside = np.minimum(found.value, 1 - 0.5 / m)
    error = Z / np.sqrt(m * inside * (1 - inside))
    return expit(logit(inside) - error), np.maximum(expit(logit(inside) + error), found.value)


def of_area(metric: str, scorers: list[Scores]) -> Iterator[tuple[str, Ends]]:
    """The formulas' intervals of an area."""
    found, (m, n) = Moments.of(metric, scorers[0]), (part.shape[1] for part in scorers[0])
    yield ("logit DeLong" if metric == "AUROC" else "logit jackknife"), logit_normal(found, m, n)
    yield ("Newcombe, method 5", newcombe(found, m, n)) if metric == "AUROC" else ("Boyd et al., logit", boyd(found, m, n))
    yield OURS, (auroc_limits if metric == "AUROC" else auprc_limits)(found.value, found.variance, m, n)


def of_gap(metric: str, scorers: list[Scores]) -> Iterator[tuple[str, Ends]]:
    """The formulas' intervals of a paired difference."""
    one, other = (Moments.of(metric, scores) for scores in scorers)
    gap, (m, n) = one - other, (part.shape[1] for part in scorers[0])
    reach = Z * gap.variance**0.5
    yield ("DeLong" if metric == "AUROC" else "jackknife"), (gap.value - reach, gap.value + reach)
    student = student_reach(*gap.parts, m, n)
    yield "Student's t", (gap.value - student, gap.value + student)
    find = auroc_limits if metric == "AUROC" else auprc_limits
    limits = [
        np.stack(ends, axis=-1) for ends in zip(*(find(each.value, each.variance, m, n) for each in (one, other)), strict=True)
    ]
    shared = (one.variance + other.variance - gap.variance) / 2
    covariance = np.stack([one.variance, shared, shared, other.variance], axis=-1).reshape(-1, 2, 2)
    values = np.stack([one.value, other.value], axis=-1)
    down, up = mover(np.array([1.0, -1.0]), values, (limits[0], limits[1]), covariance)
    yield "MOVER", (gap.value - down, gap.value + up)
    down, up = np.maximum(down, student), np.maximum(up, student)
    yield OURS, (np.maximum(gap.value - down, -1), np.minimum(gap.value + up, 1))


def of_bootstraps(metric: str, scorers: list[Scores], repeats: int, generator: np.random.Generator) -> Iterator[tuple[str, Ends]]:
    """The bootstraps' intervals, of one sample."""
    found = Resamples.of(metric, scorers, repeats, generator)
    yield "percentile bootstrap", percentile(found)
    if len(scorers) == 2:
        yield "studentised bootstrap", studentised(found)
        return
    yield "smoothed bootstrap", smoothed(metric, scorers[0], repeats // 2, generator)
    yield "studentised bootstrap, logit", studentised_logit(found)


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is drawn: samples of a cell for formulas and for bootstraps, and resamples of each of the latter."""

    runs: int
    bootstraps: int
    repeats: int


def coverage(metric: str, cells: list[Cell], correlation: float, seed: int, effort: Effort) -> dict[str, np.ndarray]:
    """Method -> coverage, width, and how often zero is left out; of an area for one cell, of a difference for two."""
    generator = np.random.default_rng(seed)
    truths = [cell.truth(metric) for cell in cells]
    truth = truths[0] - sum(truths[1:])
    rows: dict[str, list[np.ndarray]] = defaultdict(list)

    def add(method: str, ends: Ends) -> None:
        low, high = map(np.atleast_1d, ends)
        rows[method].append(np.stack([(low - 1e-9 <= truth) & (truth <= high + 1e-9), high - low, (low > 0) | (high < 0)]))

    for begin in range(0, effort.runs, CHUNK):
        scorers = draw(cells, correlation, generator)
        for k in range(min(CHUNK, effort.bootstraps - begin)):
            for method, ends in of_bootstraps(metric, [(p[k], n[k]) for p, n in scorers], effort.repeats, generator):
                add(method, ends)
        for method, ends in (of_area if len(cells) == 1 else of_gap)(metric, scorers):
            if method != OURS or cells[0].positives >= FEWEST:
                add(method, ends)
                if method == OURS and begin == 0:
                    check(metric, scorers, ends)
    return {method: np.concatenate(each, axis=1).mean(axis=1) for method, each in rows.items()}


def draw(cells: list[Cell], correlation: float, generator: np.random.Generator) -> list[Scores]:
    """Scorers of the same rows, whose normal numbers are correlated in each class."""
    sizes = [(CHUNK, size) for size in (cells[0].positives, cells[0].negatives)]
    first = [generator.normal(size=size) for size in sizes]
    second = [correlation * x + np.sqrt(1 - correlation**2) * generator.normal(size=x.shape) for x in first]
    return [cell.scores(*numbers) for cell, numbers in zip(cells, (first, second), strict=False)]


def check(metric: str, scorers: list[Scores], ends: Ends) -> None:
    """The package's own functions have the intervals that were computed for many samples at once."""
    for k in range(2):
        splits = [SplitScores(np.concatenate([p[k], n[k]]), np.repeat([1, 0], [len(p[k]), len(n[k])])) for p, n in scorers]
        ours = interval(splits[0], metric) if len(splits) == 1 else difference(splits[0], splits[1], metric)
        assert ours is not None
        np.testing.assert_allclose((ours.low, ours.high), (ends[0][k], ends[1][k]), atol=1e-7)


def table(metric: str, is_gap: bool, effort: Effort) -> Iterator[str]:
    """Coverage of an area or of a difference, as Markdown."""
    what, more = (f"difference of {metric}", " most false |") if is_gap else (metric, "")
    yield f"\n| {what} | positives, negatives | lowest coverage | mean coverage | mean width |{more}"
    yield "|---" * (6 if is_gap else 5) + "|"
    for m, n in SIZES[is_gap:]:
        if is_gap:
            settings = [(f, pair, r) for f in FAMILIES for pair in PAIRS for r in CORRELATIONS]
        else:
            settings = [(f, (auroc,), 0.0) for f in FAMILIES for auroc in AUROCS]
        found = [
            coverage(metric, [Cell(family, auroc, m, n) for auroc in pair], correlation, seed, effort)
            for seed, (family, pair, correlation) in enumerate(settings)
        ]
        for method in found[0]:
            each = np.array([cell[method] for cell in found])
            false = max((row[2] for row, (_, pair, _) in zip(each, settings, strict=True) if len(set(pair)) == 1), default=0.0)
            line = f"| {method} | {m}, {n} | {each[:, 0].min():.3f} | {each[:, 0].mean():.3f} | {each[:, 1].mean():.2f} |"
            yield f"{line} {false:.3f} |" if is_gap else line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000, help="samples of each cell for formulas, a multiple of 200")
    parser.add_argument("--bootstraps", type=int, default=200, help="samples of each cell for bootstraps")
    parser.add_argument("--repeats", type=int, default=200, help="resamples of each bootstrap")
    effort = Effort(**vars(parser.parse_args()))
    started = time.process_time()
    for is_gap in (False, True):
        for metric in ("AUROC", "AUPRC"):
            for line in table(metric, is_gap, effort):
                print(line, flush=True)
    print(f"\n{time.process_time() - started:.0f} s of process time")


if __name__ == "__main__":
    main()
