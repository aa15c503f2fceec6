"""A mistake in the configuration is told in the words of its file, wherever it is."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from pipeline.config import Settings, load_settings
from pipeline.errors import ConfigError
from pipeline.settings.config_file import find_config
from pipeline.settings.config_mistakes import _models, first_mistake

WRONG: tuple[Any, ...] = ("x", -1, ["x"], {"x": 1})
OF_THE_LIBRARY = ("nput should", "dictionary", "tuple", "instance", "pattern", "parse", "ield required", "Settings")


def _tables(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Each setting of the model and of those within it, with each value that is wrong for most."""
    tables = []
    for name, field in model.model_fields.items():
        tables += [{name: value} for value in WRONG]
        for inner in _models(field.annotation):
            is_repeated = get_origin(field.annotation) is tuple
            tables += [{name: [table] if is_repeated else table} for table in _tables(inner)]
    return tables


def test_no_mistake_is_told_in_the_words_of_a_library():
    told = set()
    for table in _tables(Settings):
        try:
            Settings(**table)
        except ValidationError as err:
            told.add(first_mistake(err, Settings, None))
    assert len(told) > 100
    assert [sentence for sentence in told if "\n" in sentence or any(word in sentence for word in OF_THE_LIBRARY)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('lake = "/srv/lake"', "setting lake in {}: it is a section: write [lake] on a line of its own"),
        ('[mailbox]\nname = "a"', "setting mailbox in {}: it is a section: write [[mailbox]] on a line of its own"),
        ('[[mailbox]]\nname = "a"\nprot = 1', "unknown setting mailbox[1].prot in {}; did you mean port?"),
        ('[[notify.channel]]\nname = "a"\nkind = "pigeon"', "setting notify.channel[1].kind in {}: wanted is 'apprise'"),
        ('[query]\nmemory = "much"', "setting query.memory in {}: wanted is a size such as 512MB or 2GB"),
        ('[domains]\nown = "example.org"', 'setting domains.own in {}: a list is wanted, as in ["one", "two"]'),
        (
            '[domains]\nown = ["*.example.org"]',
            """setting domains.own in {}: '*.example.org' is not a domain name such as "example.org"; write out every name""",
        ),
        ('[domains]\nown = ["example.org", "a@example.org"]', "setting domains.own in {}: 'a@example.org' is not a domain name"),
        ('[domains]\nmx = ["https://mx.example.org"]', "setting domains.mx in {}: 'https://mx.example.org' is not a domain name"),
        ("[lake]\nwait_seconds = -1", "setting lake.wait_seconds in {}: wanted is at least 0"),
    ],
)
def test_it_says_where_and_what_is_wanted(text, said, tmp_path):
    file = tmp_path / "tlsrpt.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as told:
        load_settings(str(file))
    assert str(told.value).startswith(said.format(file))


def test_what_the_environment_sets_is_looked_for_there(tmp_path, monkeypatch):
    file = tmp_path / "tlsrpt.toml"
    file.write_text("[lake]\nwait_seconds = 1\n")
    monkeypatch.setenv("TLSRPT_LAKE__WAIT_SECONDS", "soon")
    with pytest.raises(
        ConfigError, match=r"setting lake\.wait_seconds in TLSRPT_LAKE__WAIT_SECONDS of the environment: a number is wanted"
    ):
        load_settings(str(file))


def test_a_folder_that_is_closed_to_this_user_is_named(tmp_path, monkeypatch):
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_file", closed)
    with pytest.raises(ConfigError, match=r"tlsrpt\.toml may not be read by this user; run tlsrpt as the user"):
        find_config(None)


def test_a_domain_of_ours_is_known_as_reports_name_it(tmp_path):
    file = tmp_path / "tlsrpt.toml"
    file.write_text('[domains]\nown = ["Bücher.Example.", "example.org"]\nmx = ["MX.Bücher.example"]\n')
    domains = load_settings(str(file)).domains
    assert (domains.own, domains.mx) == (("xn--bcher-kva.example", "example.org"), ("mx.xn--bcher-kva.example",))
