"""`python -m processors`: the same as `imgw`."""

from processors.cli import main

main()
