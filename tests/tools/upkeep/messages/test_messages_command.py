import sys

from stages.tools.upkeep.messages import __main__ as command
from stages.tools.upkeep.messages import catalogues
from tests.helpers.data import message_of


def test_it_updates_the_catalogues_and_names_what_is_left(tmp_path, monkeypatch, capsys):
    stages = tmp_path / "stages"
    stages.mkdir()
    (stages / "command.py").write_text('_("six {a}")\n_(name)\n')
    monkeypatch.setattr(catalogues, "STAGES", stages)
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    monkeypatch.setattr(catalogues, "FOLDER", stages / "languages")
    monkeypatch.setattr(sys, "argv", ["messages"])
    assert message_of(command.main) == "2 messages need a translator, or another form"
    said = capsys.readouterr().out
    assert "no translation" in said
    assert "takes a literal text only" in said
    file = catalogues.file("zh", "terminal")
    text = file.read_text("utf-8").replace('msgstr ""', 'msgstr "六 {a}"')
    assert '"六 {a}"' in text


def test_without_babel_one_line_says_where_it_is_from(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["messages"])
    for name in [name for name in sys.modules if name.startswith("stages.tools.upkeep.messages.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "babel", None)
    for name in [name for name in sys.modules if name.startswith("babel.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr("stages.tools.upkeep.messages.catalogues", raising=False)
    assert message_of(command.main) == "Babel is missing: it comes with the extra `tests`"
