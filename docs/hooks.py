"""What MkDocs does beside its own: equations become MathML, and the command line's help becomes a page.

MathML needs neither JavaScript nor another host.
"""

import html
import re
from typing import Any

from latex2mathml.converter import convert

from bgpbt.cli.help import command_help

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
_HELP = "<!-- help of every command -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help of every command where the page asks for it."""
    if _HELP not in markdown:
        return markdown
    parts = [f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in command_help().items()]
    return markdown.replace(_HELP, "\n".join(parts))


def on_page_content(content: str, **_: Any) -> str:
    """Turn equations into MathML."""
    return _EQUATION.sub(_mathml, content)


def _mathml(match: re.Match[str]) -> str:
    # latex2mathml knows no sizes of delimiters; the formula reads as well without.
    formula = re.sub(r"\\[bB]ig+[lrm]?(?![a-zA-Z])|\\!|`", "", html.unescape(match[2]))
    return str(convert(formula, display="block" if match[1] == "div" else "inline"))
