"""What is said of a table before training."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from automax_lightning.auc.data.tables.summary import feature_lines, single_auroc

RNG = np.random.default_rng(0)
Y = (np.arange(200) % 4 == 0).astype(int)


def test_constant_features_are_listed() -> None:
    features = np.concatenate([RNG.normal(size=(200, 1)), np.ones((200, 7))], axis=1)
    names = list("abcdefgh")
    assert feature_lines(features, Y, names) == ["Constant in the training rows: b, c, d, e, f and 2 more."]


def test_a_feature_that_tells_the_label_is_named() -> None:
    noise = RNG.normal(size=200)
    features = np.stack([noise, Y + 0.1 * noise, -Y + 0.1 * noise, Y + noise], axis=1)
    lines = feature_lines(features, Y, ["noise", "copy", "opposite", "good"])
    assert [line.split()[0] for line in lines] == ["copy", "opposite"]
    assert "AUROC 1.000 on the training rows: if it is not known before the label, drop it." in lines[0]
    few = (np.arange(200) < 9).astype(int)
    assert feature_lines(features * 0 + few[:, None] + noise[:, None] / 9, few, list("abcd")) == []
    assert feature_lines(features, np.stack([Y, Y], axis=1), list("abcd")) == []


def test_the_auroc_of_a_feature_is_that_of_scikit_learn() -> None:
    features = RNG.normal(size=(200, 3)).round(1)
    scores = [roc_auc_score(Y, column) for column in features.T]
    np.testing.assert_allclose(single_auroc(features, Y), [max(score, 1 - score) for score in scores])


def test_of_very_many_cells_some_rows_tell_it() -> None:
    labels = np.arange(30_000) % 10 == 0
    features = np.broadcast_to(labels[:, None] + 0.0, (30_000, 1_000))
    np.testing.assert_allclose(single_auroc(features, labels.astype(int)), 1)
