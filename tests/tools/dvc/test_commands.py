import pytest

from stages.gan.common.errors import UserError
from stages.tools.dvc.commands import dvc


def test_a_command_gives_what_it_prints_and_a_failure_is_told_in_dvcs_words(tmp_path):
    assert dvc("--version", folder=tmp_path)[0].isdigit()
    with pytest.raises(UserError, match="`dvc status` failed: you are not inside of a DVC repo"):
        dvc("status", folder=tmp_path)
