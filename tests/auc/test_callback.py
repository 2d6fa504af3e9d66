from __future__ import annotations

import math
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.metrics import average_precision_score, roc_auc_score
from torch.utils.data import DataLoader, TensorDataset

from automax_lightning import AUROC
from automax_lightning.errors import ConfigError, DataError
from tests.support import auc as helpers

X = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + torch.randn(50, generator=torch.Generator().manual_seed(1)) > 0.8).long()


class Theirs(L.LightningModule):
    """Somebody's module; `output` says what its steps return."""

    def __init__(self, output: str = "logits", columns: int = 1) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.network = torch.nn.Linear(3, columns)
        self.output = output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        return self(batch[0]).square().mean()

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        scores = self(batch[0])
        return {
            "nothing": None, "loss": scores.mean(), "logits": {"logits": scores, "targets": batch[1]},
            "probs": {"probs": torch.sigmoid(scores), "y": batch[1]}, "half": {"preds": scores.bfloat16(), "labels": batch[1]},
        }[self.output]  # fmt: skip

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self.validation_step(batch, batch_idx)

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def loader(y: torch.Tensor = Y) -> Any:
    return DataLoader(TensorDataset(X, y), batch_size=16)


def validate(module: L.LightningModule, callback: AUROC, loaders: Any = None) -> dict[str, float]:
    trainer = L.Trainer(**helpers.QUIET, callbacks=[callback])
    return dict(trainer.validate(module, loader() if loaders is None else loaders, verbose=False)[0])


@pytest.mark.parametrize("output", ["nothing", "loss", "logits", "probs"])
def test_any_step_output_gives_scikit_learns_value(output: str) -> None:
    module, callback = Theirs(output), AUROC(("AUROC", "AUPRC", "ACC"))
    found = validate(module, callback)
    scores = module(X)[:, 0].detach()
    assert found["val/AUROC"] == pytest.approx(roc_auc_score(Y, scores), abs=1e-6)
    assert found["val/AUPRC"] == pytest.approx(average_precision_score(Y, scores), abs=1e-6)
    assert found["val/ACC"] == pytest.approx(((scores > 0) == Y).float().mean().item(), abs=1e-6)
    assert callback.counts == {"val": 50}


def test_half_precision_scores_are_ranked_as_they_are() -> None:
    module = Theirs("half")
    expected = roc_auc_score(Y, module(X)[:, 0].detach().bfloat16().float())
    assert validate(module, AUROC())["val/AUROC"] == pytest.approx(expected, abs=1e-6)


def test_two_columns_for_two_classes_are_their_difference() -> None:
    module = Theirs(columns=2)
    scores = module(X).detach()
    assert validate(module, AUROC())["val/AUROC"] == pytest.approx(roc_auc_score(Y, scores[:, 1] - scores[:, 0]), abs=1e-6)


def test_scores_of_the_users_own() -> None:
    callback = AUROC(scores=lambda module, batch, outputs: (-module(batch[0])[:, 0], batch[1]))
    module = Theirs()
    expected = roc_auc_score(Y, -module(X)[:, 0].detach())
    assert validate(module, callback)["val/AUROC"] == pytest.approx(expected, abs=1e-6)


def test_test_keys_and_several_loaders() -> None:
    module, callback = Theirs(), AUROC()
    trainer = L.Trainer(**helpers.QUIET, callbacks=[callback])
    assert list(trainer.test(module, loader(), verbose=False)[0]) == ["test/AUROC"]

    class Two(Theirs):
        def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
            return super().validation_step(batch, batch_idx)

    trainer = L.Trainer(**helpers.QUIET, callbacks=[callback])
    trainer.validate(Two(), [loader(), loader(1 - Y)], verbose=False)
    values = trainer.callback_metrics
    assert values["val/AUROC"].item() == pytest.approx(1 - values["val/AUROC/dataloader_idx_1"].item(), abs=1e-6)


def test_one_class_is_logged_as_nan_with_its_reason() -> None:
    callback = AUROC()
    found = validate(Theirs(), callback, loader(0 * Y))
    assert math.isnan(found["val/AUROC"])
    assert callback.reasons == {"val/AUROC": "the targets hold 0 positives and 50 negatives"}
    validate(Theirs(), callback)
    assert callback.reasons == {}


@pytest.mark.parametrize("first", [True, False])
def test_checkpoints_and_early_stopping_can_watch_it_in_any_order(tmp_path: Any, first: bool) -> None:
    watching = [
        ModelCheckpoint(dirpath=tmp_path, monitor="val/AUROC", mode="max"),
        EarlyStopping("val/AUROC", mode="max", patience=1),
    ]
    callbacks = [AUROC(), *watching] if first else [*watching, AUROC()]
    trainer = L.Trainer(**{**helpers.QUIET, "enable_checkpointing": True}, max_epochs=3, callbacks=callbacks)
    trainer.fit(Theirs(), loader(), loader())
    assert watching[0].best_model_score is not None


def test_the_sanity_check_is_not_scored() -> None:
    callback = AUROC()
    trainer = L.Trainer(**{**helpers.QUIET, "num_sanity_val_steps": 2}, limit_train_batches=0, max_epochs=1, callbacks=[callback])
    trainer.fit(Theirs(), loader(), loader())
    assert callback.counts == {}


@pytest.mark.parametrize(
    ("metrics", "kwargs", "expected"),
    [
        (("AUROC",), {"max_fpr": 0.3}, "partial"),
        (("AUROC", "pAUROC"), {"max_fpr": 0.3}, "whole"),
        (("AUROC",), None, "whole"),
    ],
)
def test_a_range_belongs_to_the_partial_auroc(metrics: tuple[str, ...], kwargs: Any, expected: str) -> None:
    module = Theirs()
    found = validate(module, AUROC(metrics, kwargs))
    scores = module(X)[:, 0].detach()
    values = {"partial": roc_auc_score(Y, scores, max_fpr=0.3), "whole": roc_auc_score(Y, scores)}
    assert found["val/AUROC"] == pytest.approx(values[expected], abs=1e-6)
    assert ("val/pAUROC" in found) == ("pAUROC" in metrics)
    assert found.get("val/pAUROC", values["partial"]) == pytest.approx(values["partial"], abs=1e-6)


def test_bad_arguments_and_outputs_are_named() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'AUROC'"):
        AUROC(("AUCROC",))
    with pytest.raises(ConfigError, match="a range for pAUROC"):
        AUROC(("pAUROC",))
    with pytest.raises(ConfigError, match=r"AUROC.metrics"):
        AUROC(())
    with pytest.raises(DataError, match="Return {'logits': ..., 'targets': ...} from the step, or pass scores="):
        validate(Theirs("nothing"), AUROC(), DataLoader(X, batch_size=10))  # type: ignore[arg-type]


def test_it_keeps_nothing_in_checkpoints() -> None:
    assert AUROC().state_dict() == {}


@pytest.mark.parametrize("output", ["nothing", "logits", "probs"])
def test_three_classes_are_ranked_by_softmax(output: str) -> None:
    module, callback = Theirs(output, columns=3), AUROC(metrics=("AUROC", "ACC"))
    targets = X.argmax(1)
    found = validate(module, callback, loader(targets))
    logits = module(X).detach().double()
    # Sigmoids of one-versus-rest networks are given as probabilities, and rank as they are.
    scores = torch.sigmoid(logits) if output == "probs" else logits.softmax(1)
    one_hot = torch.nn.functional.one_hot(targets)
    assert found["val/AUROC"] == pytest.approx(roc_auc_score(one_hot, scores, average="macro"), abs=1e-6)
    assert found["val/ACC"] == pytest.approx(float((scores.argmax(1) == targets).double().mean()))
    assert "val/AUROC_ovo" in found
    kept, _ = callback.evaluated["val"]
    assert torch.allclose(kept if output == "probs" else kept.exp(), scores.to(kept.dtype), atol=1e-6)
