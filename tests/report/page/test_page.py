from __future__ import annotations

import re
from pathlib import Path

import pytest

from automax_lightning.errors import JournalError, ReportError
from automax_lightning.report.page.page import page, write_report
from automax_lightning.report.page.rerun import versions
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status
from tests.support.searches import keep, plain, record, result, space

CONFIG = {"lr": 0.01, "size": (8,)}


def outside_plotly(text: str) -> str:
    """The page without the library, which has tags and addresses of its own in it."""
    return re.sub(r"<script>/\*\*.*?</script>", "", text, count=1, flags=re.DOTALL)


def test_text_of_users_is_never_markup(tmp_path: Path) -> None:
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    over = space(kind=[evil, "b"], **{f"model.<i>{evil}": {"low": 0.0, "high": 1.0}})
    trials = [
        ({"kind": evil, f"model.<i>{evil}": 0.5}, result(1, 0.7)),
        ({"kind": "b", f"model.<i>{evil}": 0.1}, result(2, None, Status.CRASHED, reason=evil, error=evil)),
        *(({"kind": "b", f"model.<i>{evil}": n / 10}, result(n, n / 10)) for n in range(3, 8)),
    ]
    text = outside_plotly(page(record(tmp_path, trials, over, fit={"note": evil})))
    assert "<img" not in text
    assert "<i>" not in text
    assert "alert(2)</script>" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_nothing_points_out_of_the_file(tmp_path: Path) -> None:
    text = outside_plotly(page(plain(tmp_path)))
    assert not re.findall(r"""(?:src|href)\s*=|@import|url\(|https?:""", text)
    assert "default-src 'none'" in text


def test_the_page_tells_what_was_read_where_the_search_has_recorded_it(tmp_path: Path) -> None:
    reading = plain(tmp_path)
    assert "<summary>The data" not in page(reading)
    (tmp_path / "data_summary.txt").write_text("60 rows.\nThe label '<b>' counts as 1.")
    assert "<summary>The data</summary><pre>60 rows.\nThe label &#39;&lt;b&gt;&#39; counts as 1.</pre>" in page(reading)


def test_the_page_tells_everything_that_was_recorded(tmp_path: Path) -> None:
    reading = plain(tmp_path / "my search")
    text = outside_plotly(page(reading))
    for expected in ("<h1>my search</h1>", "95 % interval", "ValueError: &lt;b&gt;mine&lt;/b&gt;", "stopped early",
                     "0.9900 (partial)", "AutoMAXConfig(", "n_trials=8", "type: uniform_float"):  # fmt: skip
        assert expected in text, expected
    for name, version in versions().items():
        assert f"<td>{name}</td><td>{version}</td>" in text
    assert {"python", "torch", "lightning", "smac", "libauc", "automax-lightning"} <= set(versions())
    assert text.count('class="plotly-graph-div"') == 7


def test_a_search_that_is_running_is_shown(tmp_path: Path) -> None:
    reading = record(tmp_path, [(CONFIG, result(1, 0.7)), (CONFIG, None)])
    with open(tmp_path / "journal.jsonl", "ab") as journal:
        journal.write(b'{"event": "epo')
    text = outside_plotly(page(SearchRecord.of(tmp_path)))
    assert "not over, epoch 1" in text
    assert "1 of 2" in text
    assert "No trial has failed." in text
    assert reading.n_trials == 2


def test_a_page_says_why_a_figure_is_missing(tmp_path: Path) -> None:
    reading = record(tmp_path, [(CONFIG, result(1, 0.7))])
    text = page(reading)
    assert text.count("it needs scores of the best trial with both classes, and there is none on disk") == 1
    assert "it needs at least 4 whole trials that differ, and there is 1 whole trial." in text
    keep(tmp_path, 1, 1.0)
    assert "none on disk" not in page(reading)


def test_a_search_without_trials_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="at least one trial that was started, found none. Run optimize"):
        write_report(record(tmp_path, []))
    (tmp_path / "empty").mkdir()
    with pytest.raises(JournalError, match="found none. Pass <output_directory>/<name>"):
        SearchRecord.of(tmp_path / "empty")
