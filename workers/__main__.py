"""`python -m workers`: the worker alone, as `speedlead worker` runs it."""

import sys

from speedlead.cli import main as cli_main


def main() -> None:
    sys.argv = [sys.argv[0], "worker", *sys.argv[1:]]
    cli_main()


if __name__ == "__main__":
    main()
