"""Debian's Chromium without a display, which keeps a record of what a page says and asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")


@dataclass(frozen=True, slots=True)
class Opened:
    """A page in the browser, and what it did."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)  # errors and warnings on the console, exceptions
    requests: list[str] = field(default_factory=list)  # addresses asked for


@contextmanager
def browser_page(*, dark: bool = False) -> Iterator[Opened]:
    """Give an empty page; skip the test where there is no Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed; apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": 1280, "height": 900}, color_scheme="dark" if dark else "light"
        )
        opened = Opened(page)
        page.on("console", lambda told: _keep(opened, told.type, told.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("request", lambda request: opened.requests.append(request.url))
        yield opened
        browser.close()


def _keep(opened: Opened, kind: str, text: str) -> None:
    if kind in ("error", "warning"):
        opened.complaints.append(text)
