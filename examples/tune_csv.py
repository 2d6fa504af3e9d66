"""A CSV file with a label column: tune, build an ensemble, refit on training and validation rows, score test rows."""

from pathlib import Path

from sklearn.datasets import load_breast_cancer

from automax_lightning import AutoMAX, AutoMAXConfig, TabularDataModule, trainer_factory
from automax_lightning.models import MLP


def write_csv(path: Path) -> Path:
    """Write a file with feature columns and a column ``diagnosis`` with the values ``malignant`` and ``benign``."""
    frame = load_breast_cancer(as_frame=True).frame
    frame["diagnosis"] = frame.pop("target").map({0: "malignant", 1: "benign"})
    frame.to_csv(path, index=False)
    return path


def main() -> None:
    data = TabularDataModule(path=write_csv(Path("cancer.csv")), target="diagnosis", positive="malignant", batch_size=64)
    factory = trainer_factory(
        model=MLP,
        model_kwargs={"hidden": {"choices": [(16,), (32, 16)]}},
        data=data,
        loss="AUCMLoss",
        optimizer_kwargs={"lr": {"low": 0.001, "high": 0.3, "log": True, "default": 0.1}},
        epochs=5,
        sampling_rate=[0.3, 0.5],
    )
    tuner = AutoMAX(factory, AutoMAXConfig(name="cancer", n_trials=6, SEED=42), target="AUROC")
    tuner.optimize()
    print(tuner.summary())
    print(tuner.ensemble(top_k=3))

    refit = tuner.refit()
    print(f"refit on training and validation rows for {refit.epochs} epochs: test AUROC {refit.test['AUROC']:.4f}")
    x, y = data.datasets[2].tensors
    scores = tuner.predict(x)  # of the search's ensemble, in (0, 1)
    print(f"highest score among {len(y)} test rows: row {int(scores.argmax())}, label {int(y[scores.argmax()])}")


if __name__ == "__main__":
    main()
