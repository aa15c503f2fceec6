"""Poll and page on Kubernetes: the parts of the manifest find each other, are confined, and run commands there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.cli import build_parser
from pipeline.config import load_settings
from tests.project.tree import ROOT

DEPLOY = ROOT / "pipeline" / "deploy"
PARTS = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
USER = "10001"


def part(kind: str) -> dict:
    (only,) = [each for each in PARTS if each["kind"] == kind]
    return only


PODS = {"poll": part("CronJob")["spec"]["jobTemplate"]["spec"]["template"], "page": part("Deployment")["spec"]["template"]}


@pytest.mark.parametrize("role", PODS)
def test_a_pod_is_confined_and_runs_a_command_there_is(role):
    spec = PODS[role]["spec"]
    (container,) = spec["containers"]
    build_parser("*").parse_args(container["args"])
    assert str(spec["securityContext"]["runAsUser"]) == USER
    assert f"USER {USER}:{USER}" in (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("role", PODS)
def test_what_a_pod_mounts_is_there(role):
    spec = PODS[role]["spec"]
    (container,) = spec["containers"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert volumes["lake"]["persistentVolumeClaim"]["claimName"] == part("PersistentVolumeClaim")["metadata"]["name"]
    assert volumes["configuration"]["configMap"]["name"] == part("ConfigMap")["metadata"]["name"]


def test_the_configuration_loads_and_names_what_is_mounted(tmp_path):
    (name, text), *others = part("ConfigMap")["data"].items()
    assert others == []
    (tmp_path / name).write_text(text, encoding="utf-8")
    settings = load_settings(str(tmp_path / name))
    (poll,) = PODS["poll"]["spec"]["containers"]
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in poll["volumeMounts"]}
    assert Path(settings.lake.path).is_relative_to(mounts["lake"])
    assert Path(settings.mailbox[0].password_file).parent == mounts["secret"]
    assert {"name": "TLSRPT_CONFIG", "value": str(mounts["configuration"] / name)} in poll["env"]


def test_the_page_is_met_by_its_labels_and_the_poller_runs_beside_it():
    page = PODS["page"]["metadata"]["labels"]
    (beside,) = PODS["poll"]["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    for selector in (
        part("Deployment")["spec"]["selector"]["matchLabels"],
        part("Service")["spec"]["selector"],
        part("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        beside["labelSelector"]["matchLabels"],
    ):
        assert selector == page
    assert PODS["poll"]["metadata"]["labels"] != page
