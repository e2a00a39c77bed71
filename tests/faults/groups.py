"""The kinds of faults."""

from faults import (
    archives,
    clocks,
    disks,
    files,
    idx_files,
    pictures,
    pipelines,
    servers,
    settings,
    values,
)

# What takes long comes first, so that two workers end at about the same time.
GROUPS = (pipelines, values, disks, files, clocks, servers, pictures, idx_files, settings, archives)
