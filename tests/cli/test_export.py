import csv
import math
import sys
from io import BytesIO
from pathlib import Path

import pytest

from bgpbt.analysis import table
from bgpbt.cli import main
from bgpbt.cli.tables import stats_path, write_parquet
from bgpbt.records import Fresh, Order, Outcome, Proposal, ProposalSource, Purpose, Trained, Value
from bgpbt.storage import open_run

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs")
    flags = [
        "-tr",
        "10",
        "-mt",
        "40",
        "-ni",
        "6",
        "-ps",
        "4",
        "-qf",
        "0.25",
        "-o",
        "pb2-mix",
        "--population-schedule",
        "paper",
    ]
    assert main(["train", "-e", "toy:mixed", *flags, "-sd", str(directory)]) == 0
    return directory / "toy-mixed-pb2-mix-hpo-seed0"


def test_parquet_holds_what_the_history_holds_with_its_types(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "rounds.parquet"
    assert main(["export", str(run), "--format", "parquet", "-o", str(file)]) == 0
    read = parquet.read_table(file)
    with open_run(run).open_history(read_only=True) as history:
        columns, rows = table(history.trained())
    assert read.column_names == columns
    assert read.to_pylist() == rows
    types = {field.name: str(field.type) for field in read.schema}
    assert types["parent"] == types["rung"] == types["config.epochs"] == "int64"
    assert types["score"] == types["config.learning_rate"] == "double"
    assert types["checkpoint"] == types["teacher"] == types["config.optimizer"] == "string"


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([True, False], "bool", [True, False]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([1, None], "int64", [1, None]),
        ([True, 2], "string", ["True", "2"]),
        ([0.5, "auto"], "string", ["0.5", "auto"]),
    ],
)
def test_a_hyperparameter_has_the_type_of_its_values(
    values: list[Value | None], kind: str, read: list[Value | None]
) -> None:
    trained = [Trained(order(member, value), failed(member)) for member, value in enumerate(values)]
    file = BytesIO()
    write_parquet(file, trained)
    column = parquet.read_table(file)["config.rate"]
    assert str(column.type) == kind
    assert column.to_pylist() == read


def test_a_score_that_is_no_number_stays_so_in_parquet() -> None:
    file = BytesIO()
    write_parquet(file, [Trained(order(0, 1.0), failed(0))])
    (row,) = parquet.read_table(file).to_pylist()
    assert math.isnan(row["score"])
    assert (row["failure"], row["checkpoint"]) == ("it burst", None)


def order(member: int, rate: Value | None) -> Order:
    return Order(
        round=0,
        member=member,
        purpose=Purpose.INITIAL,
        start=Fresh(),
        configuration={} if rate is None else {"rate": rate},
        first_step=0,
        steps=1,
        seed=0,
        proposal=Proposal(source=ProposalSource.RANDOM),
    )


def failed(member: int) -> Outcome:
    return Outcome(round=0, member=member, checkpoint=None, score=math.nan, steps=0, failure="it burst")


def test_stats_are_those_that_training_writes(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stats.csv"
    assert main(["export", str(run), "-f", "stats", "-o", str(file)]) == 0
    assert file.read_bytes() == stats_path(run, 0).read_bytes()
    capsys.readouterr()
    assert main(["export", str(run), "-f", "stats"]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert {"trial", "round", "t", "R", "optimizer"} <= set(rows[0])
    assert rows[-1]["t"] == "40"


def test_csv_in_a_file_is_csv_on_the_terminal(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rounds.csv"
    assert main(["export", str(run), "-o", str(file)]) == 0
    capsys.readouterr()
    assert main(["export", str(run)]) == 0
    assert capsys.readouterr().out == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["export", "report", "schedule"])
def test_a_link_named_with_o_stays_a_link(run: Path, tmp_path: Path, command: str) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    assert main([command, str(run), "-o", str(link)]) == 0
    assert link.is_symlink()
    assert len(target.read_bytes()) > 100
    assert main([command, str(run), "-o", "/dev/null"]) == 0
    assert Path("/dev/null").is_char_device()


def test_what_cannot_be_written_is_one_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {
        "give the file to write with --output": ["-f", "parquet"],
        f"{tmp_path}: Is a directory": ["-o", str(tmp_path)],
        f"{tmp_path / 'no' / 'where'}: No such file or directory": ["-o", str(tmp_path / "no" / "where")],
    }
    for message, arguments in refused.items():
        assert main(["export", str(run), *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", str(run), "-f", "parquet", "-o", str(tmp_path / "rounds.parquet")]) == 2
    assert "pyarrow is not installed; run pip install 'bgpbt[parquet]'" in capsys.readouterr().err
    assert not (tmp_path / "rounds.parquet").exists()
