"""The catalogue of losses under its public name."""

from __future__ import annotations

import automax_lightning
from automax_lightning.auc.pairs import registry


def test_it_is_the_registry() -> None:
    import automax_lightning.pairs as pairs

    assert automax_lightning.pairs is pairs
    assert sorted(pairs.__all__) == sorted(registry.__all__)
    assert all(getattr(pairs, name) is getattr(registry, name) for name in pairs.__all__)
