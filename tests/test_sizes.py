"""Files fit one sitting and functions one screen, as CONTRIBUTING promises."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "bgpbt"
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 400, 40

# Lines without the docstring. They may become shorter and leave this list; none may come to it.
LONGER = {
    "agents/ppo/learner.py learn": 47,  # one iteration of PPO from top to bottom
    "agents/ppo/loss.py ppo_loss": 45,  # one loss, term by term
    "analysis/comparison.py compare": 48,
    "ray/scheduler.py __init__": 59,  # Ray's arguments
    "strategies/founders.py first_configurations": 43,
    "strategies/generations.py _begin_generation": 43,
}


def test_files_fit_one_sitting() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > MOST_LINES_OF_A_FILE} == {}


def test_functions_fit_one_screen() -> None:
    longer = {
        f"{path.relative_to(ROOT)} {function.name}": lines
        for path in ROOT.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := _lines_of(function)) > MOST_LINES_OF_A_FUNCTION
    }
    assert longer == LONGER


def _lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function, its docstring left out."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring
