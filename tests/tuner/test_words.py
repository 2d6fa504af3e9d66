"""Words of other tuners are no attributes, and their error names ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automax_lightning import AutoMAX
from automax_lightning.tuner.words import WORDS, no_such_word
from tests.support.searching import tuner


def test_our_words_exist_and_the_others_do_not(tmp_path: Path) -> None:
    ours = {*dir(tuner(tmp_path)), "AutoMAX", "AutoMAXConfig"}
    assert not ours & WORDS.keys()
    assert {re.split(r"\W", word)[0] for word in WORDS.values()} <= ours


def test_a_search_that_is_asked_names_our_word(tmp_path: Path) -> None:
    search = tuner(tmp_path)
    with pytest.raises(AttributeError, match=r"'AutoMAX' object has no attribute 'best_params'; it is called best_config here"):
        search.best_params  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'colour'$"):
        search.colour  # noqa: B018
    assert not hasattr(search, "best_value")
    assert "walltime_limit" in str(no_such_word("AutoMAX", "timeout"))


def test_an_error_inside_of_a_property_keeps_its_own_message(tmp_path: Path) -> None:
    class Broken(AutoMAX):
        @property
        def directory(self) -> Path:
            raise AttributeError("the cause")

    search = tuner(tmp_path)
    search.__class__ = Broken
    with pytest.raises(AttributeError, match="the cause"):
        search.directory  # noqa: B018
