"""`[[group]]` of the configuration: what is refused, and who is in which groups."""

from __future__ import annotations

import json

import pytest

from pipeline.config import load_settings
from pipeline.errors import ConfigError, UsageError
from pipeline.groups import GroupSettings, audience_of, groups_of

GOOD = {
    "name": "a",
    "domains": ["alpha.example", "*.alpha.example"],
    "members": ["Ann@alpha.example", "mike@alpha.example", "@it.alpha.example", "claim:groups=a b"],
}
CHANNELS = "".join(f'[[notify.channel]]\nname = "{name}"\nkind = "lines"\npath = "{name}.jsonl"\n' for name in ("ops", "mine"))


def _settings(tmp_path, *groups: dict, head: str = ""):
    file = tmp_path / "tlsrpt.toml"
    tables = "".join("[[group]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in group.items()) for group in groups)
    file.write_text(head + tables)
    return load_settings(str(file))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "A client"}, "'A client' is not a name of lower-case letters"),
        ({"domains": []}, "it names no domain"),
        ({"domains": ["*"]}, "'*' is not a domain like"),
        ({"domains": ["*.Example."]}, "'*.example' is everybody below a top-level domain"),
        ({"domains": ["a.*.example"]}, "is not a domain like"),
        ({"domains": ["x' or true"]}, "is not a domain like"),
        ({"members": ["ann"]}, "'ann' is not an address, a domain"),
        ({"members": ["*"]}, "'*' is not an address"),
        ({"members": ["claim:email=ann@alpha.example"]}, "claim:email is what people may write into their account themselves"),
        ({"members": ["claim:Preferred_Username=ann"]}, "claim:Preferred_Username is what people may write"),
        ({"domains": ["faß.example"]}, "'faß.example' is two domains"),
        ({"domains": ["*.βόλος.example"]}, "is two domains"),
        ({"title": "Alpha\r\nBcc: eve@elsewhere.example"}, "the title of a group is one line of text"),
        ({"channels": ["nobody"]}, "the channel 'nobody', and there is no such"),
        ({"member": []}, "unknown setting group[1].member in"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(tmp_path, change, said):
    with pytest.raises(ConfigError) as told:
        _settings(tmp_path, GOOD | change)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_what_groups_would_share_by_mistake_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="names of groups must be distinct"):
        _settings(tmp_path, GOOD, GOOD)
    with pytest.raises(ConfigError, match="the channel 'ops' belongs to two groups"):
        _settings(tmp_path, GOOD | {"channels": ["ops"]}, GOOD | {"name": "b", "channels": ["ops"]}, head=CHANNELS)
    with pytest.raises(ConfigError, match=r"names alpha.example, which is not one of \[domains\] own; did you mean alphas.example"):
        _settings(tmp_path, GOOD, head='[domains]\nown = ["alphas.example"]\n')


@pytest.mark.parametrize(
    ("who", "is_verified", "named"),
    [
        ({"email": "ann@ALPHA.example"}, True, ["a"]),
        ({"email": "ann@alpha.example"}, False, []),
        ({"email": "bob@alpha.example"}, True, []),
        ({"email": "bob@it.alpha.example"}, True, ["a"]),
        ({"email": "bob@beta.example"}, True, ["b"]),
        ({"email": "ann@alpha.example", "groups": ["x", "b"]}, True, ["a", "b"]),
        ({"groups": ["a b"]}, False, ["a"]),
        ({"groups": "b"}, False, ["b"]),
        ({"groups": {"b": 1}}, False, []),
        ({"email": ["ann@alpha.example"]}, True, []),
        ({"email": "@it.alpha.example"}, True, []),
        ({"email": "bob@sub.it.alpha.example"}, True, []),
        ({"email": "bob@it.alpha.example."}, True, []),
        ({"email": "bob@it.alpha.example\n"}, True, []),
        ({"email": "mi\N{KELVIN SIGN}e@alpha.example"}, True, []),
        ({"email": "MIKE@alpha.example"}, True, ["a"]),
        ({"email": {"@it.alpha.example": 1}}, True, []),
        ({"groups": ["A B"]}, True, []),
        ({"groups": [["a b"]]}, True, []),
        ({"groups": "a b, b"}, True, []),
        ({}, True, []),
    ],
)
def test_who_is_in_which_groups(who, is_verified, named):
    groups = (GroupSettings(**GOOD), GroupSettings(name="b", domains=("beta.example",), members=("@beta.example", "claim:groups=b")))
    assert [group.name for group in groups_of(who, groups, is_verified=is_verified)] == named


def test_several_groups_add_up_and_none_sees_nothing():
    first, second = GroupSettings(**GOOD), GroupSettings(name="b", title="Beta", domains=("BETA.example.", "bücher.example"))
    both = audience_of([first, second])
    assert (both.groups, both.title) == (("a", "b"), "a and Beta")
    seen = ("alpha.example", "mx.alpha.example", "beta.example", "xn--bcher-kva.example")
    assert all(both.sees(name) for name in seen)
    assert not any(both.sees(name) for name in ("beta.example.org", "xalpha.example", "mx.beta.example", ""))
    assert not any(audience_of([]).sees(name) for name in (*seen, ""))
    assert both.within(("mx.alpha.example", "other.example"))[2:] == (("mx.alpha.example",), ())


def test_channels_of_a_group_get_nothing_of_others(tmp_path):
    settings = _settings(tmp_path, GOOD | {"channels": ["mine"]}, head=CHANNELS)
    told = [([channel.name for channel in one.notify.channel], one.audience and one.audience.groups) for one in settings.tellings()]
    assert told == [(["ops"], None), (["mine"], ("a",))]
    limited = settings.for_groups("a")
    assert (limited.mailbox, limited.source, [one.name for one in limited.tellings()[0].notify.channel]) == ((), (), ["mine"])
    with pytest.raises(UsageError, match="there is no group 'b'; there is a"):
        settings.for_groups("b")
