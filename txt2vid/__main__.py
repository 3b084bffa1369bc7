"""`python -m txt2vid`: the same as the `txt2vid` command."""

import sys

from txt2vid.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
