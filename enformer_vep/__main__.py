"""`python -m enformer_vep` is `enformer-vep`."""

import sys

from enformer_vep.cli import main

if __name__ == "__main__":
    sys.exit(main())
