"""Train a network on an AUC loss with a plain Lightning Trainer, without a search."""

import lightning as L

from automax_lightning import AUROC, AUCModule, DigitsDataModule
from automax_lightning.models import MLP


def main() -> None:
    L.seed_everything(0)
    data = DigitsDataModule(batch_size=64)  # scikit-learn's digits, 5 % of them positive
    module = AUCModule(MLP(hidden=(32,)), loss="AUCMLoss", optimizer_kwargs={"lr": 1.0}, decay_epochs=(0.5, 0.75))
    trainer = L.Trainer(
        max_epochs=20,
        accelerator="auto",
        devices=1,
        callbacks=[AUROC(metrics=("AUROC", "AUPRC"))],  # logs exact val/AUROC, test/AUROC, ... once per epoch
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, data)
    (scores,) = trainer.test(module, data, verbose=False)
    print(f"test AUROC {scores['test/AUROC']:.4f}, AUPRC {scores['test/AUPRC']:.4f}, positives {data.facts.positives[0]}")


if __name__ == "__main__":
    main()
