"""`python -m failover` is the command `failover`."""

import sys

from failover.cli import main

sys.exit(main())
