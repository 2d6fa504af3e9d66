"""Trials on a Dask cluster: two worker processes of this machine here; SLURM or PBS through dask-jobqueue elsewhere."""

import tempfile

from distributed import Client, LocalCluster

from automax_lightning import AutoMAX, AutoMAXConfig, DigitsDataModule, trainer_factory
from automax_lightning.models import MLP


def main() -> None:
    factory = trainer_factory(lambda: MLP((16,)), DigitsDataModule(), epochs=3, sampling_rate=[0.2, 0.5])
    config = AutoMAXConfig(name="cluster", n_trials=6, SEED=1)
    with (
        tempfile.TemporaryDirectory() as scratch,
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None, local_directory=scratch
        ) as cluster,
        Client(cluster) as client,
    ):
        tuner = AutoMAX(factory, config, target="AUROC", client=client)
        tuner.optimize()
    print(f"{len(tuner.log)} trials on 2 workers, best AUROC {tuner.best_score:.4f}")


if __name__ == "__main__":  # the workers import this file
    main()
