"""The page as one file: what is in it, what cannot get into it, and how large it becomes."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bgpbt.cli import main
from bgpbt.records import Fresh, Order, Outcome, Plan, Proposal, ProposalSource, Purpose
from bgpbt.storage import create_run, open_run
from bgpbt.viewing.report import page, write_report
from tests.viewing.browser import browser_page
from tests.viewing.large_run import LargeRun
from tests.viewing.toy_runs import create, go_on, toy_settings

NAME = "<img src=x onerror=window.injected=1>"  # a file system takes this for a directory
MARKUP = "</script><script>window.injected=1</script><!-- \u2028 '\"&lt; {{data}} {{script}}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that is over."""
    path: Path = tmp_path_factory.mktemp("report") / "run"
    settings = toy_settings("toy:mixed")
    go_on(create(path, settings), settings)
    return path


def data_of(text: str) -> Any:
    """Return the runs in a report, read as a browser reads them."""
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)


def hostile_run(path: Path) -> None:
    """Write a run whose every text is markup."""
    configuration: Mapping[str, Any] = {"environment": MARKUP, "strategy": MARKUP, MARKUP: MARKUP}
    made = create_run(path, configuration, seed=0, device=MARKUP)
    order = Order(
        round=0,
        member=0,
        purpose=Purpose.INITIAL,
        start=Fresh(),
        configuration={NAME: MARKUP, "choice": NAME},
        first_step=0,
        steps=10,
        seed=0,
        proposal=Proposal(source=ProposalSource.RANDOM, note=MARKUP),
    )
    outcome = Outcome(
        round=0, member=0, checkpoint=None, score=float("nan"), steps=0, seconds=1.0, failure=MARKUP
    )
    with made.open_history() as history:
        history.open_round({"region": {"length": MARKUP}}, Plan(round=0, orders=(order,)))
        history.commit_outcome(outcome)


def test_the_report_holds_the_history(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.html"
    assert main(["report", str(run), "-o", str(output)]) == 0
    assert str(output) in capsys.readouterr().out
    (document,) = data_of(output.read_text(encoding="utf-8"))
    with open_run(run).open_history(read_only=True) as history:
        trained = history.trained()
    assert document["name"] == "run"
    assert len(document["rows"]) == len(trained) > 10
    place = document["head"]["fields"].index("score")
    assert [row[place] for row in document["rows"]] == [outcome.score for _, outcome in trained]


def test_a_run_of_the_command_line_has_a_report_that_names_its_options(tmp_path: Path) -> None:
    small = ["-tr", "10", "-mt", "20", "-ps", "4", "-ni", "4", "-qf", "0.25", "--option", "ucb_beta=4"]
    assert main(["train", "-e", "toy:plain", *small, "-sd", str(tmp_path)]) == 0
    run, output = tmp_path / "toy-plain-bgpbt-hpo-seed0", tmp_path / "out.html"
    assert main(["report", str(run), "-o", str(output)]) == 0
    (document,) = data_of(output.read_text(encoding="utf-8"))
    assert document["head"]["expected_steps"] == 4 * 20
    assert "ucb_beta" in str(document["head"]["settings"]["options"])


def test_figures_are_drawn_beside_it_if_asked(run: Path, tmp_path: Path) -> None:
    output, figures = tmp_path / "out.html", tmp_path / "figures"
    assert main(["report", str(run), "-o", str(output), "--figures", str(figures)]) == 0
    assert output.exists()
    assert {path.suffix for path in figures.iterdir()} == {".pdf", ".png"}


def test_equal_runs_give_equal_reports(run: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / "one.html", tmp_path / "two.html"]
    for output in outputs:
        write_report([run], output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_several_runs_are_in_one_report(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "runs" / "a")
    shutil.copytree(run, tmp_path / "runs" / "b")
    write_report([tmp_path / "runs"], tmp_path / "out.html")
    documents = data_of((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert [(document["name"], document["index"]) for document in documents] == [("a", 0), ("b", 1)]


def test_nothing_is_fetched_and_only_our_script_runs(run: Path, tmp_path: Path) -> None:
    write_report([run], tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    for source in re.findall(r'(?:src|href)\s*=\s*["\']([^"\']*)', text):
        assert source.startswith("data:")
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) == {"http://www.w3.org/2000/svg"}  # a name
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self'" in page()


def test_the_script_writes_no_markup() -> None:
    text = page()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in text


def test_text_of_a_run_cannot_end_the_script(tmp_path: Path) -> None:
    path = tmp_path / NAME
    hostile_run(path)
    write_report([path], tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert text.count("</script>") == page().count("</script>") + 1
    for markup in ("<script>window", "<img", "<!-- "):
        assert markup not in text
    (document,) = data_of(text)
    assert document["name"] == NAME
    assert document["head"]["task"] == MARKUP


def test_text_of_a_run_is_shown_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / NAME
    hostile_run(path)
    write_report([path], tmp_path / "out.html")
    with browser_page() as opened:
        opened.page.goto((tmp_path / "out.html").as_uri())
        opened.page.wait_for_selector("#member-title, #member p")
        assert opened.page.inner_text("#name") == NAME
        lineage = opened.page.locator("#lineage")
        lineage.focus()
        lineage.press("ArrowRight")
        lineage.press("Home")
        # The only member has failed, so that it is not the best: it is chosen with the pointer.
        geometry = "byId('lineage').geometry"
        place = f"[{geometry}.box.left + {geometry}.pitchX / 2, {geometry}.box.top + 5]"
        x, y = opened.page.evaluate(place)
        lineage.click(position={"x": x, "y": y})
        opened.page.wait_for_selector("#member-title")
        shown = opened.page.inner_text("body")
        assert "window.injected=1</script><!--" in shown
        assert opened.page.evaluate("window.injected") is None
        assert opened.page.locator("img").count() == 0
        assert opened.page.locator("script").count() == 2
        assert opened.complaints == []
        assert opened.requests == [(tmp_path / "out.html").as_uri()]


def test_a_damaged_run_is_in_the_report_as_far_as_it_can_be_read(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    content = bytearray((copy / "history.sqlite").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (copy / "history.sqlite").write_bytes(content)
    write_report([copy], tmp_path / "out.html")
    (document,) = data_of((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert "history.sqlite" in document["problem"]
    with browser_page() as opened:
        opened.page.goto((tmp_path / "out.html").as_uri())
        opened.page.wait_for_selector("#problem:not([hidden])")
        assert "damaged" in opened.page.inner_text("#problem")
        assert opened.complaints == []


def test_the_largest_run_is_under_two_megabytes(tmp_path: Path) -> None:
    large = LargeRun(tmp_path / "large", members=24, rounds=150, generations=3)
    large.write(450, is_end=True)
    write_report([large.run.path], tmp_path / "out.html")
    (document,) = data_of((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert len(document["rows"]) == 24 * 150 * 3
    assert (tmp_path / "out.html").stat().st_size < 2_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "there is no run"),
        (["."], "neither the directory of a run nor one of runs"),
        (["run", "run"], "named twice"),
        (["run", "-o", "nowhere/out.html"], "nowhere"),
    ],
)
def test_mistakes_are_one_clear_line(
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(run) if word == "run" else word for word in arguments]
    assert main(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
