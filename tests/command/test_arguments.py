import argparse
import gettext
import inspect
import os

import pytest

from stages.command import arguments
from stages.gan.common import language


@pytest.fixture
def said(capsys, monkeypatch):
    """What the parser of a command prints for some arguments, in a language."""

    def of(spoken, *given):
        monkeypatch.setenv(language.VARIABLE, spoken)
        parser = arguments.argument_parser()
        parser.prog = "make"
        parser.add_argument("dataset")
        parser.add_argument("--count", type=int)
        with pytest.raises(SystemExit):
            parser.parse_args(given)
        captured = capsys.readouterr()
        return captured.out + captured.err

    return of


def test_help_is_in_the_terminals_language(said):
    assert "show this help message and exit" in said("en", "--help")
    assert "显示本帮助并退出" in said("zh", "--help")


def test_errors_are_in_the_terminals_language(said):
    assert said("en").endswith("make: error: the following arguments are required: dataset\n")
    assert said("zh").endswith("make：错误：缺少参数：dataset\n")
    assert "'x' 不是有效的 int 值" in said("zh", "mnist", "--count", "x")


def test_errors_that_a_command_finds_itself_are_too(said, capsys, monkeypatch):
    monkeypatch.setenv(language.VARIABLE, "zh")
    with pytest.raises(SystemExit):
        arguments.argument_parser().error("--count")
    assert "错误：--count" in capsys.readouterr().err


def test_programs_that_are_started_later_are_not_told_of_the_language(said, monkeypatch):
    monkeypatch.delenv("LANGUAGE", raising=False)
    said("zh", "--help")
    assert "LANGUAGE" not in os.environ
    assert gettext.textdomain() == "messages"
    monkeypatch.setenv("LANGUAGE", "de")
    said("zh", "--help")
    assert os.environ["LANGUAGE"] == "de"


@pytest.mark.parametrize("words", arguments.WORDS)
def test_all_words_are_argparses_own(words):
    assert repr(words) in inspect.getsource(argparse)
