"""SMAC's own view of a search: a facade, and the files that its analysis tools read. Derived, never read back."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ConfigSpace import Configuration, ConfigurationSpace

from automax_lightning.search.proposer.scratch import scratch_directory
from automax_lightning.utils.files import write_atomically

if TYPE_CHECKING:
    from smac.facade.abstract_facade import AbstractFacade

_MANY = 100_000
"""SMAC's budget: it changes what SMAC proposes, so it is never the number of trials that the user asked for."""


def facade(
    space: ConfigurationSpace, seed: int, told: Sequence[tuple[Configuration, float]], directory: Path | None
) -> AbstractFacade:
    """SMAC's hyperparameter-optimisation facade, told every finished trial.

    It lives in a scratch directory that it makes new: where SMAC finds files of its own that differ in anything, it
    asks on standard input.

    Args:
        space: the search space.
        seed: of the scenario.
        told: configurations and costs, in order.
        directory: what the scenario is named after.
    """
    from smac import HyperparameterOptimizationFacade, Scenario
    from smac.initial_design import DefaultInitialDesign
    from smac.runhistory.dataclasses import TrialInfo, TrialValue

    scratch, remove = scratch_directory("automax_smac_")
    name = directory.name if directory is not None else "search"
    scenario = Scenario(space, name=name, output_directory=scratch, deterministic=True, n_trials=_MANY, seed=seed, crash_cost=0.0)
    made: AbstractFacade = HyperparameterOptimizationFacade(
        scenario,
        None,  # SMAC never calls anything: trials are run, and told, by us
        initial_design=DefaultInitialDesign(scenario, n_configs=1),
        logging_level=False,
        overwrite=True,
    )
    weakref.finalize(made, remove)
    for config, cost in told:
        made.tell(TrialInfo(config, seed=seed), TrialValue(cost=cost), save=False)
    return made


def export(smac: AbstractFacade, target: Path) -> None:
    """Write SMAC's files into `target`, each by rename; what else lies there stays.

    Args:
        smac: a facade that was told everything.
        target: the directory.
    """
    smac.optimizer.save()
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(smac.scenario.output_directory).iterdir()):
        write_atomically(target / path.name, path.read_bytes())
