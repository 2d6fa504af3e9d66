"""A portfolio under other names."""

from __future__ import annotations

from automax_lightning.utils.portfolio import Portfolio


def test_names_move_and_the_rest_stays() -> None:
    plain = Portfolio(({"optimizer_kwargs:lr": 0.3, "margin": 1.0}, {}), is_default=True)
    moved = plain.renamed("AUCMLoss:")
    assert moved.configs == ({"AUCMLoss:optimizer_kwargs:lr": 0.3, "AUCMLoss:margin": 1.0}, {})
    assert plain.renamed("model.", ".").configs[0] == {"model.optimizer_kwargs.lr": 0.3, "model.margin": 1.0}
    assert moved.is_default
    assert plain.renamed("") == plain
