"""The paper's command line: `python3 main.py -e ant --pop_size 8 -qf 0.125 -ni 24 -tr 1_000_000 -o bgpbt -sm hpo`."""

import sys

from bgpbt.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
