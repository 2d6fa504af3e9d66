"""A real browser on a page: what it draws, what it complains of, and whom it asks."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the browser has seen of a page."""

    dom: str
    console: list[str]
    requests: list[str]


def browser() -> str:
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    if found is None:
        assert not os.environ.get("CI"), "CI must look at the report: apt-get install chromium"
        pytest.skip("no Chromium on this machine")
    return found


def look(page: Path, scratch: Path, *arguments: str) -> Seen:
    """Open a page headless, with no way to the network, and let its scripts run to their end."""
    scratch.mkdir(parents=True, exist_ok=True)
    log = scratch / "net.json"
    done = subprocess.run(
        [browser(), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch / 'profile'}", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", f"--log-net-log={log}",
         "--virtual-time-budget=20000", *arguments, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Seen(done.stdout, console, [url for url in _requests(log) if not re.match(r"(file|data|blob|about):", url)])


def _requests(log: Path) -> list[str]:
    """The addresses that pages asked for; the browser's own errands have no origin."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()  # an event a line, whatever ended the browser
    events = [
        json.loads(line.rstrip(",")) for line in lines if line.startswith("{") and '"initiator"' in line and '"url"' in line
    ]
    return [event["params"]["url"] for event in events if event["params"]["initiator"] != "not an origin"]
