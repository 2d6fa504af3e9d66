"""Another network, other data or another precision is another search; the same ones resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from automax_lightning import AutoMAX, TabularDataModule, autopartial
from automax_lightning.errors import JournalError
from automax_lightning.factory.auc_factory import AUCFitFactory
from automax_lightning.factory.description import describe_network, describe_trainer
from automax_lightning.factory.fit_factory import factory_of
from automax_lightning.models import MLP
from automax_lightning.search.storage.lines import to_line
from tests.support.searching import factory, tuner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
Y = (X[:, 0] + RNG.normal(size=80) > 1).astype(int)


def made(**changes: Any) -> autopartial:
    data = TabularDataModule(X, Y, batch_size=16)
    return factory(**{"model": lambda: MLP((4,)), "data": data, "epochs": 1, "trainer_kwargs": {"accelerator": "cpu"}, **changes})


OTHERS = {
    r"fit\.network\.parameters: 5 -> 9": {"model": lambda: MLP((8,))},
    r"fit\.network\.structure: '\w+' -> '\w+'": {"model": lambda: MLP((4,), dropout=0.5)},
    r"fit\.data\.X\.shape: \[80, 4\] -> \[40, 4\]": {"data": TabularDataModule(X[:40], Y[:40], batch_size=16)},
    r"fit\.data\.y\.blake2b: '\w+' -> '\w+'": {"data": lambda: TabularDataModule(X, Y[::-1], batch_size=16)},
    r"fit\.trainer\.gradient_clip_val: None -> 0\.5": {"trainer_kwargs": {"accelerator": "cpu", "gradient_clip_val": 0.5}},
    r"fit\.decay_factor: 10\.0 -> 2\.0": {"decay_factor": 2.0},
}


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> AutoMAX:
    search = tuner(tmp_path_factory.mktemp("s"), n_trials=1, made=made())
    search.optimize()
    return search


@pytest.mark.parametrize("message", OTHERS)
def test_what_changes_the_scores_is_refused_with_both_values(search: AutoMAX, message: str) -> None:
    with pytest.raises(JournalError, match=message):
        tuner(search.directory.parent, n_trials=2, made=made(**OTHERS[message]))


@pytest.mark.parametrize("changes", [
    {}, {"data": lambda: TabularDataModule(X.copy(), Y.copy(), batch_size=16)}, {"model": MLP, "model_kwargs": {}},
    {"trainer_kwargs": {"devices": 1, "logger": False, "log_every_n_steps": 3}}, {"verbose": True},
])  # fmt: skip
def test_what_does_not_change_them_resumes(search: AutoMAX, changes: dict[str, Any]) -> None:
    if "model" in changes:
        changes = {**changes, "model_kwargs": {"hidden": (4,)}}
        with pytest.raises(JournalError, match=r"fit\.network\.arguments"):
            tuner(search.directory.parent, made=made(**changes))
    else:
        assert tuner(search.directory.parent, made=made(**changes)).finished == 1


def test_a_choice_of_losses_is_described_once() -> None:
    described = factory_of(made(loss=["AUCMLoss", "CrossEntropyLoss"])).describe()
    assert set(described) == {
        "AUCMLoss", "CrossEntropyLoss", "decay_factor", "num_labels", "libauc_compatible", "data", "network", "trainer",
    }  # fmt: skip
    assert described["AUCMLoss"]["epochs"] == 1


def test_a_network_is_described_with_the_defaults_of_what_is_searched() -> None:
    hidden = {"hidden": {"choices": [(4,), (8,)]}, "dropout": 0.0}
    found = factory_of(made(model=MLP, model_kwargs=hidden))
    assert isinstance(found, AUCFitFactory)
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    assert found.describe()["network"]["class"] == "automax_lightning.models.MLP"
    assert found.describe()["network"]["arguments"] == {"dropout": 0.0}
    assert torch.equal(before, torch.random.get_rng_state())


def test_networks_differ_by_their_shapes_and_their_printed_form_but_not_by_their_weights() -> None:
    networks = [
        torch.nn.Linear(3, 1),
        torch.nn.Linear(3, 2),
        torch.nn.LazyLinear(2),
        torch.nn.Dropout(0.1),
        torch.nn.Dropout(0.2),
    ]
    assert len({str(describe_network(each)) for each in networks}) == 5
    assert describe_network(torch.nn.Linear(3, 1)) == describe_network(networks[0])
    assert describe_network(networks[2])["parameters"] == 0


def test_a_trainer_is_described_by_what_is_not_its_default() -> None:
    assert describe_trainer({"devices": 1, "precision": None, "accelerator": "gpu", "max_time": None}) == {}
    assert describe_trainer({"devices": 2, "plugins": [torch.nn.ReLU()]}) == {
        "devices": 2, "plugins": ["torch.nn.modules.activation.ReLU"],
    }  # fmt: skip


def test_what_an_older_journal_does_not_hold_is_not_compared(tmp_path: Path) -> None:
    first = tuner(tmp_path, n_trials=1, made=made())
    first.optimize()
    journal = first.directory / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    settings = json.loads(lines[1])
    fit = settings["settings"]["fit"]
    for name in ("factory", "data", "network", "trainer", "decay_factor", "num_labels", "libauc_compatible"):
        del fit[name]
    del settings["crc"]
    lines[1] = to_line(settings).decode()
    journal.write_text("".join(lines))
    again = tuner(tmp_path, n_trials=2, made=made(model=lambda: MLP((8,))))
    again.optimize()
    assert len(again.log) == 2
    with pytest.raises(JournalError, match=r"fit\.epochs: 1 -> 2"):
        tuner(tmp_path, made=made(epochs=2))
    with pytest.raises(JournalError, match=r"fit\.network"):  # from now on it is recorded
        tuner(tmp_path, n_trials=2, made=made())
