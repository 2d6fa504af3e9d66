"""The page in a real browser: no console message, no network request, every figure drawn."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automax_lightning.report.page.page import write_report
from automax_lightning.search.record import SearchRecord
from automax_lightning.trial.records import Status
from tests.support.chromium import look
from tests.support.searches import keep, plain, record, result, space, two_arms

CONFIG = {"lr": 0.01, "size": (8,)}


def one_trial(root: Path) -> SearchRecord:
    reading = record(root, [(CONFIG, result(1, 0.7))])
    keep(root, 1, 1.0)
    return reading


def several_losses(root: Path) -> SearchRecord:
    arms = ["AUCMLoss", "CrossEntropyLoss"]
    trials = [
        ({"loss": arms[n % 2], "width": n + 4, f"{arms[n % 2]}:optimizer_kwargs:lr": 0.01 + n / 1000}, result(n, 0.5 + n / 100))
        for n in range(1, 17)
    ]
    return record(root, trials, two_arms())


def long_names_and_odd_values(root: Path) -> SearchRecord:
    name = "model.init_args.optimizer_kwargs.lr"
    over = space(
        **{
            name: {"low": 1e-6, "high": 1e-1, "log": True},
            "data.init_args.a.very.long.name_of_a_choice": ["<b>", (1, 2, 3), None],
        }
    )
    values = ["<b>", (1, 2, 3), None]
    trials = [
        ({name: 10.0 ** -(n % 5 + 1), "data.init_args.a.very.long.name_of_a_choice": values[n % 3]}, result(n, n / 20))
        for n in range(1, 12)
    ]
    return record(root, [*trials, ({name: 0.01, "data.init_args.a.very.long.name_of_a_choice": None}, None)], over)


def only_failures(root: Path) -> SearchRecord:
    return record(root, [(CONFIG, result(n, None, Status.CRASHED, reason="</script><img src=x>")) for n in (1, 2)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "plots"), [(plain, 7), (one_trial, 6), (several_losses, 5), (long_names_and_odd_values, 5), (only_failures, 0)]
)
def test_the_report_in_a_browser(tmp_path: Path, make, plots: int) -> None:  # type: ignore[no-untyped-def]
    page = write_report(make(tmp_path / "search"))
    seen = look(page, tmp_path / "browser")
    assert seen.console == []
    assert seen.requests == []
    figures = seen.dom.split('class="plotly-graph-div')[1:]
    assert len(figures) == plots
    for figure in figures:
        assert 'class="main-svg"' in figure
        assert re.search(r'class="(?:point|js-line|trace|js-fill)', figure)
    assert '<img src="x"' not in seen.dom


@pytest.mark.slow
def test_the_browser_test_would_notice(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<img src='http://example.invalid/a.png'><script>console.error('oh'); nothing.at.all</script>")
    seen = look(page, tmp_path / "browser")
    assert seen.requests == ["http://example.invalid/a.png"]
    assert any("oh" in line for line in seen.console)
    assert any("ReferenceError" in line for line in seen.console)


@pytest.mark.slow
def test_a_phone_shows_figures_in_its_width(tmp_path: Path) -> None:
    write_report(plain(tmp_path / "search"))
    frame = tmp_path / "phone.html"
    probe = "document.title = frames[0].document.documentElement.scrollWidth"
    frame.write_text(
        f'<iframe src="search/report.html" width="390" height="800"></iframe><script>onload = () => {{ {probe} }}</script>'
    )
    seen = look(frame, tmp_path / "browser", "--allow-file-access-from-files")
    width = re.search(r"<title>(\d+)</title>", seen.dom)
    assert width is not None
    assert 300 < int(width[1]) <= 390  # less a scroll bar
