import platform
from importlib import metadata

from stages.tools.sweep import facts


def test_the_machine_is_named_in_one_line_with_mindspores_version():
    line = facts.trailer()
    assert line.startswith("Made-on: ")
    assert "\n" not in line
    assert line.endswith(f"MindSpore {metadata.version('mindspore')}")
    assert platform.machine() in line


def test_the_code_has_one_hash_as_long_as_it_stays(tmp_path, monkeypatch):
    first = facts.code()
    assert first == facts.code()
    (tmp_path / "a.py").write_text("1")
    monkeypatch.setattr(facts, "_CODE", (tmp_path,))
    second = facts.code()
    (tmp_path / "a.py").write_text("2")
    assert len({first, second, facts.code()}) == 3
