"""The search for hyperparameters of any Lightning fit; knows nothing of AUC."""
