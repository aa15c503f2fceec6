"""World files: what they may say, and one clear sentence for what they may not."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.demo.world import World
from pipeline.demo.worldfile import read_spec
from pipeline.errors import ConfigError, InputError
from tests.worlds.random_worlds import random_world
from tests.worlds.truth import true_incidents

SMALL = """
seed = 4
days = 10
[[domain]]
name = "example.com"
[[domain.host]]
name = "mx1.example.com"
addresses = ["203.0.113.1"]
[[domain.policy]]
from_day = -40
mode = "testing"
mx = ["mx1.example.com"]
id = "1"
[[incident]]
cause = "mx-certificate-expired"
domain = "example.com"
first_day = -3
"""


def written(tmp_path, text):
    path = tmp_path / "world.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_days_count_from_the_last_day(tmp_path):
    spec = read_spec(written(tmp_path, SMALL), last_day=date(2026, 5, 20))
    assert spec.first_day == date(2026, 5, 11)
    assert spec.incidents[0].first_day == date(2026, 5, 17)
    assert spec.domains[0].policies[0].from_day == date(2026, 4, 10)


def test_a_day_may_be_a_date(tmp_path):
    text = SMALL.replace("first_day = -3", "first_day = 2026-05-13").replace("days = 10", "days = 10\nlast_day = 2026-05-20")
    assert read_spec(written(tmp_path, text)).incidents[0].first_day == date(2026, 5, 13)


def test_the_length_can_be_given(tmp_path):
    assert read_spec(written(tmp_path, SMALL), last_day=date(2026, 5, 20), days=30).first_day == date(2026, 4, 21)


def test_a_world_of_a_file_has_its_truth(tmp_path):
    world = World(read_spec(written(tmp_path, SMALL), last_day=date(2026, 5, 20)))
    assert [(t.cause, t.first_day, t.open) for t in true_incidents(world)] == [("mx-certificate-expired", date(2026, 5, 17), True)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("seed = 4", "sede = 4"), "sede: extra inputs are not permitted"),
        (("seed = 4", "seed = "), "is not valid TOML"),
        (('mode = "testing"', 'mode = "tasting"'), "domain.0.policy.0.mode"),
        (('cause = "mx-certificate-expired"', 'cause = "gremlins"'), "no cause is called gremlins"),
        (('domain = "example.com"\n', 'domain = "example.net"\n'), "example.net, which is not a domain"),
        (("first_day = -3", 'first_day = -3\nhosts = ["mx9.example.com"]'), "mx9.example.com, which is not a host of example.com"),
        (("first_day = -3", 'first_day = -3\nreporters = ["yahoo"]'), "no reporter is called yahoo"),
        (("first_day = -3", 'first_day = -3\nvariant = "odd"'), "no variant odd"),
        (("first_day = -3", 'first_day = -3\n[[odd]]\nkind = "spam"\nday = 0'), "no odd mail is called spam"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(tmp_path, change, sentence):
    path = written(tmp_path, SMALL.replace(*change))
    with pytest.raises(ConfigError, match=sentence) as caught:
        read_spec(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_reporter_there_is_may_be_named(tmp_path):
    spec = read_spec(written(tmp_path, SMALL.replace("days = 10", 'days = 10\nreporters = ["google", "ministry"]')))
    assert {reporter.key for reporter in spec.reporters} == {"google", "ministry"}


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.toml cannot be read"):
        read_spec(tmp_path / "nowhere.toml")


def test_an_unknown_kind_of_random_world_is_said():
    with pytest.raises(ValueError, match="no kind of world is called stormy"):
        random_world(1, "stormy")
