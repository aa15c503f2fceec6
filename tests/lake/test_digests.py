"""The set of digests says what a set of strings says, however it came to hold them."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lake.dedup.digest_set import Digests

# Values that agree in their first 64 bits, which sha256 will not give us.
ALIKE = st.builds(lambda head, tail: (head * 16 + tail * 16).ljust(64, "0"), st.sampled_from("0f7"), st.sampled_from("0123f"))
HEX = st.one_of(ALIKE, st.binary(min_size=32, max_size=32).map(bytes.hex))


@settings(max_examples=100)
@given(loaded=st.lists(HEX), added=st.lists(HEX), asked=st.lists(HEX), merge_at=st.sampled_from([1, 3, 100]))
def test_it_is_a_set(loaded, added, asked, merge_at):
    held = Digests(merge_at=merge_at)
    held.load([pa.chunked_array([pa.array(["", *loaded], pa.string()), pa.array(["not hex", *loaded], pa.string()).slice(1)])])
    for value in added:
        held.add([value])
    wanted = {value[:32] for value in (*loaded, *added)}
    assert held.among(asked) == [value for value in asked if value[:32] in wanted]
    assert held.among([*loaded, *added]) == [*loaded, *added]


def test_an_empty_set_has_nothing():
    held = Digests()
    assert held.among(["0" * 64]) == []
    held.load([pa.array([], pa.string()), pa.array([""], pa.string())])
    assert (len(held), held.among([])) == (0, [])
