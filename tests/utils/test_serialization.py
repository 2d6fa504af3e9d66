from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from automax_lightning.errors import SpaceError
from automax_lightning.utils.serialization import builtin, decode, decode_values, encode, encode_values


@pytest.mark.parametrize("value", [(1, (2.5, None)), math.inf, -math.inf, [1, "a"], {"a": (1,)}, True, None, 1, 1.0, "x"])
def test_encoding_keeps_types(value: Any) -> None:
    decoded = decode_values(json.loads(json.dumps(encode_values({"v": value}), allow_nan=False)))["v"]
    assert decoded == value
    assert type(decoded) is type(value)


def test_encoding_keeps_nan_and_refuses_objects() -> None:
    assert math.isnan(decode_values(encode_values({"v": math.nan}))["v"])
    with pytest.raises(SpaceError, match="v: expected a bool, int, float"):
        encode_values({"v": object()})


def test_an_object_inside_a_mapping_is_named_by_its_path() -> None:
    with pytest.raises(SpaceError, match=r"v\.inner\.b: expected a bool, int, float"):
        encode_values({"v": {"inner": {"a": 1, "b": object()}}})


def test_tuples_in_lists_in_mappings_come_back_as_they_were() -> None:
    value = {"a": [(1, (2.0, None)), [math.inf, {"b": (True,)}]]}
    assert decode(json.loads(json.dumps(encode(value), allow_nan=False))) == value
    assert decode(encode({})) == {}
    assert decode(encode(())) == ()


def test_numpy_scalars_become_pythons_wherever_they_stand() -> None:
    value = {"flag": np.bool_(True), "name": np.str_("a"), "sizes": (np.int64(8), [np.float32(0.5)]), "array": np.ones(2)}
    found = builtin(value)
    assert found["array"] is value["array"]
    assert (found["flag"], found["name"], found["sizes"]) == (True, "a", (8, [0.5]))
    assert [type(each) for each in (found["flag"], found["name"], *found["sizes"][:1])] == [bool, str, int]
    del value["array"]
    assert json.loads(json.dumps(encode(value))) == {"flag": True, "name": "a", "sizes": {"__tuple__": [8, [0.5]]}}
