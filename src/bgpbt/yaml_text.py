"""YAML as its authors mean it: `1e-5` is a number, as in YAML 1.2 and JSON, and not the text of YAML 1.1.

A quoted `"1e-5"` stays text, and such text is written with quotes.
"""

import re
from typing import Any

import yaml

__all__ = ["YAMLError", "read_yaml", "write_yaml"]

YAMLError = yaml.YAMLError

_FLOAT_TAG = "tag:yaml.org,2002:float"
_FLOAT_WITH_EXPONENT = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")


class _Loader(yaml.SafeLoader):
    """Reads plain values only."""


class _Dumper(yaml.SafeDumper):
    """Writes plain values only."""


for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(_FLOAT_TAG, _FLOAT_WITH_EXPONENT, list("-+.0123456789"))


def read_yaml(text: str) -> Any:
    """Return the plain values in a YAML text.

    Raises:
        YAMLError: it is not YAML.
    """
    return yaml.load(text, Loader=_Loader)  # a SafeLoader; it knows a byte order mark


def write_yaml(values: Any, *, width: int = 110, sort_keys: bool = False) -> str:
    """Return plain values as YAML text, which `read_yaml` reads back unchanged."""
    written: str = yaml.dump(values, Dumper=_Dumper, sort_keys=sort_keys, width=width)
    return written
