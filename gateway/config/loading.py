"""From file, environment and flags to settings, or to every problem at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from gateway.config.faults import ConfigFault, Problem
from gateway.config.keys import ROUTES, flat, nearest, sections
from gateway.config.rules import contradictions, lacking
from gateway.config.settings import Settings
from gateway.config.sources import (
    Given,
    Origin,
    Source,
    from_environment,
    from_file,
    from_flags,
)

DEFAULT: Final = Origin(Source.DEFAULT)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, and where each key's value came from."""

    settings: Settings
    origins: Mapping[str, Origin]


def load(
    config_file: Path | None,
    flags: Mapping[str, object],
    *,
    environ: Mapping[str, str] = os.environ,
    serving: bool = False,
) -> Loaded:
    """Read every source, check all of it once.

    Args:
        config_file: TOML, or None.
        flags: values of the command line by dotted key (see ``sources.FLAGS``); None: not given.
        environ: the environment.
        serving: also ask for what ``serve`` cannot do without.

    Raises:
        ConfigFault: with every problem there is.
    """
    given = from_file(config_file) if config_file else {}
    given |= from_environment(environ) | from_flags(flags)
    problems = list(_misnamed(given))
    known = flat(Settings())
    values = {key: each.value for key, each in given.items() if key in known}
    try:
        settings = Settings.model_validate(_nested(values))
    except ValidationError as error:
        bad = {_name(each["loc"]): _text(each["msg"], each["type"]) for each in error.errors()}
        for key, message in bad.items():
            more = nearest(_kind(key)) if message == UNKNOWN else ""
            problems.append(Problem(key, message + more, _place(given, key)))
            values.pop(_whole(key), None)
        # What is left is sound by itself; it may still contradict itself.
        settings = Settings.model_validate(_nested(values))
    blamed = {_whole(problem.key) for problem in problems}
    found = [
        (each.key, each.message)
        for each in contradictions(settings)
        if blamed.isdisjoint({each.key, *each.others})
    ]
    if serving:
        found += [(key, message) for key, message in lacking(settings) if key not in blamed]
    problems += [Problem(key, message, _place(given, key)) for key, message in found]
    if problems:
        raise ConfigFault(problems)
    return Loaded(settings, {key: given[key].origin if key in given else DEFAULT for key in known})


UNKNOWN: Final = "there is no such key"


def _misnamed(given: Mapping[str, Given]) -> Iterator[Problem]:
    """A problem for each key that no setting has."""
    known = flat(Settings())
    for key, each in given.items():
        where = each.origin.where
        if key in known or _whole(key) in given.keys() - {key} or each.value == {}:
            continue
        if key.startswith(f"{ROUTES}."):
            yield Problem(key, "routes are a list: write [[routes]] with two brackets", where)
        elif key in sections():
            yield Problem(key, f"is a section: write [{key}] and its keys below it", where)
        else:
            yield Problem(key, UNKNOWN + nearest(key), where)


def _nested(values: Mapping[str, object]) -> dict[str, object]:
    """``{"upstream.url": …}`` as ``{"upstream": {"url": …}}``."""
    nested: dict[str, object] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        if name:
            part = nested.setdefault(section, {})
            assert isinstance(part, dict)  # noqa: S101 - routes has no dot
            part[name] = value
        else:
            nested[section] = value
    return nested


def _name(loc: tuple[int | str, ...]) -> str:
    """Pydantic's place as a key: ``routes[0].mode``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)[1:]


def _whole(key: str) -> str:
    """The key that a source gives, of one that may lie within it."""
    return key.partition("[")[0]


def _kind(key: str) -> str:
    """``routes[0].mod`` as ``routes.mod``."""
    return f"{_whole(key)}{key.rpartition(']')[2]}"


def _place(given: Mapping[str, Given], key: str) -> str:
    """Where a key was given, or else what it lies within."""
    whole = given.get(_whole(key))
    if whole is None:
        return ""
    if whole.origin.source is not Source.FILE:
        return whole.origin.where
    row = given.get(f"{key.rpartition(']')[0]}]", whole)
    return given.get(key, row).origin.where


def _text(message: str, kind: str) -> str:
    """Pydantic's message in the words of this product."""
    if kind == "extra_forbidden":
        return UNKNOWN
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ").replace("Input should be", "must be")
