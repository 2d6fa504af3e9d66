from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from automax_lightning.auc.data.facts import DataFacts
from automax_lightning.auc.libauc.construction import adopt_tensors, make_loss
from automax_lightning.auc.pairs import registry as pairs
from tests.support import auc

CPU = torch.device("cpu")
FACTS = DataFacts(241, (24,))


def make(name: str, *, labels: int = 1, libauc_compatible: bool = True) -> nn.Module:
    pair = pairs.get(name)
    facts = DataFacts(241, (24,) * labels)
    return make_loss(pair, {**pair.fixed, **auc.loss_kwargs(pair)}, facts, CPU, labels, libauc_compatible)


def test_every_loss_that_asks_where_it_is_is_told() -> None:
    made = [make(name, labels=auc.num_labels_of(pairs.get(name))) for name in auc.CLASSIFYING]
    places = [part.device for loss in made for part in loss.modules() if hasattr(part, "device")]
    assert len(places) >= len(auc.CLASSIFYING) // 2
    assert set(places) == {CPU}


def test_it_is_told_how_much_data_there_are() -> None:
    assert len(make("APLoss").u_all) == 241
    cvar = make("pAUC_CVaR_Loss")
    assert (cvar.data_len, cvar.pos_len) == (241, 24)
    assert make("MultiLabelAUCMLoss", labels=3).num_labels == 3


@pytest.mark.parametrize("name", auc.CLASSIFYING)
def test_after_adoption_no_tensor_is_left_that_a_checkpoint_would_forget(name: str) -> None:
    made = make(name, labels=auc.num_labels_of(pairs.get(name)))
    adopt_tensors(made)
    plain = [key for part in made.modules() for key, value in vars(part).items() if isinstance(value, torch.Tensor)]
    assert plain == []


def test_what_wants_a_gradient_becomes_a_parameter_and_the_rest_a_buffer() -> None:
    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.alpha = torch.zeros(1, requires_grad=True)
            self.u = torch.ones(3)
            self.margin = 1.0
            self.w = 0.25

    made = Loss()
    adopt_tensors(made)
    assert {name: tuple(each.shape) for name, each in made.named_parameters()} == {"alpha": (1,)}
    assert {name: each.tolist() for name, each in made.named_buffers()} == {"u": [1.0, 1.0, 1.0], "w": 0.0}
    assert made.margin == 1.0
    assert set(copy.deepcopy(made).state_dict()) == {"alpha", "u", "w"}


def test_the_published_formula_is_another_class_only_where_libauc_differs() -> None:
    from automax_lightning.auc.libauc.corrected_losses import PUBLISHED

    for name in auc.CLASSIFYING:
        pair = pairs.get(name)
        labels = auc.num_labels_of(pair)
        theirs, ours = (make(name, labels=labels, libauc_compatible=each) for each in (True, False))
        assert (type(theirs) is type(ours)) == (name not in PUBLISHED), name
