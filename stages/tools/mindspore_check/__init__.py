"""Facts about MindSpore on a CPU that surprise people, each checked on the installed version.

A module for each thing that people do holds the checks, one function for each fact; their headings
are those of docs/mindspore.md. `facts` says what a fact is, `running` runs them.

The checks do on purpose what the rest of this project must not do (see tests/test_mindspore.py).
"""
