"""What `deterministic_order=True` costs: how much longer a search takes whose results are recorded in the order of submission.

    python benchmarks/order.py

Nothing is trained: trials have durations drawn from a log-normal distribution, and a clock that only the program moves.
"""

from __future__ import annotations

import argparse
import heapq

import numpy as np


def makespan(durations: list[float], workers: int, *, ordered: bool) -> float:
    """When the last trial is over, if a trial starts as soon as a result is recorded.

    Args:
        durations: of the trials, in the order of their submission.
        workers: trials at once.
        ordered: a result is recorded only after those of all trials that were submitted before.
    """
    if not ordered:
        free = [0.0] * workers
        for duration in durations:
            heapq.heappush(free, heapq.heappop(free) + duration)
        return max(free)
    ends: list[float] = []
    recorded: list[float] = []
    for index, duration in enumerate(durations):
        start = 0.0 if index < workers else recorded[index - workers]
        ends.append(start + duration)
        recorded.append(max(ends[index], recorded[-1] if recorded else 0.0))
    return recorded[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--searches", type=int, default=200)
    arguments = parser.parse_args()
    print("| spread of the durations (90 % within) | 2 workers | 4 workers | 8 workers |\n|---|---|---|---|")
    for sigma in (0.1, 0.3, 0.6, 1.0):
        generator = np.random.default_rng(0)
        drawn = [np.exp(sigma * generator.normal(size=arguments.trials)).tolist() for _ in range(arguments.searches)]
        longer = [
            np.mean([makespan(each, n, ordered=True) / makespan(each, n, ordered=False) for each in drawn]) - 1 for n in (2, 4, 8)
        ]
        spread = np.exp(1.645 * sigma)
        print(f"| a factor of {spread:.1f} up or down | " + " | ".join(f"+{each * 100:.0f} %" for each in longer) + " |")


if __name__ == "__main__":
    main()
