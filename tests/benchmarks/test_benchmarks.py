"""Measurements are run by hand: that they no longer fit the library could stay unseen."""

import pytest

from tests.helpers.project import ROOT, Project

MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "benchmarks").rglob("*.py")
    if file.name not in ("__init__.py", "__main__.py")
)


@pytest.mark.parametrize("module", MODULES)
def test_a_measurement_can_be_imported(module):
    Project(ROOT).run("python", "-c", f"import {module}")
