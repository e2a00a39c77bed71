"""The table of losses and kinds of network is complete, and it is the only one."""

import ast
import subprocess
import sys

import pytest
import yaml

from stages.gan.params import choices
from tests.helpers.project import ROOT


def tables(page: str) -> list[list[dict[str, str]]]:
    """The tables of a page of documentation: their rows, cells by the names in the first row."""
    found: list[list[dict[str, str]]] = []
    names: list[str] = []
    file = ROOT / page
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            names = []
        elif not names:
            names = cells
            found.append([])
        elif not line.startswith("|---"):
            found[-1].append(dict(zip(names, cells, strict=True)))
    return found


def test_the_docs_tables_have_each_loss_with_its_options():
    of_losses = [
        table
        for page in ("README.md", "docs/losses.md")
        for table in tables(page)
        if table and "`train.loss`" in table[0]
    ]
    for table in of_losses:
        assert [row["`train.loss`"] for row in table] == [f"`{name}`" for name in choices.LOSSES]
    (options,) = [table for table in of_losses if "takes `pos_weight`" in table[0]]
    for loss, row in zip(choices.LOSSES.values(), options, strict=True):
        for option in choices.OPTIONS:
            assert row[f"takes `{option}`"] == ("yes" if loss.takes(option) else "no")


def test_the_docs_table_has_each_kind_of_network():
    (table,) = tables("docs/networks.md")
    assert [row["`network`"] for row in table] == [f"`{kind}`" for kind in choices.NETWORKS]


def test_the_titles_of_the_shipped_params_can_be_said_in_other_languages():
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    titles = [params[name]["report"]["title"] for name in params["datasets"]]
    assert titles == list(choices.TITLES)


def test_an_unknown_kind_names_the_known():
    with pytest.raises(ValueError, match=f"'mpl': choose one of {', '.join(choices.NETWORKS)}$"):
        choices.network("mpl")


@pytest.mark.parametrize("kind", choices.NETWORKS)
def test_each_kind_says_what_others_ask(kind):
    network = choices.network(kind)
    assert network.words
    assert 10**8 < network.memory < 10**11
    # A run that cannot recover is stopped within 100 steps: one that goes on shows more.
    assert network.collapse_steps > 100
    assert network.complaint((1, 64, 64), [8, 8], [8, 8]) == ""


@pytest.mark.parametrize(
    ("shape", "widths", "part"),
    [
        ((1, 8, 16), (2, 2), "images of 16 x 8 pixels must be square"),
        ((1, 60, 60), (4, 4), "valid is a multiple of 16 from 32 on"),
        ((1, 8, 8), (1, 3), "halved 3 times"),
        ((1, 8, 8), (3, 1), "valid is a multiple of 8 from 16 on"),
    ],
)
def test_a_side_that_cannot_be_halved_is_named_with_what_is_valid(shape, widths, part):
    assert part in choices.halved_side(shape, *([8] * count for count in widths))


def test_it_needs_no_mindspore():
    script = (
        "import sys; import stages.gan.params; import stages.tools.sweep.workers; "
        "sys.exit('mindspore' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_no_other_module_names_a_kind():
    # A dict by kind or an `if kind ==` would end in a KeyError, or in the wrong branch, for a
    # kind that is added later.
    found = {
        str(file.relative_to(ROOT))
        for file in (ROOT / "stages").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in choices.NETWORKS
    }
    assert found == {"stages/gan/params/choices.py"}
