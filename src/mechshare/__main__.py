"""`python -m mechshare`"""

from mechshare.entrypoints.cli.main import main

if __name__ == "__main__":
    main()
