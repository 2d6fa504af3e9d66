from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import libauc
import pytest

from automax_lightning import parse_hyperparameters_from_dict
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import PairError
from tests.support.libauc import imported


@pytest.mark.parametrize(
    ("name", "mode", "expected"),
    [
        ("AUCMLoss", None, "AUCMLoss"),
        ("AveragePrecisionLoss", None, "APLoss"),
        ("mAUCMLoss", None, "MultiLabelAUCMLoss"),
        ("meanAveragePrecisionLoss", None, "mAPLoss"),
        ("pAUCLoss", None, "pAUC_DRO_Loss"),
        ("pAUCLoss", "1w", "pAUC_DRO_Loss"),
        ("pAUCLoss", "2w", "tpAUC_KL_Loss"),
        ("pAUCLoss", "SOPA", "pAUC_CVaR_Loss"),
        ("pAUCLoss", "STACO", "tpAUC_CVaR_loss"),
        ("mPAUCLoss", "2w", "MultiLabelpAUCLoss:SOTAs"),
        ("MultiLabelpAUCLoss:SOPA", None, "MultiLabelpAUCLoss:SOPA"),
    ],
)
def test_aliases_and_wrappers_resolve_to_one_record(name: str, mode: str | None, expected: str) -> None:
    assert pairs.get(name, loss_kwargs={} if mode is None else {"mode": mode}).name == expected


@pytest.mark.parametrize(
    ("loss", "mode", "message"),
    [
        ("AUCLoss", None, "Did you mean 'AUCMLoss'"),
        ("pAUCLoss", "3w", r"loss_kwargs.mode of pAUCLoss"),
        ("MultiLabelpAUCLoss", "STACO", r"one of \['1w', '2w', 'SOPA', 'SOPAs', 'SOTAs'\]"),
    ],
)
def test_unknown_names_are_errors(loss: str, mode: str | None, message: str) -> None:
    with pytest.raises(PairError, match=message):
        pairs.get(loss, loss_kwargs={} if mode is None else {"mode": mode})


@pytest.mark.parametrize("name", pairs.names())
def test_every_record_agrees_with_the_classes_that_it_names(name: str) -> None:
    pair = pairs.get(name)
    loss_arguments = set(inspect.signature(imported(pair.path)).parameters)
    inner = set(pair.arguments) - loss_arguments if "kwargs" in loss_arguments else set()
    assert set(pair.arguments) - inner <= loss_arguments
    for choice in pair.optimizers:
        assert set(choice.arguments) <= set(inspect.signature(imported(choice.path)).parameters)
        choice.check_kwargs(choice.space)
        parse_hyperparameters_from_dict(choice.space)
    pair.check_loss_kwargs(pair.loss_space)
    parse_hyperparameters_from_dict(pair.loss_space)
    assert pair.objective
    assert pair.use_when
    assert pair.reference


def libauc_spaces() -> dict[str, tuple[dict[str, object], dict[str, object]]]:
    """LibAUC's own ranges, read from their file: importing their package loads half a dozen others."""
    path = Path(libauc.__file__).parent / "trainer" / "config" / "spaces.py"
    spec = importlib.util.spec_from_file_location("spaces", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: (v.loss["space"], v.optimizer.get("space", {})) for name, v in vars(module).items() if inspect.isclass(v)}


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("AUCMLoss", "AUCMLossSpace"), ("MultiLabelAUCMLoss", "MultiLabelAUCMLossSpace"),
        ("CompositionalAUCLoss", "CompositionalAUCLossSpace"), ("APLoss", "APLossSpace"), ("mAPLoss", "mAPLossSpace"),
        ("pAUC_CVaR_Loss", "pAUC_CVaR_LossSpace"), ("pAUC_DRO_Loss", "pAUC_DRO_LossSpace"),
        ("tpAUC_KL_Loss", "tpAUC_KL_LossSpace"), ("tpAUC_CVaR_loss", "tpAUC_CVaR_lossSpace"),
    ],
)  # fmt: skip
def test_default_spaces_are_libaucs_but_for_four_known_faults(name: str, theirs: str) -> None:
    loss, optimizer = libauc_spaces()[theirs]
    pair = pairs.get(name)
    wanted = {**loss, **optimizer}
    wanted.pop("mode", None)
    if pair.optimizer().name != "PESG":
        wanted.pop("momentum", None)  # ignored in these optimizers' default mode
    ours = parse_hyperparameters_from_dict({**pair.loss_space, **pair.optimizer().space})
    assert ours.keys() == wanted.keys()
    for key, found in ours.items():
        spec = dict(wanted[key])  # type: ignore[call-overload]
        if key == "gamma":
            spec["val"] = (0.05, 1.0)  # 0 divides by an estimator that is never updated
        if key == "lr" and pair.optimizer().name in ("PESG", "PDSCA"):
            spec["val"] = (0.001, 5.0)  # LibAUC's ends at its default, far below the best rates on tables
        if key == "tau":
            spec["val"] = (0.3, 10.0)  # at 0.1, 0.1 ** (Lambda / tau) vanishes
        if key == "gammas":
            spec = {"choices": spec["val"], "default": spec["default"]}
        assert found == parse_hyperparameters_from_dict({key: spec})[key]


def test_a_foreign_optimizer_is_named_with_the_right_one() -> None:
    with pytest.raises(PairError, match=r"optimizer of AUCMLoss: expected one of \['PESG'\], found 'Adam'"):
        pairs.get("AUCMLoss").optimizer("Adam")
    with pytest.raises(PairError, match=r"Did you mean 'momentum'"):
        pairs.get("AUCMLoss").optimizer().check_kwargs({"momentm": 0.9})
    with pytest.raises(PairError, match=r"loss_kwargs of AUCMLoss: margn"):
        pairs.get("AUCMLoss").check_loss_kwargs({"margn": 1.0})


def test_a_user_can_register_a_pair_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "_registered", {})
    mine = dataclasses.replace(pairs.get("AUCMLoss"), name="MyLoss")
    pairs.register(mine)
    assert pairs.get("MyLoss") is mine
    with pytest.raises(PairError, match="a new name"):
        pairs.register(mine)


def test_the_catalogue_needs_no_torch() -> None:
    code = "import sys, automax_lightning.auc.pairs.registry; print({'torch', 'libauc', 'lightning'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
