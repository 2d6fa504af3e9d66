"""Several imbalanced labels: one network with one score per label, tuned for the mean AUROC over labels."""

import numpy as np
from sklearn.datasets import make_multilabel_classification

from automax_lightning import AutoMAX, AutoMAXConfig, TabularDataModule, trainer_factory
from automax_lightning.models import MLP


def main() -> None:
    X, y = make_multilabel_classification(n_samples=1200, n_features=15, n_classes=3, n_labels=1, random_state=0)
    print("share of positives per label:", np.round(y.mean(axis=0), 2))
    factory = trainer_factory(
        model=lambda: MLP(hidden=(32,), num_labels=3),
        data=TabularDataModule(X, y, batch_size=64, sampling_rate=None),
        loss="MultiLabelAUCMLoss",
        num_labels=3,
        optimizer_kwargs={"lr": {"low": 0.01, "high": 0.5, "log": True, "default": 0.1}},
        epochs=5,
    )
    tuner = AutoMAX(factory, AutoMAXConfig(name="labels", n_trials=4, SEED=3), target="AUROC")
    tuner.optimize()
    best = tuner.best
    for label in range(3):
        print(f"label {label}: test AUROC {best.test[f'AUROC/label_{label}']:.4f}")
    print(f"mean AUROC: validation {best.score:.4f}, test {best.test['AUROC']:.4f}")


if __name__ == "__main__":
    main()
