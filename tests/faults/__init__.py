"""Injects faults into a tiny project, really runs its commands, and judges what it sees.

    python -m tests.faults [--full] [--seed N] [--only GROUP ...] [--table FILE]

Every fault ends in success or in one clear line; nothing is lost, left behind or written
elsewhere. `world` is where a fault happens, `trial` how one goes and how it is judged; each of
the modules of `groups` declares faults of one kind.
"""
