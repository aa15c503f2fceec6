"""What the image and the compose file promise, as far as it can be seen without building: `make image` does the rest."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from pipeline.cli import build_parser
from tests.project.tree import ROOT

DEPLOY = ROOT / "pipeline" / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


def _volumes() -> list[str]:
    return re.findall(r"(?m)^VOLUME (.+)$", CONTAINERFILE)[0].split()


def test_it_runs_as_an_ordinary_user_and_its_base_is_an_argument():
    assert re.findall(r"(?m)^USER (\S+)$", CONTAINERFILE) == ["10001:10001"]
    assert set(re.findall(r"(?m)^FROM (\S+)", CONTAINERFILE)) == {"${BASE}"}


def test_the_extras_that_it_installs_are_extras():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (named,) = re.findall(r"tlsrpt-analytics\[(.*?)\]", CONTAINERFILE)
    assert set(named.split(",")) <= set(declared)


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_of_the_compose_file_is_confined_and_runs_a_command_that_exists(name):
    service = COMPOSE["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert set(service["volumes"]) <= {"lake:/var/lib/tlsrpt", "spool:/var/spool/tlsrpt"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    assert all(volume.split(":")[0] in COMPOSE["volumes"] and volume.split(":")[1] in _volumes() for volume in service["volumes"])
    build_parser(service["command"][0]).parse_args(service["command"])
