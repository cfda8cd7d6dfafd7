"""The paper's command line, with its flags: `python3 main.py -e ant --pop_size 8 -ni 24 -sm hpo`."""

import sys

from bgpbt.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
