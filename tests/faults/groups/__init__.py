"""The kinds of faults."""

from tests.faults.groups import (
    archives,
    clocks,
    disks,
    files,
    idx_files,
    memory,
    pictures,
    pipelines,
    servers,
    settings,
    values,
)

# What takes long comes first, so that two workers end at about the same time.
GROUPS = (
    pipelines,
    memory,
    values,
    disks,
    files,
    clocks,
    servers,
    pictures,
    idx_files,
    settings,
    archives,
)
