from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from automax_lightning.auc.data.sampling import BalancedBatchSampler, EvaluationSampler, balanced_batches, class_counts
from automax_lightning.errors import ConfigError


def labels(positives: int, negatives: int) -> Any:
    return np.random.default_rng(0).permutation([1] * positives + [0] * negatives)


def batches(y: Any, **kwargs: Any) -> Any:
    return balanced_batches(y, **{"batch_size": 20, "sampling_rate": 0.5, "seed": 1, "epoch": 0, **kwargs})


@pytest.mark.parametrize(("positives", "negatives"), [(10, 990), (97, 90), (3, 50), (50, 3), (1, 1), (500, 500), (10, 10)])
@pytest.mark.parametrize("rate", [0.05, 0.1, 0.5, 0.95])
def test_every_batch_has_its_share_and_every_sample_its_turn(positives: int, negatives: int, rate: float) -> None:
    y = labels(positives, negatives)
    n_positive, n_negative = class_counts(20, rate)
    for epoch in range(3):
        found = batches(y, sampling_rate=rate, epoch=epoch)
        assert found.shape[0] == max(-(-positives // n_positive), -(-negatives // n_negative))
        assert ((y[found] == 1).sum(1) == n_positive).all()
        assert set(found.reshape(-1)) == set(range(len(y)))
        for batch in found:
            for wanted, size, members in ((1, n_positive, positives), (0, n_negative, negatives)):
                chosen = [index for index in batch if y[index] == wanted]
                assert len(set(chosen)) == (size if members >= size else members)


def test_the_number_of_batches_is_libaucs_where_the_classes_divide() -> None:
    from libauc.sampler import DualSampler

    y = labels(40, 360)
    state = np.random.get_state()
    theirs = DualSampler(None, 20, labels=y, sampling_rate=0.1)
    np.random.set_state(state)  # constructing it seeds NumPy's global generator
    assert len(list(iter(theirs))) // 20 == len(batches(y, sampling_rate=0.1)) == 20


def test_nothing_but_the_arguments_decides() -> None:
    y = labels(30, 70)
    before = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    first, again = batches(y), batches(y)
    np.random.seed(5)
    assert (first == batches(y)).all()
    assert (first == again).all()
    np.random.set_state(("MT19937", np.array(before[0], dtype=np.uint32), 624))
    different = [batches(y, epoch=1), batches(y, seed=2)]
    assert all((first != other).any() for other in different)


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_deal_out_the_global_batch(world_size: int) -> None:
    y = labels(31, 200)
    parts = [batches(y, batch_size=8, rank=rank, world_size=world_size) for rank in range(world_size)]
    whole = batches(y, batch_size=8 * world_size)
    assert len({part.shape for part in parts}) == 1
    for part in parts:
        assert ((y[part] == 1).sum(1) == 4).all()
    for number, batch in enumerate(whole):
        assert sorted(batch) == sorted(np.concatenate([part[number] for part in parts]))


def test_plain_shuffling_covers_everything_and_fills_the_last_batch() -> None:
    found = batches(labels(3, 20), sampling_rate=None)
    assert found.shape == (2, 20)
    assert set(found.reshape(-1)) == set(range(23))


def test_several_labels_each_get_their_positives() -> None:
    generator = np.random.default_rng(2)
    y = (generator.uniform(size=(300, 4)) < [0.02, 0.1, 0.5, 0.0]).astype(int)
    found = batches(y, batch_size=24)
    assert (y[found][:, :, :3].sum(1) >= 4).all()
    assert set(found.reshape(-1)) == set(range(300))
    with pytest.raises(ConfigError, match="batch_size: expected more than 3, a positive of each label"):
        batches(y, batch_size=3)


@pytest.mark.parametrize(
    ("batch_size", "rate", "message"),
    [
        (1, 0.5, "batch_size: expected at least 2"),
        (2, 0.0, "sampling_rate"),
        (2, 1.0, r"in \(0, 1\)"),
        (2, -0.1, "sampling"),
    ],
)
def test_settings_out_of_range_are_refused(batch_size: int, rate: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        class_counts(batch_size, rate)
    assert class_counts(2, 0.99) == (1, 1)


def test_the_sampler_is_its_function_and_its_length_is_true() -> None:
    y, generator = labels(13, 100), torch.Generator()
    sampler = BalancedBatchSampler(y, 20, 0.5, seed=4, rank=1, world_size=2, generator=generator)
    seeds = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        seeds.append(generator.initial_seed())
        found = list(sampler)
        assert len(found) == len(sampler)
        expected = balanced_batches(y, batch_size=20, sampling_rate=0.5, seed=4, epoch=epoch, rank=1, world_size=2)
        assert found == expected.tolist()
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(("length", "world_size"), [(1, 1), (10, 1), (10, 3), (2, 3), (9, 3)])
def test_evaluation_covers_each_sample_with_equal_batches_on_all_ranks(length: int, world_size: int) -> None:
    ranks = [list(EvaluationSampler(length, 4, rank, world_size)) for rank in range(world_size)]
    assert len({len(rank) for rank in ranks}) == 1
    assert len({sum(map(len, rank)) for rank in ranks}) == 1
    seen = list(itertools.chain.from_iterable(itertools.chain.from_iterable(ranks)))
    assert set(seen) == set(range(length))
    assert len(EvaluationSampler(length, 4)) == -(-length // 4)


def test_a_rank_outside_the_world_is_refused() -> None:
    with pytest.raises(ConfigError, match="rank: expected in"):
        EvaluationSampler(3, 2, rank=2, world_size=2)
