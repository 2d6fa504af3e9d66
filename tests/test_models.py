from __future__ import annotations

from typing import Any

import pytest
import torch

from automax_lightning.errors import ConfigError
from automax_lightning.models import MLP


@pytest.mark.parametrize(("num_labels", "shape"), [(1, (5,)), (3, (5, 3))])
@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)])
def test_logits_have_the_shape_that_losses_expect(hidden: tuple[int, ...], num_labels: int, shape: tuple[int, ...]) -> None:
    assert MLP(hidden, num_labels=num_labels)(torch.zeros(5, 2, 3)).shape == shape
    assert MLP(hidden, num_labels=num_labels, in_features=6)(torch.zeros(5, 2, 3)).shape == shape


def test_a_lazy_network_loads_a_trained_one() -> None:
    trained, fresh = MLP((4,), dropout=0.5), MLP((4,), dropout=0.5)
    x = torch.randn(3, 2)
    trained(x)
    fresh.load_state_dict(trained.state_dict())
    assert torch.equal(trained.eval()(x), fresh.eval()(x))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [({"hidden": (0,)}, "MLP.hidden"), ({"hidden": (1.5,)}, "MLP.hidden"), ({"dropout": 1.0}, "dropout")],
)
def test_settings_out_of_range_are_refused(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MLP(**kwargs)
