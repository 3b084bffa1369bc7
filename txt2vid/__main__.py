"""`python -m txt2vid`: the same as the `txt2vid` command."""

import sys

if __name__ == "__main__":  # processes that are spawned load this file as well, and need none of the commands
    from txt2vid.cli.main import main

    sys.exit(main())
