import tomllib
from pathlib import Path

import jsonschema
import pytest

from maskwright.config import Configuration, write_toml
from maskwright.config.document import json_schema, markdown

DOCS = Path(__file__).parents[2] / "docs" / "reference"


def test_the_reference_page_is_current():
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == markdown() + "\n" or (
        DOCS / "configuration.md"
    ).read_text(encoding="utf-8") == markdown(), "run `make docs`"


def test_every_example_of_the_page_is_accepted():
    blocks = markdown().split("```toml\n")[1:]
    assert len(blocks) > 100
    for block in blocks:
        Configuration.model_validate(tomllib.loads(block.split("```")[0]))


def test_the_schema_accepts_what_we_write_and_refuses_what_we_refuse():
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(write_toml(Configuration(), everything=True)), schema)
    for bad in ({"train": {"epoch": 3}}, {"train": {"epochs": 0}}, {"train": {"optimizer": "LAMB"}}, {"trian": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)
