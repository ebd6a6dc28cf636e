"""`python -m augury` is the command `augury`, for places where scripts are not on the path."""

import sys

from augury.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
