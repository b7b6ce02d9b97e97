"""`python -m gateway` is `enrollment-gateway`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command that was typed. Each way loads only what it needs."""
    if sys.argv[1:2] == ["serve"]:
        from gateway.cli.apart import read_and_serve  # noqa: PLC0415 - as just said

        sys.exit(read_and_serve())
    from gateway.cli.app import app  # noqa: PLC0415 - as just said

    app()


if __name__ == "__main__":
    main()
