"""``python -m tfnlp`` is the console script ``tfnlp``."""

from tfnlp.cli.console import main

if __name__ == "__main__":
    main()
