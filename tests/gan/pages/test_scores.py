from stages.gan.measures import table as measures
from stages.gan.pages import scores
from stages.gan.pages.charts import error_bars


def test_a_table_has_a_row_for_every_measure_of_its_section():
    found = {
        measure.key: {"value": place, "error": 0.1, "floor": 0.5, "floor_error": None}
        for place, measure in enumerate(measures.QUALITY)
    }
    rows = scores.score_table(measures.QUALITY, found)
    assert [(row["name"], row["sentence"]) for row in rows] == [
        (measure.name, measure.sentence) for measure in measures.QUALITY
    ]
    for row, score in zip(rows, found.values(), strict=True):
        assert {key: row[key] for key in score} == score
        assert row["drawing"] == error_bars.draw(**score)


def test_what_has_no_value_has_no_drawing():
    nothing = {"value": None, "error": None, "floor": None, "floor_error": None}
    found = dict.fromkeys((measure.key for measure in measures.CRITIC), nothing)
    assert {row["drawing"] for row in scores.score_table(measures.CRITIC, found)} == {""}


def score(value, floor=0.0, error=0.01):
    return {"value": value, "error": error, "floor": floor, "floor_error": 0.01}


def played(d_gain=0.0, near=0.0, eigenvalues=((5.0, 0.0),)):
    """The part of scores.json that the section about the game needs."""
    found = {measure.key: score(1.0) for measure in measures.GAME}
    found |= {"discriminator_gain": score(d_gain), "proximal_gap": score(near)}
    found["turning"] = {"rotation": {"value": 0.44, "error": 0.01}, "eigenvalues": eigenvalues}
    return {"game": found, "training_loss": {"discriminator": {"value": 1.2, "equilibrium": 1.386}}}


def test_the_section_about_the_game_is_there_only_where_it_was_played():
    assert scores.of_game({"training_loss": {}}) == {}
    section = scores.of_game(played())
    assert [row["name"] for row in section["rows"]] == [each.name for each in measures.GAME]
    assert "<svg" in section["drawing"]


def test_the_sentence_about_the_game_says_who_could_gain():
    for changes, words in (
        ({}, "the searches found no way"),
        ({"d_gain": 0.02}, "the searches found no way"),  # within two errors
        ({"d_gain": 0.5, "near": 0.6}, "D alone could still gain 0.5"),
        ({"near": 0.6}, "The proximal gap is 0.6"),
    ):
        assert words in scores.of_game(played(**changes))["sentence"]


def test_the_eigenvalue_that_turns_most_is_told():
    pairs = [(300.0, 0.0), (8.7, 21.0), (8.7, -21.0), (-20.0, 0.5)]
    told = scores.of_game(played(eigenvalues=pairs))["turning"]
    assert "44% of it is rotation" in told
    assert "8.7 ± 21i turns most" in told
    assert "The leading eigenvalues are real" in scores.of_game(played())["turning"]


def test_a_pair_that_nothing_moves_has_no_share_of_rotation():
    found = played()
    found["game"]["turning"] = {
        "rotation": {"value": None, "error": None}, "eigenvalues": [[0.0, 0.0]]
    }  # fmt: skip
    assert scores.of_game(found)["turning"].endswith("as with dead ReLUs, nothing moves.")
