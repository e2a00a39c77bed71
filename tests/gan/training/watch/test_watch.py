from dataclasses import replace

import numpy as np

from stages.gan.training.step.measures import MEASURES
from stages.gan.training.watch import watch
from tests.helpers.training.runs import set_up, small


def test_each_step_is_kept_with_its_diversity_and_a_failure_is_found(tmp_path):
    setup = set_up(small(tmp_path, epochs=10, max_steps=50))
    watching = watch.begun(setup.params.train, setup.data, setup.players, setup.codes)
    found = []

    def on_step(step, row):
        found.append(watching.look(step, row))

    for _ in setup.players.train(setup.data, replace(setup.plan, on_step=on_step)):
        pass
    assert found == [None] * 50
    column = watching.history.measures[:, MEASURES.index("diversity")]
    assert (np.flatnonzero(~np.isnan(column)) + 1).tolist() == [50]
    assert not watching.conclusion().fatal
    broken = np.full(len(MEASURES), np.nan, np.float32)
    assert watching.look(51, broken).name == "diverged"
