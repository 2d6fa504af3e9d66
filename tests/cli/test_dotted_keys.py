"""Dotted keys, as they are typed and as they are meant."""

from __future__ import annotations

from typing import Any

import pytest

from automax_lightning.cli.dotted_keys import flat, put, resolve, short
from automax_lightning.errors import ConfigError

CONFIG: dict[str, Any] = {
    "model": {
        "class_path": "M",
        "init_args": {"lr": 0.1, "kwargs": None, "extra": {"a": 1}, "net": {"class_path": "N", "init_args": {"width": 4}}},
    },
    "data": {"init_args": {"x": {"init_args": {"size": 1}, "size": 2}}},
    "seed_everything": True,
}
KNOWN = flat(CONFIG)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("model.init_args.lr", "model.init_args.lr"),
        ("model.lr", "model.init_args.lr"),
        ("model.net.width", "model.init_args.net.init_args.width"),
        ("model.init_args.net.width", "model.init_args.net.init_args.width"),
        ("model.kwargs.anything", "model.init_args.kwargs.anything"),
        ("model.extra.b", "model.init_args.extra.b"),
        ("model.net", "model.init_args.net"),
        ("data.init_args.x.size", "data.init_args.x.size"),
        ("seed_everything", "seed_everything"),
    ],
)
def test_a_key_may_leave_out_init_args(typed: str, meant: str) -> None:
    assert resolve(typed, KNOWN) == meant


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("model.lrr", "search.model.lrr: .*Did you mean 'model.lr'"),
        ("model.init_args.lrr", "Did you mean 'model.init_args.lr'"),
        ("model.net.widht", "Did you mean 'model.net.width'"),
        ("data.x.size", "expected one key, found data.init_args.x.init_args.size and data.init_args.x.size"),
        ("model", "expected a key inside this section, found the section"),
        ("zzz", "Known are: "),
    ],
)
def test_what_is_unknown_or_ambiguous_is_an_error(typed: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(typed, KNOWN)


def test_what_is_put_is_found() -> None:
    config: dict[str, Any] = {"a": None}
    put(config, "a.b.c", (1, 2))
    assert flat(config)["a.b.c"] == [1, 2]
    assert short("a.init_args.b.init_args.c") == "a.b.c"
