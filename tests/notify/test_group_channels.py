"""The channels of a group are told of its domains, and the other channels of all."""

from __future__ import annotations

import json

import pytest

from pipeline import cli
from pipeline.notify import notifier
from tests.query import group_worlds
from tests.query.group_worlds import AS_OF, MARK, OURS, THEIRS

TAGS = ["now", "later", "digest"]


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("channels")
    world = group_worlds.build(folder, 1)
    channels = "".join(
        f'[[notify.channel]]\nname = "{name}"\nkind = "lines"\npath = "{folder / name}.jsonl"\ntags = {json.dumps(TAGS)}\n'
        for name in ("ops", "alpha")
    )
    groups = (
        f'[[group]]\nname = "a"\ndomains = {json.dumps(list(OURS))}\nchannels = ["alpha"]\n'
        f'[[group]]\nname = "b"\ndomains = {json.dumps(list(THEIRS))}\n'
    )
    own = json.dumps(list(group_worlds.NAMES))
    config = folder / "tlsrpt.toml"
    config.write_text(f'[lake]\npath = "{world.both}"\n[domains]\nown = {own}\n{channels}{groups}')
    return folder, ["--config", str(config)]


def test_notices(configured):
    folder, words = configured
    assert cli.main([*words, "notify", "--as-of", AS_OF]) == 0
    assert MARK in (folder / "ops.jsonl").read_text()
    told = (folder / "alpha.jsonl").read_text()
    assert OURS[0] in told
    assert MARK not in told


def test_digests(configured, monkeypatch):
    _, words = configured
    sent = {}
    monkeypatch.setattr(notifier, "send_digest", lambda _, channel, *told: sent.setdefault(channel.name, " ".join(map(str, told))) and "")
    assert cli.main([*words, "digest", "--as-of", AS_OF, "--send"]) == 0
    assert sorted(sent) == ["alpha", "ops"]
    assert MARK in sent["ops"]
    assert MARK not in sent["alpha"]
    sent.clear()
    assert cli.main([*words, "digest", "--as-of", AS_OF, "--send", "--group", "a"]) == 0
    assert sorted(sent) == ["alpha"]
    assert cli.main([*words, "digest", "--as-of", AS_OF, "--send", "--group", "b"]) == 78
