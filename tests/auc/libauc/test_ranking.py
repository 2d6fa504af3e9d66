"""Pairs that rank, on queries with rated items: parity with LibAUC's loop, exact continuation, and a better ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from automax_lightning import AUCModule, AutoMAX, AutoMAXConfig, trainer_factory
from automax_lightning.auc.pairs import registry as pairs
from automax_lightning.errors import ConfigError, DataError, TargetError
from tests.support import auc as helpers
from tests.support.queries import SIZES, Scorer, fit, loader, module


def test_every_pair_of_the_catalogue_is_in_one_of_the_two_sweeps() -> None:
    assert set(helpers.CLASSIFYING) | set(helpers.RANKING) == set(pairs.names())
    assert helpers.RANKING == ("NDCGLoss",)


def test_thirty_steps_give_the_same_bits() -> None:
    from libauc.losses.ranking import NDCGLoss
    from libauc.optimizers.song import SONG

    made = module()
    fit(made, 10)
    model, loss_fn = Scorer(), NDCGLoss(**SIZES, topk=3, device=torch.device("cpu"))
    torch.manual_seed(0)
    optimizer = SONG(model.parameters(), lr=0.02, epoch_decay=0.01, device=torch.device("cpu"))
    for epoch in range(10):
        if epoch == 2:
            optimizer.update_regularizer(10)
        for batch in loader():
            loss = loss_fn(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert not helpers.exactly_equal(made.model.state_dict(), model.state_dict())
    for name in ("u", "lambda_q", "s_q"):
        assert torch.equal(getattr(made.loss.loss_fn, name), getattr(loss_fn, name))


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`")
def test_a_checkpoint_loses_nothing(tmp_path: Path) -> None:
    straight, cut, whole = module(), module(), module()
    fit(straight, 6)
    fit(cut, 3, enable_checkpointing=True, callbacks=[ModelCheckpoint(tmp_path, filename="c", save_on_train_epoch_end=True)])
    fit(whole, 6, ckpt_path=tmp_path / "c.ckpt")
    assert not helpers.exactly_equal(straight.state_dict(), whole.state_dict())
    loaded = AUCModule.load_from_checkpoint(tmp_path / "c.ckpt", model=Scorer(), weights_only=True)
    assert not helpers.exactly_equal(cut.state_dict(), loaded.state_dict())


def test_the_ranking_improves_and_is_logged() -> None:
    made = AUCModule(Scorer(), loss="NDCGLoss", loss_kwargs=SIZES, optimizer_kwargs={"lr": 0.05})
    before = L.Trainer(**helpers.QUIET).validate(made, loader(), verbose=False)[0]["val/NDCG"]
    after = fit(made, 60).callback_metrics["val/NDCG"].item()
    assert after > before + 0.1
    assert after > 0.75


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match=r"loss_kwargs of NDCGLoss: expected .* found no \['N', 'num_user'"):
        AUCModule(Scorer(), loss="NDCGLoss")
    made = module()
    fit(made, 1)
    with pytest.raises(DataError, match=r"without \['rating'"):
        made.loss(torch.zeros(8, 10), {"x": torch.zeros(1)})
    batch = next(iter(loader()))
    with pytest.raises(DataError, match=r"predictions \(8, 3\)"):
        made.loss(torch.zeros(8, 3), batch)


class QueryData(L.LightningDataModule):
    def train_dataloader(self) -> Any:
        return loader()

    def val_dataloader(self) -> Any:
        return loader()


def test_it_is_tuned_like_any_other_pair(tmp_path: Path) -> None:
    factory = trainer_factory(Scorer, QueryData(), "NDCGLoss", loss_kwargs=SIZES, epochs=2)
    search = AutoMAX(factory, AutoMAXConfig(n_trials=2, output_directory=tmp_path), target="NDCG", quiet=True)
    search.optimize()
    assert [entry["status"] for entry in search.log] == ["SUCCESS", "SUCCESS"]
    assert 0 < search.best_score <= 1
    with pytest.raises(TargetError, match="NDCG"):
        AutoMAX(factory, AutoMAXConfig(name="b", output_directory=tmp_path), target="AUROC", quiet=True).optimize()
