"""`python -m millwright.cli` is the `millwright` command."""

import sys

from millwright.cli.main import main

sys.exit(main())
