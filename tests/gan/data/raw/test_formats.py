from typing import get_args

import pytest

from stages.gan import params
from stages.gan.data.raw import formats


def test_names_are_those_that_params_allow():
    assert get_args(params.Kind.model_fields["format"].annotation) == formats.NAMES


@pytest.mark.parametrize("name", formats.NAMES)
def test_each_format_has_its_three_modules(name):
    raw = formats.module(name, "raw")
    assert callable(raw.gather)
    assert callable(raw.identities)
    assert raw.FILES
    assert raw.HASHED
    bundled = formats.module(name, "bundled")
    assert callable(bundled.make)
    assert bundled.NAME.startswith("bundled:")
    assert callable(formats.module(name, "reader").prepare)


@pytest.mark.parametrize("name", ["", "os", "..", "idx.raw"])
def test_unknown_format_is_refused(name):
    with pytest.raises(ValueError, match="choose one of idx, images"):
        formats.module(name, "raw")
