"""How the address of a journal begins."""

from typing import Final

SQLITE: Final = "sqlite:///"
POSTGRESQL: Final = "postgresql://"
