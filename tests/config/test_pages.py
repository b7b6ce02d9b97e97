"""The pages that the settings make of themselves."""

import tomllib
from pathlib import Path

from gateway.config import Settings, Source, load
from gateway.config.keys import flat, keys, shown
from gateway.config.pages import example, page, schema

ROOT = Path(__file__).parents[2]


def test_a_password_in_a_url_is_not_shown() -> None:
    assert shown("postgresql://gateway:s3cret@db/x") == "postgresql://gateway:***@db/x"


def test_every_setting_says_what_it_is_for() -> None:
    for key in keys():
        assert key.field.description, key
        assert key.field.description.endswith("."), key


def test_the_committed_page_and_example_are_those_of_the_settings() -> None:
    hint = "run `enrollment-gateway config schema --as page|example` again"
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), hint
    assert (ROOT / "enrollment-gateway.example.toml").read_text() == example(), hint


def test_the_example_sets_every_key_once_uncommented(tmp_path: Path) -> None:
    lines = [
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in example().splitlines()
    ]
    file = tmp_path / "all.toml"
    file.write_text("\n".join(lines))
    loaded = load(file, {}, environ={})
    assert {key for key, origin in loaded.origins.items() if origin.source is Source.FILE} == set(
        flat(Settings())
    )
    assert len(tomllib.loads(file.read_text())["routes"][0]) == 5


def test_the_schema_knows_every_section_and_no_other_keys() -> None:
    found = schema()
    assert set(found["properties"]) == set(Settings.model_fields)
    assert all(each["additionalProperties"] is False for each in found["$defs"].values())
