"""`python -m sim` is `blocs`."""

from sim.cli import main

if __name__ == "__main__":
    main()
