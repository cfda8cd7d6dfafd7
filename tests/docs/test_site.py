"""The documentation builds without a warning, and what README and pages point to is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bgpbt.cli import COMMANDS
from bgpbt.cli.help import command_help

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs")
    directory = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(directory)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return directory


def test_every_page_is_in_the_navigation(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert (site / name).exists()
        assert name == "index.html" or f'href="{name}"' in home, f"{name} is not in the navigation"


def test_equations_are_drawn_by_the_browser_itself(site: Path) -> None:
    method = (site / "method.html").read_text(encoding="utf-8")
    source = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert method.count('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"') == len(
        re.findall(r"^\$\$", source, flags=re.MULTILINE)
    )
    assert "arithmatex" not in method
    assert "$" not in re.sub(r"<script.*?</script>|<code.*?</code>", "", method, flags=re.DOTALL)


def test_the_command_line_page_has_every_command(site: Path) -> None:
    page = (site / "command-line.html").read_text(encoding="utf-8")
    assert len(command_help()) == len(COMMANDS) + 1
    for name, text in command_help().items():
        assert f"<code>{name}</code>" in page
        assert text.startswith("usage: bgpbt")


def test_the_reference_documents_what_packages_export(site: Path) -> None:
    page = (site / "reference" / "strategies.html").read_text(encoding="utf-8")
    import bgpbt.strategies

    for name in bgpbt.strategies.__all__:
        assert f'id="bgpbt.strategies.{name}"' in page


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(https?:[^"]*)"', text)
        assert [address for address in loaded if "rel=" not in address] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_points_to_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
