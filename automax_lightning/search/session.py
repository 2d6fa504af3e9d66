"""One search while it runs: ask, run, record. Knows trials, journals and executors, and nothing of what is trained."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from types import TracebackType
from typing import Any, Protocol

from automax_lightning.errors import JournalError
from automax_lightning.search.executors.base import Executor
from automax_lightning.search.interrupt import StopSignal
from automax_lightning.search.members import EnsembleRule, chosen_trials, table_of
from automax_lightning.search.planning.plan import Continue, Plan, Promote, Repeat
from automax_lightning.search.planning.stopping import CurveRule
from automax_lightning.search.proposer.proposer import Proposer
from automax_lightning.search.proposer.smac_facade import export
from automax_lightning.search.record import SearchRecord
from automax_lightning.search.storage.best import keep_best
from automax_lightning.search.storage.directory import TrialDirectories
from automax_lightning.search.storage.ensemble_folder import EnsembleFolder
from automax_lightning.search.storage.history import History
from automax_lightning.search.storage.journal import Journal
from automax_lightning.search.storage.ownership import BEST_FILES, SMAC_FILES, drop_set_aside
from automax_lightning.search.storage.state_file import log, write_state
from automax_lightning.trial.records import OnEpoch, TrialResult, TrialSpec


class Listener(Protocol):
    """Who is told what happens, to show it."""

    def trial_started(self, spec: TrialSpec) -> None:
        """A trial begins."""

    def epoch_finished(self, number: int, epoch: int, score: float) -> None:
        """A trial has finished one more epoch."""

    def trial_finished(self, result: TrialResult, best: TrialResult | None) -> None:
        """A trial is over."""


class SearchSession:
    """Asks for trials, runs them and records what they bring, each before the next step.

    A context manager: on leaving, ``state.pkl`` holds every trial.

    Everything is recorded in one thread and in the order in which it happens, so that the history at any proposal is
    what the journal holds above it, with several trials in flight too.

    Args:
        journal: open, and so locked.
        proposer: proposes from the history.
        executor: runs the trials.
        plan: what comes next.
        experiment_name: names the best checkpoint's directory.
        seed: of the search.
        deterministic: every first run of a configuration has the search's seed.
        ordered: results are recorded in the order in which their trials were submitted, so that proposals do not depend
            on which trial is faster.
        stop: whether the user wants to pause.
        listener: told what happens.
        ensemble: how the models that the search delivers together are chosen.
    """

    def __init__(
        self,
        journal: Journal,
        proposer: Proposer,
        executor: Executor,
        plan: Plan,
        *,
        experiment_name: str,
        seed: int,
        deterministic: bool,
        ordered: bool = False,
        stop: StopSignal,
        listener: Listener,
        ensemble: EnsembleRule | None = None,
    ) -> None:
        self.ensemble = ensemble or EnsembleRule(size=0)
        self.journal, self.proposer, self.executor, self.plan = journal, proposer, executor, plan
        self.experiment_name, self.stop, self.listener = experiment_name, stop, listener
        self.seed, self.deterministic = seed, deterministic
        self.is_ordered = ordered
        self.running: frozenset[int] = frozenset()
        self._submitted: list[int] = []
        self._early: dict[int, TrialResult] = {}
        self.is_pausing = False
        self.directories = TrialDirectories(journal.directory)
        self._logged = 0
        self._kept: TrialResult | None = None
        self._chosen: dict[int, int] | None = None
        self._without_last: set[int] = set()
        self._without_any: set[int] = set()
        self._has_dropped = False
        self.directories.recover(experiment_name)
        self._settle()

    def __enter__(self) -> SearchSession:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.history.settled or (kind is not None and issubclass(kind, JournalError)):
            return  # a `JournalError` says that the directory is not the search's any more
        with nullcontext() if kind is None else suppress(Exception):  # what ended the search says more
            self._settle(is_end=True)

    @property
    def history(self) -> History:
        """Everything recorded so far."""
        return self.journal.history

    def next(self) -> TrialSpec | None:
        """The next trial, recorded; None if the search is over or a finite space is exhausted."""
        step = self.plan.next(self.history, self.running)
        if step is None:
            return None
        if isinstance(step, Continue):
            return step.spec
        if isinstance(step, Promote):
            return self.promote(step.number, step.budget)
        if isinstance(step, Repeat):
            return self.ask(step.values, origin="repeat", repetition=step.index)
        proposal = self.proposer.propose(self.plan.observations(self.history), known=self.history.known)
        return None if proposal is None else self.ask(proposal.values, origin=proposal.origin)

    def ask(self, chosen: Mapping[str, Any], *, origin: str, seed: int | None = None, repetition: int = 0) -> TrialSpec:
        """Record a trial of this configuration before it is run."""
        number = max(self.history.specs, default=0) + 1  # a repaired journal may lack a trial
        if seed is None:
            seed = (self.seed + (repetition if self.deterministic else number - 1)) % 2**32
        directory = self.directories.of(number)
        budget = None if origin == "user" else self.plan.first_budget(number)
        split = self.plan.resampling.split(number, repetition)
        spec = TrialSpec(number, dict(chosen), seed, budget, directory, origin, self.plan.epochs, self.history.search, split)
        self.journal.record_ask(spec)
        return spec

    def promote(self, number: int, budget: int | None) -> TrialSpec:
        """Record that a trial is promoted to a larger budget, None for its end."""
        self.journal.record_promotion(number, budget)
        return self.history.spec(number)

    @property
    def has_room(self) -> bool:
        """Whether another trial may start now."""
        return len(self.running) < self.executor.slots

    def start(self, spec: TrialSpec, *, may_stop: bool = True) -> None:
        """Start a recorded trial, or continue it.

        Args:
            spec: a trial that is recorded.
            may_stop: whether the plan's rule may end it early.
        """
        self.journal.record_start(spec.number)
        self.listener.trial_started(spec)
        self.running = self.running | {spec.number}
        if self.is_ordered:
            self._submitted.append(spec.number)
        rule = self.plan.rule if may_stop and spec.origin != "user" else None
        self.executor.submit(spec, self._on_epoch(spec, rule), lambda: self.is_pausing or self.stop.requested is not None)

    def _on_epoch(self, spec: TrialSpec, rule: CurveRule | None) -> OnEpoch:
        curve = dict(self.history.curves.get(spec.number, {}))
        newest, before = max(curve, default=0), self.history

        def on_epoch(epoch: int, score: float) -> str | None:
            if epoch not in curve:
                self.journal.record_epoch(spec.number, epoch, score)
            curve[epoch] = score
            self.listener.epoch_finished(spec.number, epoch, score)
            if rule is None or epoch < newest:  # what was judged once is not judged again when it is trained again
                return None
            # What others have brought meanwhile depends on who is faster.
            history = (before if self.is_ordered else self.history).on_fold(spec.split)
            return rule.verdict([curve[each] for each in sorted(curve)], history)

        return on_epoch

    def wait(self) -> TrialResult:
        """The next trial that ends, recorded."""
        result = self._next_result()
        self.running = self.running - {result.number}
        self.journal.record_result(result)
        if result.status.is_final:
            self._settle()  # a crash before this is made good at the next start
            self.listener.trial_finished(result, self.plan.shown_best(self.history))
        return result

    def _next_result(self) -> TrialResult:
        """The next result; in the order of submission, if that is wanted: others wait for it, and so do their slots."""
        while not (self._submitted and self._submitted[0] in self._early):
            result = self.executor.wait()
            if not self.is_ordered:
                return result
            self._early[result.number] = result
        return self._early.pop(self._submitted.pop(0))

    def run(self, spec: TrialSpec, *, may_stop: bool = True) -> TrialResult:
        """Start a trial and wait for its end."""
        self.start(spec, may_stop=may_stop)
        return self.wait()

    def best(self) -> TrialResult | None:
        """The best result so far."""
        return self.plan.best(self.history)

    def _settle(self, *, is_end: bool = False) -> None:
        """What is on disk and follows from the journal: the log, the best checkpoint, and which others are kept.

        Args:
            is_end: nothing will change any more, so that the log is written however little is new in it.
        """
        if not self.history.asks:
            return
        self._write_state(is_end=is_end)
        self._keep_best()
        self._keep_ensemble(is_end=is_end)
        self._clean_up()
        if not self._has_dropped and self.best() is not None:
            with suppress(OSError):  # it only takes room; the next result tries again
                drop_set_aside(self.journal.directory)
                self._has_dropped = True

    def finish(self) -> None:
        """Everything that follows from the journal is on the disk, SMAC's files too, and the journal says so.

        Cheap where nothing has changed since the journal has said so last.
        """
        if self.history.settled or not self.history.asks:
            return
        self._settle(is_end=True)
        self._export()
        self.journal.record_settled()

    def _export(self) -> None:
        """Write SMAC's files; they are derived, so a search that is done does not fail where SMAC cannot write them."""
        self.journal.claim(*(f"smac/{name}" for name in SMAC_FILES))
        try:
            export(self.proposer.facade_for(self.plan.observations(self.history)), self.journal.directory / "smac")
        except OSError:  # a full disk is made good by the next start
            raise
        except Exception as error:
            warnings.warn(f"SMAC's files in smac/ are not written: {type(error).__name__}: {error}", stacklevel=2)

    def _write_state(self, *, is_end: bool) -> None:
        """Write the whole log when at least a fiftieth of it is new: every trial up to the fiftieth, then every few."""
        over = len(self.history.final())
        if is_end or over - self._logged >= max(1, over // 50):
            self.journal.check_place()
            self.journal.claim("state.pkl")
            write_state(self.journal.directory / "state.pkl", log(self.history))
            self._logged = over

    def _keep_best(self) -> None:
        best = self.best()
        if best == self._kept or best is None or best.checkpoint is None or not best.checkpoint.exists():
            return
        self.journal.claim(*(f"{self.experiment_name}_best/{name}" for name in BEST_FILES))
        keep_best(self.directories, self.experiment_name, self.history, best)
        self._kept = best

    def _keep_ensemble(self, *, is_end: bool) -> None:
        """Make the ensemble's folder follow from the journal; greedy selection, which takes time, waits for the end."""
        if self.ensemble.selection == "greedy" and not is_end:
            return
        record = SearchRecord(self.history, self.plan.objective, self.journal.directory, self.journal.settings)
        chosen = chosen_trials(record, self.ensemble)
        if chosen != self._chosen:
            folder = EnsembleFolder(self.journal.directory, self.journal.claim)
            folder.keep(table_of(record, self.ensemble, chosen), self.history.written)
            self._chosen = chosen

    def _clean_up(self) -> None:
        """Remove the checkpoints that nothing needs any more; each once, so that a trial does not pay for all before it."""
        results, needed = self.history.final(), self.plan.resumable(self.history)
        over = results.keys()
        self._without_last &= over - needed  # a promoted trial writes its last checkpoint anew
        for number in over - needed - self._without_last:
            self.directories.remove_last(number)
            if results[number].error is None:  # of an attempt that was made again
                self.directories.remove_error(number)
            self._without_last.add(number)
        disposable = self.plan.disposable(self.history)
        for number in disposable - self._without_any:
            self.directories.remove_checkpoints(number)
        self._without_any = disposable
