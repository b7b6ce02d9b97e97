"""Reads a configuration that is wrong, and tells what is said of it."""

from pathlib import Path

import pytest

from gateway.config import ConfigFault, load

UPSTREAM = {"upstream.url": "http://recording.example"}


def problems(
    tmp_path: Path, toml: str, environ: dict[str, str] | None = None, *, serving: bool = False
) -> list[str]:
    """What is wrong with a file, its path cut off."""
    file = tmp_path / "gateway.toml"
    file.write_text(toml)
    with pytest.raises(ConfigFault) as fault:
        load(file, {}, environ=environ or {}, serving=serving)
    return [str(each).removeprefix(f"{tmp_path}/") for each in fault.value.problems]
