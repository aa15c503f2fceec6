"""Networks of addresses, without DuckDB's INET extension: as Python's ipaddress has them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=50)
@given(
    addresses=st.lists(
        st.one_of(
            st.ip_addresses(v=4),
            st.ip_addresses(v=6, network="2000::/3"),
            st.integers(0, 2**64).map(lambda n: ip_address(2**125 + (n << 16))),
        ),
        min_size=1,
    )
)
def test_the_network_of_an_address_is_its_24_or_48(lake, addresses):
    texts = [str(address) for address in addresses]
    found = lake.sql("select network_of(unnest($a)) as network", {"a": texts}).column("network").to_pylist()
    assert found == [str(ip_network(f"{text}/{24 if '.' in text else 48}", strict=False)) for text in texts]


def test_no_address_has_no_network(lake):
    assert lake.sql("select network_of(null) as network").to_pylist() == [{"network": None}]


def test_the_day_of_a_moment_is_that_of_its_date_in_utc(lake):
    moments = ["1969-12-31 23:59:59.999999+00", "1970-01-01 00:00:00+00", "2026-03-09 01:30:00+02", "2026-03-09 23:30:00-02"]
    found = lake.sql("select m::timestamptz::date as day, utc_day(m::timestamptz) as same from (select unnest($m) as m)", {"m": moments})
    assert found.column("day") == found.column("same")
    assert lake.sql("select utc_day(null) as day").to_pylist() == [{"day": None}]
