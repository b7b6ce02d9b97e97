"""`python -m gateway` is `enrollment-gateway`."""

from gateway.cli.app import app as main

__all__ = ["main"]

if __name__ == "__main__":
    main()
