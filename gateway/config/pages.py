"""The reference of all settings, as a page and as an example file: made from the settings."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any, Final

from gateway.config.keys import ROUTES, sections
from gateway.config.settings import Settings

INTRODUCTION: Final = """\
<!-- Made by `enrollment-gateway config schema --as page`. Change gateway/config/settings/. -->

# Configuration

`enrollment-gateway serve --upstream URL` runs on the defaults below. Everything else is said in a
TOML file (`--config FILE`), in the environment, or by flags. Flags beat the environment, the
environment beats the file.

- In the environment a key is written `ENROLLMENT_GATEWAY__UPSTREAM__URL`: prefix, section, name,
  two underscores between them. An empty variable counts as not set. `ENROLLMENT_GATEWAY__ROUTES`
  holds a JSON list.
- A key that does not exist is an error, and so is a value out of its range. All errors are told
  at once, each with its key and line; the exit code is 78.
- `enrollment-gateway config check FILE` tells them without starting anything;
  `enrollment-gateway config show --config FILE` tells what is in force and where it came from.
- Paths are relative to the working directory.
- `enrollment-gateway.example.toml` holds every key, ready to be changed.
"""

HEADER: Final = """\
# Every setting of the enrollment gateway, with its default and its reason.
# Made by `enrollment-gateway config schema --as example`. Take what you need: a line without its
# first # sets a key. Check the result with `enrollment-gateway config check FILE`.
"""


def schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file."""
    return Settings.model_json_schema()


def page() -> str:
    """The reference in Markdown."""
    lines = [INTRODUCTION]
    for section in sections():
        about, settings = _described(section)
        lines += [f"## `{_title(section)}`", "", about, ""]
        lines += ["| key | default | range | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{section}.{name}` | {_default(each)} | {_range(each)} | {each['description']} |"
            for name, each in settings.items()
        ]
        lines.append("")
    return "\n".join(lines)


def example() -> str:
    """A TOML file with every key, each as a comment."""
    lines = [HEADER]
    for section in sections():
        about, settings = _described(section)
        lines += [*_comment(about), f"{'#' * (section == ROUTES)}{_title(section)}"]
        for name, each in settings.items():
            limits = f" Range: {_range(each)}." if _range(each) else ""
            sample = each.get("default")
            sample = each["examples"][0] if sample is None else sample
            lines += ["", *_comment(each["description"] + limits), f"#{name} = {_toml(sample)}"]
        lines.append("")
    return "\n".join(lines)


def _described(section: str) -> tuple[str, dict[str, dict[str, Any]]]:
    """What is said of a section, and the schema of each of its settings."""
    model = schema()["$defs"][sections()[section].__name__]
    return model["description"], model["properties"]


def _title(section: str) -> str:
    return f"[[{section}]]" if section == ROUTES else f"[{section}]"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")


def _default(setting: dict[str, Any]) -> str:
    if "default" not in setting:
        return "required"
    default = setting["default"]
    return "none" if default is None else f"`{_toml(default)}`"


def _range(setting: dict[str, Any]) -> str:
    return ", ".join(_limits(setting | setting.get("anyOf", [{}])[0]))


def _limits(setting: dict[str, Any]) -> Iterator[str]:
    if "enum" in setting:
        yield "one of " + ", ".join(setting["enum"])
    if "items" in setting:
        yield from _limits(setting["items"])
    for bound, word in (("exclusiveMinimum", "above"), ("minimum", "from"), ("maximum", "to")):
        if bound in setting:
            yield f"{word} {setting[bound]}"


def _toml(value: object) -> str:
    """A value as TOML writes it, which for the kinds that settings have is how JSON does."""
    return json.dumps(value)
