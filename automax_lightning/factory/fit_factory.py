"""`FitFactory`: what a search asks of what it tunes; `factory_of` finds it inside an `autopartial`."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from automax_lightning.auc.data.datamodule import AUCDataModule
from automax_lightning.factory import checks
from automax_lightning.space.autopartial import autopartial
from automax_lightning.trial.fit import Fit
from automax_lightning.trial.records import Objective, Trainable
from automax_lightning.utils.portfolio import Portfolio
from automax_lightning.utils.row_counts import RowCounts


class FitFactory(abc.ABC):
    """Makes the fit of one configuration, and says what belongs to it.

    Any callable can be tuned; subclass this where your search is to know more: what makes two searches comparable, where
    to begin, what to check before the first trial. Only subclasses are asked; a method of another class that happens to
    be called `describe` is never called. Factories are pickled when trials run in other processes.

    Attributes:
        experiment_name: names the best checkpoint's directory, ``<experiment_name>_best``; None for the search's name.
        arm: the hyperparameter that chooses a sub-space, such as ``"loss"``: each of its choices is tried first; or None.

    Example:
        >>> class Linear(FitFactory):
        ...     experiment_name = "linear"
        ...     def __call__(self, lr: float) -> Trainable:
        ...         return make_my_fit(lr)
        ...     def describe(self) -> dict[str, Any]:
        ...         return {"epochs": 10}
        >>> factory_of(autopartial(Linear())).describe()
        {'epochs': 10}
    """

    experiment_name: str | None = None
    arm: str | None = None

    @abc.abstractmethod
    def __call__(self, *args: Any, **searched: Any) -> Trainable:
        """A fresh fit of the searched values."""

    def describe(self) -> dict[str, Any]:
        """What makes trials comparable besides the space: plain values, compared with the journal when a search resumes.

        A difference is an error. A name that an older journal does not hold is not compared.
        """
        return {}

    def document(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The content of the search's ``config.yaml``.

        Args:
            settings: of the search, as plain values.
        """
        return dict(settings)

    def portfolio(self) -> Portfolio:
        """Configurations to try right after the default."""
        return Portfolio()

    def row_counts(self, trainable: Trainable) -> RowCounts | None:
        """How few rows of the rarer class the data have; None where they cannot be divided anew, or nobody knows.

        ``AutoMAXConfig(resampling="auto")`` decides by it. What an `AUCDataModule` says is passed on.

        Args:
            trainable: the fit of a default configuration.
        """
        data = trainable.datamodule if isinstance(trainable, Fit) else None
        return data.row_counts if isinstance(data, AUCDataModule) else None

    def check(self, trainable: Trainable, objective: Objective, *, inline: bool) -> None:
        """Raise what can be known to be wrong before anything is trained or written.

        Args:
            trainable: the fit of a default configuration.
            objective: target of the search.
            inline: whether trials run in this process.

        Raises:
            AutoMAXError: that says what is wrong.
        """
        checks.check(trainable, objective, inline=inline)

    def summary(self, trainable: Trainable) -> list[str]:
        """What is to be said of the data before the first trial, one sentence each.

        Args:
            trainable: the fit of a default configuration, after `check`.
        """
        return checks.summary(trainable)


@dataclasses.dataclass(frozen=True)
class PlainFactory(FitFactory):
    """A `FitFactory` over a callable that is none.

    Args:
        make: called with the searched values; returns the fit.
    """

    make: Callable[..., Trainable]

    def __call__(self, *args: Any, **searched: Any) -> Trainable:
        """What the callable returns."""
        return self.make(*args, **searched)


def factory_of(trainer: Any) -> FitFactory:
    """The factory inside any number of nested autopartials; a plain callable is wrapped.

    Args:
        trainer: what `AutoMAX` tunes.

    Example:
        >>> factory_of(autopartial(autopartial(dict)))
        PlainFactory(make=<class 'dict'>)
    """
    innermost = trainer
    while isinstance(innermost, autopartial):
        innermost = innermost.autofunc
    return innermost if isinstance(innermost, FitFactory) else PlainFactory(innermost)
