"""A trial as files, for another process: ``trial.json`` and the pickled factory. It knows nothing of the search."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automax_lightning.space.configurations import configuration
from automax_lightning.trial.checkpoint import TrialFiles
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import Objective, Trainable, TrialSpec
from automax_lightning.trial.records_json import spec_from_json, spec_to_json
from automax_lightning.utils.files import write_atomically


@dataclasses.dataclass(frozen=True)
class TrialFile:
    """Everything that a process needs to run a trial.

    Args:
        spec: what to run, and where.
        objective: which logged value is the score.
        factory: the pickled factory.
        root: the directory to which paths are relative.
        time_limit: seconds the trial may train.
        verbose: show Lightning's own bars and messages.
        trust: whether objects in the trial's checkpoints may run code when these are loaded.
    """

    spec: TrialSpec
    objective: Objective
    factory: Path
    root: Path
    time_limit: float | None = None
    verbose: bool = False
    trust: bool = False

    def write(self) -> Path:
        """Write ``trial.json`` into the trial's directory."""
        assert self.spec.directory is not None
        self.spec.directory.mkdir(parents=True, exist_ok=True)
        path = TrialFiles(self.spec.directory).trial_json
        content = {
            "trial": spec_to_json(self.spec, self.root), "target": self.objective.target, "mode": self.objective.mode,
            "factory": str(self.factory), "root": str(self.root), "time_limit": self.time_limit, "verbose": self.verbose,
            "trust": self.trust,
        }  # fmt: skip
        write_atomically(path, json.dumps(content, indent=1).encode())
        return path

    @classmethod
    def read(cls, path: Path) -> TrialFile:
        """The inverse of `write`."""
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        root = Path(content["root"])
        objective = Objective(content["target"], content["mode"])
        spec = spec_from_json(content["trial"], root)
        return cls(spec, objective, Path(content["factory"]), root, content["time_limit"], content["verbose"], content["trust"])


def make_trainable(trainer: Any, spec: TrialSpec, *, verbose: bool, trust: bool) -> Trainable:
    """The trial's `Fit`, from a factory with a space ``cs``."""
    made: Trainable = trainer(configuration(trainer.cs, spec.configuration))
    if isinstance(made, Fit):
        made.verbose, made.trust = made.verbose or verbose, made.trust or trust
    return made
