from __future__ import annotations

import dataclasses

import pytest

from automax_lightning.utils.portfolio import Portfolio

TWO = Portfolio(({"loss_kwargs:margin": 0.5, "optimizer_kwargs:lr": 0.3}, {"lr": 1.0}), is_default=True)


def test_names_are_put_under_a_prefix_and_values_stay() -> None:
    renamed = TWO.renamed("model.init_args.", ".")
    assert renamed.configs == (
        {"model.init_args.loss_kwargs.margin": 0.5, "model.init_args.optimizer_kwargs.lr": 0.3}, {"model.init_args.lr": 1.0},
    )  # fmt: skip
    assert renamed.is_default


def test_without_a_prefix_nothing_changes_and_prefixes_add_up() -> None:
    assert TWO.renamed("") == TWO
    assert TWO.renamed("b:").renamed("a:") == TWO.renamed("a:b:")


def test_an_empty_portfolio_stays_empty() -> None:
    assert Portfolio().renamed("x:") == Portfolio()
    assert (Portfolio().configs, Portfolio().is_default) == ((), False)


def test_nobody_changes_it() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="configs"):
        TWO.configs = ()  # type: ignore[misc]
