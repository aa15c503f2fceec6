"""The manifest for Kubernetes: it parses, its parts find each other, and what it runs are commands there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipeline.cli import build_parser

MANIFEST = Path(__file__).parents[2] / "pipeline" / "deploy" / "kubernetes-backfill.yaml"


@pytest.fixture(scope="module")
def parts():
    return {part["kind"]: part for part in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))}


def container(pod: dict) -> dict:
    (only,) = pod["spec"]["containers"]
    return only


def test_the_driver_runs_a_command_there_is_against_the_scheduler_of_the_cluster(parts):
    words = container(parts["Job"]["spec"]["template"])["args"]
    args = build_parser("*").parse_args(words[1:])
    cluster = parts["DaskCluster"]
    (port,) = cluster["spec"]["scheduler"]["service"]["ports"]
    assert args.command == "backfill"
    assert args.scheduler == f"tcp://{cluster['metadata']['name']}-scheduler:{port['port']}"


def test_only_the_cluster_and_the_driver_reach_the_scheduler(parts):
    name = parts["DaskCluster"]["metadata"]["name"]
    policy = parts["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"dask.org/cluster-name": name}
    allowed = [each["podSelector"]["matchLabels"] for each in policy["ingress"][0]["from"]]
    assert allowed == [{"dask.org/cluster-name": name}, parts["Job"]["spec"]["template"]["metadata"]["labels"]]
    assert parts["DaskCluster"]["spec"]["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == name


def test_all_run_the_same_image(parts):
    cluster = parts["DaskCluster"]["spec"]
    pods = [cluster["worker"], cluster["scheduler"], parts["Job"]["spec"]["template"]]
    assert len({container(pod)["image"] for pod in pods}) == 1
