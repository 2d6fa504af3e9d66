from __future__ import annotations

import copy
import pickle

import pytest

from automax_lightning import errors
from automax_lightning.errors import AutoMAXError, ConfigError, closest


def tree(root: type[AutoMAXError]) -> list[type[AutoMAXError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


@pytest.mark.parametrize("kind", tree(AutoMAXError))
def test_every_error_survives_a_pickle_round_trip(kind: type[AutoMAXError]) -> None:
    error = kind("a.b", "one thing", "another", "Do this.")
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error) == "a.b: expected one thing, found another. Do this."
        assert (twin.where, twin.expected, twin.found, twin.fix) == ("a.b", "one thing", "another", "Do this.")


@pytest.mark.parametrize("kind", tree(AutoMAXError))
def test_every_error_is_documented_and_in_the_module(kind: type[AutoMAXError]) -> None:
    assert kind.__doc__
    assert getattr(errors, kind.__name__) is kind


def test_children_are_also_the_neighbours_kind() -> None:
    assert issubclass(ConfigError, ValueError)
    assert issubclass(errors.SpaceTypeError, TypeError)
    assert issubclass(errors.TargetError, LookupError)
    assert issubclass(errors.NonFiniteError, ArithmeticError)


def test_closest_names_what_was_meant_or_what_exists() -> None:
    assert closest("n_trails", ["n_trials", "name"]) == "Did you mean 'n_trials'?"
    assert closest("zzzz", ["b", "a"]) == "Known are: a, b."
