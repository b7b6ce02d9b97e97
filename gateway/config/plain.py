"""Checked settings without what checked them: the same names, for a process that only reads them.

Theory: the library that checks takes an eighth of a gateway's memory, and a gateway runs for
months on settings that are checked once. So they are checked in a process that ends with that
(see ``cli.apart``), and go on as this.
"""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from gateway.config.settings import Settings


class Plain:
    """A group of settings: frozen, and of nothing but values."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: settings are frozen."""
        raise AttributeError(f"{name} cannot be set: settings are frozen")

    def __eq__(self, other: object) -> bool:
        """Whether every value is the same."""
        return isinstance(other, Plain) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # as of any group of values that compares so


def plain(settings: "Settings") -> "Settings":
    """The same settings, to be read alike; what it is made of can be pickled and loads nothing."""
    return cast("Settings", _plain(settings))


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a setting may be
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    # A group is an object with its settings as attributes; paths and addresses are none.
    return Plain({k: _plain(v) for k, v in vars(value).items()}) if _is_group(value) else value


def _is_group(value: object) -> bool:
    return hasattr(value, "__dict__")
