"""All pairs, as data. Ranges are LibAUC's own where they are sound.

Four of them are not, and differ here: ``gamma`` starts at 0.05 because 0 divides by an estimator that is never updated,
``tau`` at 0.3 because the estimator to the power of Lambda / tau must not vanish in float32 (0.1 ** 100 does),
``momentum`` is left out where the optimizer's default mode, adam, ignores it, and the learning rate of PESG, PDSCA and
SGD does not end at LibAUC's default of 0.1: on tables their best ones lie at 0.2 to 5 (``benchmarks/README.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automax_lightning.auc.pairs.pair import OptimizerChoice, Pair

_AUC = "libauc.losses.auc"
_ICCV21 = "Yuan et al., Large-scale Robust Deep AUC Maximization, ICCV 2021, arXiv:2012.03173"
_ICLR22 = "Yuan et al., Compositional Training for End-to-End Deep AUC Maximization, ICLR 2022"
_NEURIPS21 = "Qi et al., Stochastic Optimization of Areas Under Precision-Recall Curves, NeurIPS 2021"
_ICML22 = "Zhu et al., When AUC meets DRO: Optimizing Partial AUC for Deep Learning, ICML 2022, arXiv:2203.00176"
_ICML22_SONG = "Qiu et al., Large-scale Stochastic Optimization of NDCG Surrogates, ICML 2022, arXiv:2202.12183"
_STACO = "Stochastic Primal-Dual Double Block-Coordinate for Two-way Partial AUC Maximization, TMLR"
_KDD23 = "Yuan et al., LibAUC: A Deep Learning Library for X-Risk Optimization, KDD 2023, arXiv:2306.03065"


def _lr(default: float, high: float = 0.1) -> dict[str, Any]:
    return {"val": (0.0001, high), "default": default, "log": True}


_SGD_LR = {"val": (0.001, 5.0), "default": 0.1, "log": True}


def _decay(default: float) -> dict[str, Any]:
    return {"val": (0.0, 0.0002), "default": default}


_MARGIN = {"val": [0.6, 0.8, 1.0], "default": 1.0}
_FINE_MARGIN = {"val": [0.1, 0.3, 0.5, 0.7, 0.9, 1.0], "default": 1.0}
_GAMMA = {"val": (0.05, 1.0), "default": 0.9}
_WEIGHT = {"val": (0.1, 10.0), "default": 1.0, "log": True}
_EPOCH_DECAY = {"val": (0.0, 0.01), "default": 0.002}
_THETA = {"val": [0.3, 0.5, 0.7], "default": 0.5}
_STEP = {"val": (0.0001, 0.1), "default": 0.1, "log": True}

_ADAM_ARGUMENTS = ("lr", "betas", "eps", "clip_value", "epoch_decay", "weight_decay", "amsgrad")
_BOTH_MODES = (*_ADAM_ARGUMENTS, "mode", "momentum", "nesterov", "dampening")


def _libauc(name: str, module: str, arguments: tuple[str, ...], space: Mapping[str, Any], **more: bool) -> OptimizerChoice:
    return OptimizerChoice(name, f"libauc.optimizers.{module}:{name}", arguments, space, **more)


_PESG = _libauc(
    "PESG", "pesg", (*_ADAM_ARGUMENTS, "mode", "momentum"),
    {"lr": _SGD_LR, "epoch_decay": _EPOCH_DECAY, "weight_decay": _decay(1e-5),
     "momentum": {"val": (0.8, 0.99), "default": 0.9}},
    needs_loss=True, reduces_duals=True,
)  # fmt: skip
_PDSCA = _libauc(
    "PDSCA", "pdsca", ("lr", "lr0", "beta1", "beta2", "clip_value", "epoch_decay", "weight_decay"),
    {"lr": _SGD_LR, "epoch_decay": _EPOCH_DECAY, "weight_decay": _decay(1e-5)},
    needs_loss=True,
)  # fmt: skip
_SOAP = _libauc("SOAP", "soap", _BOTH_MODES, {"lr": _lr(0.001), "weight_decay": _decay(1e-5)})
_SOPA = _libauc("SOPA", "sopa", (*_BOTH_MODES, "eta"), {"lr": _lr(0.001), "weight_decay": _decay(0.0)})
_SOPAS = _libauc("SOPAs", "sopa_s", _BOTH_MODES, {"lr": _lr(0.001), "weight_decay": _decay(1e-5)})
_SOTAS = _libauc("SOTAs", "sota_s", _BOTH_MODES, {"lr": _lr(0.001), "weight_decay": _decay(0.0)})
_STACO_OPTIMIZER = _libauc("STACO", "staco", _BOTH_MODES, {"lr": _lr(0.001, 0.01), "weight_decay": _decay(0.0)})
_SGD = _libauc(
    "SGD", "sgd", ("lr", "momentum", "dampening", "clip_value", "epoch_decay", "weight_decay", "nesterov"),
    {"lr": _SGD_LR, "momentum": {"val": [0, 0.9], "default": 0}, "weight_decay": _decay(0.0)},
)  # fmt: skip
_ADAM = _libauc("Adam", "adam", _ADAM_ARGUMENTS, {"lr": _lr(0.001), "weight_decay": _decay(0.0)})
_ADAMW = _libauc("AdamW", "adamw", _ADAM_ARGUMENTS, {"lr": _lr(0.001), "weight_decay": {"val": (0.0, 0.1), "default": 0.01}})
_SONG = _libauc(
    "SONG", "song", _BOTH_MODES,
    {"lr": _lr(0.1), "momentum": {"val": (0.8, 0.99), "default": 0.9}, "weight_decay": _decay(0.0)},
)  # fmt: skip
_BASELINE = (_SGD, _ADAM, _ADAMW)

_AP_ARGUMENTS = ("gamma", "margin", "surr_loss")
_CVAR_ARGUMENTS = ("margin", "beta", "eta", "surr_loss")
_DRO_ARGUMENTS = ("gamma", "margin", "Lambda", "surr_loss")
_KL_ARGUMENTS = ("tau", "Lambda", "gammas", "margin", "surr_loss")
_CVAR_SPACE = {"margin": _FINE_MARGIN, "beta": 0.2, "eta": {"val": (0.01, 10.0), "default": 0.1, "log": True}}
_DRO_SPACE = {"gamma": _GAMMA, "margin": _FINE_MARGIN, "Lambda": _WEIGHT}
_KL_SPACE = {
    "tau": {"val": (0.3, 10.0), "default": 1.0, "log": True},
    "gammas": {"choices": [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "default": (0.9, 0.9)},
    "margin": _FINE_MARGIN,
    "Lambda": _WEIGHT,
}
_TWO_WAY_CVAR_SPACE = {
    "threshold": _THETA, "alpha": _STEP, "beta_0": _STEP, "beta_1": _STEP, "theta_0": _THETA, "theta_1": _THETA,
}  # fmt: skip


def _sampled(name: str, path: str, optimizer: OptimizerChoice, arguments: tuple[str, ...], space: Any, **more: Any) -> Pair:
    """A pair whose loss keeps an estimator for each sample."""
    length = {"length_argument": "data_len", "needs_index": True, **more}
    return Pair(name, path, (optimizer,), arguments, space, **length)


def _multi(mode: str, optimizer: OptimizerChoice, arguments: tuple[str, ...], space: Any, **more: Any) -> Pair:
    return _sampled(
        f"MultiLabelpAUCLoss:{mode}", f"{_AUC}:MultiLabelpAUCLoss", optimizer, arguments, space,
        fixed={"mode": mode}, multi_label=True, gathers=True, reference=_KDD23, **more,
    )  # fmt: skip


PAIRS = (
    Pair(
        "AUCMLoss", f"{_AUC}:AUCMLoss", (_PESG,), ("margin", "version", "imratio"), {"margin": _MARGIN},
        # Without v1's factor p (1 - p) the steps are larger: at 0.1 four convolutional layers fell from an AUROC of 0.90 to 0.80
        # and 0.87, at 0.03 they stayed at 0.89 and 0.90. It is the safe value; a shallow network learns faster at 0.1.
        version_lr={"v2": 0.03},
        objective="AUROC", use_when="first choice for imbalanced binary data", reference=_ICCV21,
    ),
    Pair(
        "MultiLabelAUCMLoss", f"{_AUC}:MultiLabelAUCMLoss", (_PESG,), ("margin", "version", "imratio"),
        {"margin": _MARGIN}, multi_label=True, objective="mean AUROC over labels",
        use_when="several imbalanced labels", reference=_KDD23,
    ),
    Pair(
        "CompositionalAUCLoss", f"{_AUC}:CompositionalAUCLoss", (_PDSCA,), ("margin", "k", "version", "imratio"),
        {"margin": _MARGIN, "k": {"val": [1, 2, 4], "default": 1}}, needs_probabilities=True, alternates=True,
        objective="AUROC over a cross-entropy step",
        use_when="training from scratch, without pretraining on cross-entropy", reference=_ICLR22,
    ),
    _sampled(
        "APLoss", f"{_AUC}:AveragePrecisionLoss", _SOAP, _AP_ARGUMENTS, {"gamma": _GAMMA, "margin": _MARGIN},
        gathers=True, objective="average precision (AUPRC)", use_when="the top of the ranking matters, few positives",
        reference=_NEURIPS21,
    ),
    _sampled(
        "mAPLoss", f"{_AUC}:meanAveragePrecisionLoss", _SOAP, (*_AP_ARGUMENTS, "top_k"),
        {"gamma": _GAMMA, "margin": _MARGIN}, multi_label=True, gathers=True, objective="mean average precision over labels",
        use_when="AUPRC with several labels", reference=_KDD23,
    ),
    _sampled(
        "pAUC_CVaR_Loss", f"{_AUC}:pAUC_CVaR_Loss", _SOPA, _CVAR_ARGUMENTS, _CVAR_SPACE, gathers=True,
        needs_positive_count=True, objective="one-way partial AUROC, FPR <= beta, exactly",
        use_when="false positives are capped at a known rate", reference=_ICML22,
    ),
    _sampled(
        "pAUC_DRO_Loss", f"{_AUC}:pAUC_DRO_Loss", _SOPAS, _DRO_ARGUMENTS, _DRO_SPACE, gathers=True,
        objective="one-way partial AUROC, smoothly", use_when="low false-positive rates, easier to train than CVaR",
        reference=_ICML22,
    ),
    _sampled(
        "tpAUC_KL_Loss", f"{_AUC}:tpAUC_KL_Loss", _SOTAS, _KL_ARGUMENTS, _KL_SPACE, gathers=True,
        objective="two-way partial AUROC, smoothly", use_when="low false-positive and high true-positive rates",
        reference=_ICML22,
    ),
    _sampled(
        "tpAUC_CVaR_loss", f"{_AUC}:tpAUC_CVaR_loss", _STACO_OPTIMIZER,
        ("threshold", "alpha", "beta_0", "beta_1", "theta_0", "theta_1", "surr_loss"), _TWO_WAY_CVAR_SPACE,
        length_argument="data_length", gathers=True, objective="two-way partial AUROC, exactly",
        use_when="both rates are known: TPR >= 1 - theta_0, FPR <= theta_1", reference=_STACO,
    ),
    _multi(
        "SOPA", _SOPA, _CVAR_ARGUMENTS, _CVAR_SPACE, needs_positive_count=True,
        objective="one-way partial AUROC over labels, exactly", use_when="several labels, capped false positives",
    ),
    _multi(
        "SOPAs", _SOPAS, _DRO_ARGUMENTS, _DRO_SPACE,
        objective="one-way partial AUROC over labels, smoothly", use_when="several labels, low false-positive rates",
    ),
    _multi(
        "SOTAs", _SOTAS, _KL_ARGUMENTS, _KL_SPACE,
        objective="two-way partial AUROC over labels, smoothly", use_when="several labels, both rates matter",
    ),
    Pair(
        "NDCGLoss", "libauc.losses.ranking:NDCGLoss", (_SONG,),
        ("N", "num_user", "num_item", "num_pos", "gamma0", "gamma1", "eta0", "margin", "topk", "topk_version", "tau_1",
         "tau_2", "sigmoid_alpha", "surrogate_loss"),
        {"gamma0": _GAMMA, "gamma1": 0.9, "eta0": {"val": (0.001, 0.1), "default": 0.01, "log": True},
         "margin": _FINE_MARGIN, "sigmoid_alpha": {"val": (1.0, 2.0), "default": 2.0}},
        needs_balanced_batches=False, scores="logits", gathers=True, is_ranking=True,
        required=("N", "num_user", "num_item", "num_pos"), objective="NDCG of ranked items",
        use_when="learning to rank: batches of queries with rated items", reference=_ICML22_SONG,
    ),
    Pair(
        "PairwiseAUCLoss", f"{_AUC}:PairwiseAUCLoss", _BASELINE, ("surr_loss", "hparam"),
        {"hparam": _FINE_MARGIN, "surr_loss": "squared_hinge"}, objective="AUROC over the pairs of a batch",
        use_when="a simple AUC baseline with an ordinary optimizer", reference=_KDD23,
    ),
    Pair(
        "FocalLoss", "libauc.losses.losses:FocalLoss", _BASELINE[1:] + _BASELINE[:1], ("alpha", "gamma"),
        {"alpha": {"val": (0.1, 0.9), "default": 0.25}, "gamma": {"val": (0.5, 5.0), "default": 2.0}},
        needs_balanced_batches=False, scores="logits", objective="cross-entropy weighted towards hard samples",
        use_when="a baseline for imbalanced data", reference="Lin et al., Focal Loss for Dense Object Detection, ICCV 2017",
    ),
    Pair(
        "CrossEntropyLoss", "libauc.losses.losses:CrossEntropyLoss", _BASELINE, (), {}, needs_balanced_batches=False,
        scores="logits", objective="likelihood", use_when="the baseline that an AUC loss must beat",
        reference="torch.nn.BCEWithLogitsLoss",
    ),
    Pair(
        "BCELoss", "torch.nn:BCELoss", _BASELINE[1:] + _BASELINE[:1], (), {}, needs_balanced_batches=False,
        needs_probabilities=True,
        objective="likelihood, from probabilities", use_when="to compare with code that uses probabilities",
        reference="torch.nn.BCELoss",
    ),
)  # fmt: skip

ALIASES = {
    "AveragePrecisionLoss": "APLoss",
    "meanAveragePrecisionLoss": "mAPLoss",
    "mAUCMLoss": "MultiLabelAUCMLoss",
    "mPAUCLoss": "MultiLabelpAUCLoss",
}
MODES = {"1w": "SOPAs", "2w": "SOTAs"}
WRAPPERS = {
    "pAUCLoss": {
        "SOPA": "pAUC_CVaR_Loss",
        "SOPAs": "pAUC_DRO_Loss",
        "SOTAs": "tpAUC_KL_Loss",
        "STACO": "tpAUC_CVaR_loss",
    },
    "MultiLabelpAUCLoss": {mode: f"MultiLabelpAUCLoss:{mode}" for mode in ("SOPA", "SOPAs", "SOTAs")},
}
