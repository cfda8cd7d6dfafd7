"""A training program driven through files: the weight walks towards 1. It misbehaves where it is told to.

python program.py [KIND:ROUND:MEMBER ...] DIRECTORY
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main(misdeeds: list[str], directory: Path) -> None:
    order = json.loads((directory / "order.json").read_text())
    weight = 0.0
    if (directory / "start").exists():
        weight = float((directory / "start" / "deep" / "weight").read_text())
    for _ in range(order["steps"]):
        weight += order["configuration"]["rate"] * (1.0 - weight)
    score = 1.0 - abs(1.0 - weight)
    here = f":{order['round']}:{order['member']}"
    kinds = [misdeed.removesuffix(here) for misdeed in misdeeds if misdeed.endswith(here)]
    score = misbehave(kinds[0], directory) if kinds else score
    (directory / "checkpoint" / "deep").mkdir()
    (directory / "checkpoint" / "deep" / "weight").write_text(repr(weight))
    (directory / "outcome.json").write_text(json.dumps({"score": score, "figures": {"weight": weight}}))


def misbehave(kind: str, directory: Path) -> float:
    match kind:
        case "raise":
            sys.stdout.write("about to divide\n")
            raise ZeroDivisionError("the loss is 1/0")
        case "nan":
            return float("nan")
        case "hang":
            # The program has a child, which is to be killed as well.
            child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(1000)"])
            Path(os.environ["CHILD_PID_FILE"]).write_text(str(child.pid))
            time.sleep(1000)
        case "nothing":
            sys.exit(0)
        case "score-only":
            (directory / "outcome.json").write_text('{"score": 1}')
            sys.exit(0)
        case "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "text":
            (directory / "outcome.json").write_text("score: 1")
            sys.exit(0)
    raise ValueError(kind)


if __name__ == "__main__":
    main(sys.argv[1:-1], Path(sys.argv[-1]))
