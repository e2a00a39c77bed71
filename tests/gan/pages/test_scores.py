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
