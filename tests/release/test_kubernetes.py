"""The manifests for Kubernetes, held against its own schemas; wants a package index, so a release is tried with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from tests.project.outside import run
from tests.project.tree import ROOT

pytestmark = pytest.mark.servers

VERSION = "1.34"
"""Of Kubernetes, whose schemas are asked."""


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "pipeline" / "deploy").glob("kubernetes*.yaml"))])
def test_the_schemas_of_kubernetes_find_nothing_wrong(name, tmp_path):
    """DaskCluster is the operator's own kind, of which Kubernetes has no schema."""
    plain = [
        part
        for part in yaml.safe_load_all((ROOT / "pipeline" / "deploy" / name).read_text(encoding="utf-8"))
        if part["kind"] != "DaskCluster"
    ]
    file = tmp_path / name
    file.write_text(yaml.dump_all(plain), encoding="utf-8")
    uv = Path(sys.executable).with_name("uv")
    done = run(uv, "tool", "run", "kubernetes-validate", "--strict", "-k", VERSION, file, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count("passed for resource") == len(plain)
