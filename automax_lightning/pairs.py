"""The catalogue of loss/optimizer pairs as users reach it: look one up by name, or register your own."""

from automax_lightning.auc.pairs.registry import DataFacts, OptimizerChoice, Pair, get, names, register

__all__ = ["DataFacts", "OptimizerChoice", "Pair", "get", "names", "register"]
