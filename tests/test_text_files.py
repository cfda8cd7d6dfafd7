import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bgpbt.analysis.comparison import read_references
from bgpbt.errors import InputError
from bgpbt.runs import read_schedule
from bgpbt.space import ppo_space, read_space, space_from_json, space_from_yaml, space_to_json, space_to_yaml
from bgpbt.study import read_protocol
from bgpbt.text_files import read_text

MARK = b"\xef\xbb\xbf"
ROOT = Path(__file__).parents[1]
SPACE = ppo_space()
READERS: list[Callable[[Path], object]] = [
    read_space,
    read_references,
    read_protocol,
    read_schedule,
    read_text,
]


def marked(path: Path, text: str) -> Path:
    path.write_bytes(MARK + text.encode())
    return path


def test_a_byte_order_mark_is_read_as_if_it_were_not_there(tmp_path: Path) -> None:
    assert read_text(marked(tmp_path / "a.txt", "text\ufeff")) == "text\ufeff"
    for name, text in (("a.json", space_to_json(SPACE)), ("a.yaml", space_to_yaml(SPACE))):
        assert read_space(marked(tmp_path / name, text)).names == SPACE.names
    assert space_from_json("\ufeff" + space_to_json(SPACE)).names == SPACE.names
    assert space_from_yaml("\ufeff" + space_to_yaml(SPACE)).names == SPACE.names
    references = marked(tmp_path / "r.json", json.dumps({"ant": {"low": 0, "high": 1}}))
    assert read_references(references)["ant"].high == 1.0
    protocol = ROOT / "benchmarks" / "protocol.toml"
    copy = marked(tmp_path / "p.toml", protocol.read_text(encoding="utf-8"))
    assert read_protocol(copy).scales.keys() == read_protocol(protocol).scales.keys()


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_what_cannot_be_read_is_one_line_that_names_the_file(
    read: Callable[[Path], object], tmp_path: Path
) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("Zürich".encode("latin-1"))
    cases = [tmp_path / "none.yaml", tmp_path, latin, tmp_path / ("x" * 300), Path("a\0b.yaml")]
    for path in cases:
        with pytest.raises(InputError) as refused:
            read(path)
        assert "\n" not in str(refused.value)
        assert str(path)[:40] in str(refused.value)
