"""Labels as a file has them, ``yes`` and ``no`` or 1 and 2, as 0 and 1; which of them became 1 is kept to be said."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automax_lightning.auc.batch.targets import UNKNOWN
from automax_lightning.auc.data.labels import check_labels
from automax_lightning.errors import DataError

# YAML 1.1 reads these words as True and False before anybody sees what was written.
_WORDS = (frozenset({"false", "no", "off", "n", "f", "0"}), frozenset({"true", "yes", "on", "y", "t", "1"}))
_PAIRS = (("0", "1"), ("0.0", "1.0"), ("false", "true"), ("-1", "1"), ("-1.0", "1.0"))
_UNKNOWN = ("-1", "-1.0")
_SHOWN = 10


@dataclasses.dataclass(frozen=True, eq=False)
class LabelColumn:
    """Labels as numbers, and how they came about.

    Args:
        values: (n,) or (n, C), 0 or 1, of several labels -1 for one that is not known; of the rows that have a label.
        kept: positions of these rows among all.
        n_missing: rows without a label.
        positive: the label that is 1, as it was written.
        counts: label, as it was written -> number of rows; of several columns, of cells.
        is_guessed: whether `positive` is the rarer of two labels, because nobody named it.
    """

    values: NDArray[np.int64]
    kept: NDArray[np.int64]
    n_missing: int
    positive: str
    counts: Mapping[str, int]
    is_guessed: bool = False

    def lines(self) -> list[str]:
        """What is to be said of it, one sentence each."""
        others = {name: count for name, count in self.counts.items() if name != self.positive}
        said = f"The label {self.positive!r} counts as 1 ({_rows(self.counts[self.positive])}), {shown(others)} as 0."
        if self.is_guessed:
            said += f" It is the rarer one; pass positive={next(iter(others))!r} for the other."
        unknown = int((self.values == UNKNOWN).sum())
        gaps = [f"{unknown} {'label is' if unknown == 1 else 'labels are'} not known."] if unknown else []
        missing = [f"{_rows(self.n_missing)} without a label {'was' if self.n_missing == 1 else 'were'} dropped."]
        return [said, *gaps, *(missing if self.n_missing else [])]


def read_labels(labels: Any, positive: Any = None) -> LabelColumn:
    """Labels of any type as 0 and 1; rows without one are left out.

    Labels are compared as trimmed text. ``True`` also stands for ``yes``, ``on`` and ``1``, because YAML reads ``yes`` as
    True. Without `positive`, 0 and 1, -1 and 1, and true and false are what they are, and the rarer of two other labels is 1.
    Of several labels a row may lack some: these are not known, as are those that are -1 where others are 0.

    Args:
        labels: (n,) or (n, C), of any type; NaN, None and empty text are no label.
        positive: the label that counts as 1, or None.

    Raises:
        DataError: if `positive` is none of the labels, if labels differ in case alone, or if nothing says which is 1.

    Example:
        >>> found = read_labels(["yes", "no", None, "no "], positive=True)
        >>> found.values.tolist(), found.kept.tolist(), found.positive
        ([1, 0, 0], [0, 1, 3], 'yes')
    """
    cells = _cells(labels)
    missing = np.equal(cells, "").reshape(len(cells), -1).all(1)
    kept = np.flatnonzero(~missing)
    named = cells[kept]
    counts = _counted(named)
    if not counts:
        raise DataError("labels", "at least one row with a label", f"{len(cells)} without", "Check the column target.")
    chosen, is_guessed = _chosen(named, counts, positive, int(missing.sum()))
    values: NDArray[np.int64] = (named == chosen).astype(np.int64)
    if named.ndim > 1:
        values[(named == "") | np.isin(named, _UNKNOWN)] = UNKNOWN
        counts = {name: count for name, count in counts.items() if name not in _UNKNOWN}
    check_labels(values, "all", both_classes=True)
    return LabelColumn(values, kept, int(missing.sum()), chosen, {chosen: 0, **counts}, is_guessed)


def shown(counts: Mapping[str, int]) -> str:
    """``'no' (30 rows), 'maybe' (1 row)``, at most ten.

    Args:
        counts: label -> rows.
    """
    parts = [f"{name!r} ({_rows(count)})" for name, count in list(counts.items())[:_SHOWN]]
    return ", ".join(parts) + (f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "") or "nothing"


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _cells(labels: Any) -> NDArray[Any]:
    """Trimmed texts, (n,) or (n, C); empty where there is no label."""
    import pandas as pd

    frame = pd.DataFrame(labels)
    columns = [_texts(column) for _, column in frame.items()]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)


def _texts(column: Any) -> NDArray[Any]:
    import pandas as pd

    codes, values = pd.factorize(np.asarray(column))
    names = np.array([*(_text(value) for value in values), ""], dtype=object)
    return names[codes]  # -1 is missing, and takes the last


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))  # a column of 0 and 1 with gaps is read as 0.0 and 1.0
    return str(value).strip()


def _counted(named: NDArray[Any]) -> dict[str, int]:
    names, counts = np.unique(named.reshape(-1).astype(str), return_counts=True)
    return {str(name): int(count) for name, count in zip(names, counts, strict=True) if name}


def _chosen(named: NDArray[Any], counts: Mapping[str, int], positive: Any, n_missing: int) -> tuple[str, bool]:
    """The label that counts as 1, and whether it is a guess."""
    if positive is not None:
        return _match(counts, positive), False
    _refuse_variants(counts, counts)
    names = {name.casefold() for name in counts}
    if named.ndim > 1 and names & {"0", "0.0"}:
        names -= {*_UNKNOWN}
    for negative, one in _PAIRS if named.ndim == 1 else _PAIRS[:-2]:
        if names <= {negative, one}:
            return next((name for name in counts if name.casefold() == one), one), False
    if len(counts) == 1:
        lone = f"{shown(counts)} alone" + (f", and {_rows(n_missing)} without one" if n_missing else "")
        raise DataError("labels", "two labels", lone, "Check the column target.")
    if len(counts) > 2 or named.ndim > 1:
        # What is no number is shown as text, as a file has it.
        check_labels(_numbers(named), "all", both_classes=True)
    rarer, other = sorted(counts, key=lambda name: counts[name])
    if counts[rarer] == counts[other]:
        raise DataError("TabularDataModule.positive", "the label that counts as 1, where both are as frequent", shown(counts),
                        f"Pass positive={rarer!r}.")  # fmt: skip
    return rarer, True


def _numbers(named: NDArray[Any]) -> NDArray[Any]:
    try:
        numbers = np.where(named == "", "nan", named).astype(float)
    except ValueError:
        return named
    return numbers.astype(int) if bool((numbers == numbers.round()).all()) else numbers


def _match(counts: Mapping[str, int], positive: Any) -> str:
    wanted = _text(positive)
    matches = [wanted] if wanted in counts else []
    matches = matches or [name for name in counts if name.casefold() == wanted.casefold()]
    matches = matches or [name for name in counts if _is_same_number(name, wanted)]
    for words in _WORDS:
        if not matches and wanted.casefold() in words:
            matches = [name for name in counts if name.casefold() in words]
    if not matches:
        raise DataError("TabularDataModule.positive", f"one of the labels {shown(counts)}", repr(positive), "Pass one.")
    _refuse_variants(counts, matches)
    if len(matches) > 1:
        found = {name: counts[name] for name in matches}
        raise DataError("TabularDataModule.positive", "one label", f"{positive!r}, which may be {shown(found)}",
                        f"Pass positive={matches[0]!r}, in quotation marks.")  # fmt: skip
    return matches[0]


def _is_same_number(name: str, wanted: str) -> bool:
    try:
        return float(name) == float(wanted)
    except ValueError:
        return False


def _refuse_variants(counts: Mapping[str, int], names: Any) -> None:
    """Raise if one of some labels is there in several spellings."""
    for name in names:
        variants = {other: count for other, count in counts.items() if other.casefold() == name.casefold()}
        if len(variants) > 1:
            raise DataError("labels", "one spelling of a label", shown(variants), "Write it in one way in all rows.")
