"""The paper's command line, with its flags: `python3 main.py -e ant --pop_size 8 -ni 24 -sm hpo`.

It takes the paper's schedule of the population; `bgpbt train` takes the race.
"""

import sys

try:
    from bgpbt.cli import main
except ModuleNotFoundError as error:
    if error.name != "bgpbt":
        raise
    sys.exit(
        f"main.py: bgpbt is not installed for {sys.executable}; "
        f"run `make setup` once, then `source .venv/bin/activate`"
    )

if __name__ == "__main__":
    given = sys.argv[1:]
    has_schedule = any(
        text.replace("_", "-").startswith(("--rungs", "--population-schedule")) for text in given
    )
    sys.exit(main(["train", *([] if has_schedule else ["--population-schedule", "paper"]), *given]))
