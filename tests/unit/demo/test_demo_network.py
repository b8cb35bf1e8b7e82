"""Addresses and rules of the private engine: decided by pure functions."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsbot.demo.engine import is_local
from opsbot.demo.firewall import without_engine
from opsbot.demo.subnets import POOL, Subnets, free_block
from opsbot.errors import OpsError

networks = st.builds(
    lambda address, prefix: ipaddress.ip_network((address, prefix), strict=False),
    st.integers(int(POOL[0]), int(POOL[-1])),
    st.integers(18, 32),
)


@given(st.lists(networks, max_size=12))
def test_our_addresses_overlap_with_no_route_of_the_machine(routed: list[ipaddress.IPv4Network]) -> None:
    try:
        ours = free_block(routed)
    except OpsError:
        # Only a pool that is really full may refuse: twelve routes can touch every /21 when they are wide.
        assert all(any(block.overlaps(r) for r in routed) for block in POOL.subnets(new_prefix=21))
        return
    assert not any(ours.block.overlaps(network) for network in routed)


def test_the_parts_of_a_block_do_not_overlap_with_each_other() -> None:
    nets = Subnets(ipaddress.IPv4Network("10.213.8.0/21"))
    parts = [nets.wire, nets.bridge, nets.gateway, nets.others]
    assert not any(a.overlaps(b) for a in parts for b in parts if a is not b)
    assert ipaddress.IPv4Address(nets.host) in nets.wire
    assert ipaddress.IPv4Address(nets.engine) in nets.wire


def test_a_full_pool_is_a_sentence_with_a_cure() -> None:
    with pytest.raises(OpsError, match="already routed"):
        free_block([POOL])


SAVED = """*filter
:INPUT ACCEPT [1:2]
:FORWARD DROP [3:4]
:DOCKER-USER - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
[0:0] -A FORWARD -o docker0 -j ACCEPT
[5:6] -A FORWARD -s 192.168.7.0/24 -j ACCEPT
[0:0] -A FORWARD -s 10.213.9.4/32 -j ACCEPT
[0:0] -A FORWARD -s 10.213.200.4/32 -j ACCEPT
COMMIT
"""


def test_clean_takes_out_the_engines_rules_and_keeps_everybody_elses() -> None:
    cleaned = without_engine(SAVED, ipaddress.IPv4Network("10.213.8.0/21"), "ACCEPT")
    assert cleaned.splitlines() == [
        "*filter",
        ":INPUT ACCEPT [1:2]",
        ":FORWARD ACCEPT [3:4]",
        "[5:6] -A FORWARD -s 192.168.7.0/24 -j ACCEPT",
        "[0:0] -A FORWARD -s 10.213.200.4/32 -j ACCEPT",
        "COMMIT",
    ]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://localhost:2375", True),
        ("tcp://10.0.0.9:2376", False),
        ("ssh://ops@prod", False),
    ],
)
def test_only_an_engine_on_this_machine_will_do(url: str, local: bool) -> None:
    assert is_local(url) is local
