"""The modules of single trials, with the weights of their best epochs."""

from __future__ import annotations

import lightning as L

from automax_lightning.errors import CheckpointError, ConfigError
from automax_lightning.search.members import ranked_trials
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.checkpoint import TrialFiles, TrialIdentity
from automax_lightning.trial.records import TrialResult
from automax_lightning.tuner.fits import loaded
from automax_lightning.tuner.setup import SearchSetup


def model_of_trial(setup: SearchSetup, record: SearchRecord, number: int, *, trust: bool) -> L.LightningModule:
    """The module of a trial with its best epoch's weights, in evaluation mode.

    Args:
        setup: of the search.
        record: what it has found out.
        number: of a trial.
        trust: whether objects in the checkpoint may run code of theirs.

    Raises:
        ConfigError: if there is no such trial.
        CheckpointError: if its checkpoint is gone, damaged or another trial's.
    """
    spec = record.specs.get(number)
    if spec is None:
        raise ConfigError("AutoMAX.load_model", f"a trial's number, one of {sorted(record.specs)}", repr(number),
                          "See trials_dataframe().")  # fmt: skip
    path = TrialFiles.of(setup.directory, number).best
    if not path.exists():
        kept = [result.number for result in trials_with_models(setup, record)]
        raise CheckpointError(str(path), f"the checkpoint of trial {number}", "none", f"Checkpoints are kept of {kept}.")
    return loaded(setup.make_trial(spec), "load_model", path, TrialIdentity.of(spec), trust=trust)


def trials_with_models(setup: SearchSetup, record: SearchRecord) -> list[TrialResult]:
    """The results of trials that were trained to their end and whose checkpoint lies on the disk, the best first."""
    return [each for each in ranked_trials(record) if TrialFiles.of(setup.directory, each.number).best.exists()]
