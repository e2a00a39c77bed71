import re

import pytest
import yaml

from stages.gan.common.language import speaking
from stages.gan.common.yaml_files import flat
from stages.gan.evaluation.critic import two_sample
from stages.gan.evaluation.quality import measuring
from stages.gan.export import licences, model_card
from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.gan.params import choices
from tests.helpers.data import load_params
from tests.helpers.project import ROOT
from tests.helpers.texts.chinese import english_left, is_chinese
from tests.helpers.training.network import describe

MNIST = {"train-images-idx3-ubyte": licences.MNIST}


def score(value):
    return {"value": value, "error": 0.5, "floor": 0.25, "floor_error": None}


def facts(tmp_path, kind="mlp", scored=True, sha256=None, source="bundled:digits", **others):
    term = {"value": 1.23456, "equilibrium": 1.3862943, "distance": 0.15}
    value = 3.14159 if scored else None
    content = {
        "dataset": "flowers",
        "title": "A GAN on flowers",
        "description": describe(kind),
        "averaged": False,
        "chosen": None,
        "prepared": {
            "source": source,
            "bundled": source.startswith("bundled:"),
            "counts": {"train": 1234, "test": 56},
            "rejected": {},
        },
        "source": {"sha256": sha256 or {"images": "ab" * 32}},
        "evaluate": {
            "samples": 56,
            "accuracy": 0.75,
            "bce": {"discriminator": term, "generator": term},
            "quality": {name: score(value) for name in measuring.NAMES},
            "critic": {name: score(value) for name in two_sample.NAMES},
            "judge": {"sha256": "cd" * 32, "accuracy": 0.9, "task": "labels"},
        },
        "train": {"steps": 6000, "epochs": 13, "went_on_from": None},
        "verdict": {"name": "near equilibrium", "seen": "S", "meaning": "What it means."},
        "params": flat(load_params(tmp_path, "mnist").train.model_dump(mode="json")),
    }
    return model_card.Facts(**{**content, **others})


def front_of(card):
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def test_the_front_matter_has_what_hugging_face_reads(tmp_path):
    front = front_of(model_card.write(facts(tmp_path)))
    assert front["license"] == "apache-2.0"  # the project's own, as the digits' one allows
    assert "license_name" not in front
    assert front["library_name"] == "onnx"
    assert {"gan", "mlp", "onnx", "mindspore"} <= set(front["tags"])
    (model,) = front["model-index"]
    (result,) = model["results"]
    assert result["dataset"] == {"name": "flowers", "type": "bundled:digits"}
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert list(values) == front["metrics"]
    critics = [f"critic_{name}" for name in two_sample.NAMES]
    assert list(values) == [*measuring.NAMES, *critics, "discriminator_bce"]
    assert values["frechet_distance"] == 3.142
    assert values["critic_accuracy"] == 3.142
    assert values["discriminator_bce"] == 1.235


def test_the_card_says_which_epoch_was_chosen(tmp_path):
    last = model_card.write(facts(tmp_path))
    assert "6,000 steps in 13 epochs.\n" in last
    best = model_card.write(facts(tmp_path, chosen=7))
    assert "in 13 epochs. The networks are those of epoch 7: of all checkpoints" in best


def test_the_front_matter_has_modelscopes_keys_too(tmp_path):
    front = front_of(model_card.write(facts(tmp_path)))
    assert front["frameworks"] == ["onnx", "mindspore"]
    assert front["domain"] == ["cv"]
    assert front["tasks"] == ["other"]


def test_data_params_scores_and_verdict_are_told(tmp_path):
    card = model_card.write(facts(tmp_path))
    assert "1,234 images to train on, 56 held out" in card
    assert "**Not the real data.**" in card
    assert f"- sha256 of `images`: `{'ab' * 32}`" in card
    assert "6,000 steps in 13 epochs." in card
    assert "**near equilibrium**. Seen: S. What it means." in card
    assert f"**{headline.line('near equilibrium', facts(tmp_path).evaluate)}**" in card
    for row in (
        "| `learning_rate` | 0.0002 |",
        "| `generator.widths` | [128, 256, 512, 1024] |",
        "| `max_steps` | 6000 |",
        "| Frechet distance (FID, in the judge's features) | 3.142 | 0.5 | 0.25 |  | lower |",
        "| kernel distance (KID) | 3.142 | 0.5 | 0.25 |  | lower |",
        "| memorisation | 3.142 | 0.5 | 0.25 |  | near the floor |",
    ):
        assert row in card
    assert "cross-entropy is 1.2346 nats" in card
    assert "(1.3863 at equilibrium)" in card


def test_the_table_leaves_no_measure_out(tmp_path):
    card = model_card.write(facts(tmp_path))
    rows = card[card.index("| measure |") :].split("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [
        f"| {measure.full_name}" for measure in measures.ALWAYS
    ]
    assert len(rows) == len(measuring.NAMES) + len(two_sample.NAMES)


def test_the_fields_own_names_and_what_they_are_not_are_told(tmp_path):
    card = " ".join(model_card.write(facts(tmp_path, averaged=True)).split())
    for words in ("(FID", "(KID)", "two-sample test", "(EMA)", "not the scale of Inception's FID"):
        assert words in card


def test_what_does_not_apply_is_not_said(tmp_path):
    card = model_card.write(facts(tmp_path, source="https://example.org/a.zip"))
    assert "Not the real data" not in card
    assert "moving average" not in card
    assert "beginning with" not in card
    assert "rejected" not in card


def test_what_applies_is_said(tmp_path):
    before = {"steps": 5, "epochs": 1, "went_on_from": {"epoch": 7, "step": 99}}
    given = facts(tmp_path, averaged=True, train=before)
    given.prepared["rejected"].update({"a.jpg": "cut", "b.jpg": "cut"})
    card = model_card.write(given)
    assert "moving average (EMA) of its weights" in card
    assert "beginning with a checkpoint of epoch 7, step 99" in card
    assert "2 files rejected as damaged" in card


def test_too_few_images_are_told(tmp_path):
    card = model_card.write(facts(tmp_path, scored=False))
    assert "56 held-out images were too few to score." in card
    assert front_of(card)["metrics"] == ["discriminator_bce"]
    assert "None" not in card


@pytest.mark.parametrize(
    ("kind", "shape", "words"),
    [
        ("mlp", (1, 28, 28), "a grey image of 28 x 28"),
        ("dcgan", (3, 64, 32), "a colour image of 32 x 64"),
    ],
)
def test_sizes_are_those_of_the_networks(tmp_path, kind, shape, words):
    card = model_card.write(facts(tmp_path, description=describe(kind, image_shape=shape)))
    assert words in card
    assert f"(N, {', '.join(map(str, shape))})" in card
    assert "standard_normal((25, 6)" in card


@pytest.mark.parametrize("kind", choices.NETWORKS)
def test_each_kind_of_network_is_named(tmp_path, kind):
    card = model_card.write(facts(tmp_path, kind))
    assert f"network of two {choices.NETWORKS[kind].words}: a generator" in card
    assert kind in front_of(card)["tags"]


@pytest.mark.parametrize(
    ("source", "sha256", "identifier", "words"),
    [
        ("https://a.org/MNIST.zip", MNIST, "other", "Attribution-Share Alike 3.0"),
        ("my-folder", MNIST, "other", "Attribution-Share Alike 3.0"),
        ("bundled:digits", {}, "apache-2.0", "CC BY 4.0"),
        ("bundled:avatars", {}, "apache-2.0", "a program of this project drew the faces"),
        ("https://a.org/faces.zip", {}, "other", "knows no licence of `https://a.org/faces.zip`"),
    ],
)
def test_what_holds_for_weights_by_what_they_were_trained_on(source, sha256, identifier, words):
    terms = licences.of_weights(source, sha256)
    assert terms.identifier == identifier
    assert bool(terms.name) == (identifier == "other")  # which Hugging Face asks for
    assert "under Apache-2.0" in terms.sentences
    assert words in terms.sentences


def test_the_project_has_the_licence_that_is_named():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0" in text
    project = (ROOT / "pyproject.toml").read_text()
    assert f'license = "{licences.CODE}"' in project


def test_mnist_is_known_by_its_content_alone(tmp_path):
    assert front_of(model_card.write(facts(tmp_path, sha256=MNIST)))["datasets"] == ["ylecun/mnist"]
    assert "datasets" not in front_of(model_card.write(facts(tmp_path)))


def test_the_hash_of_mnist_is_that_of_params_yaml(tmp_path):
    known = load_params(tmp_path, "mnist").download.sha256
    assert licences.is_mnist(known)


def test_no_day_and_no_path_is_in_it(tmp_path):
    card = model_card.write(facts(tmp_path))
    assert str(tmp_path) not in card
    assert not re.search(r"20\d\d-\d\d-\d\d", card)


def test_the_card_is_in_the_language_now_spoken_and_its_yaml_is_not(tmp_path):
    verdict = {"name": "near equilibrium", "seen": "D(x) 0.512", "meaning": ""}
    given = facts(tmp_path, averaged=True, verdict=verdict, source="https://example.org/a.zip")
    english = model_card.write(given)
    with speaking("zh"):
        chinese = model_card.write(given)
    assert front_of(chinese) == front_of(english)
    body = chinese.split("---\n", 2)[2]
    plain = re.sub(r"```.*?```", "", body, flags=re.DOTALL)
    assert english_left(re.sub(r"`[^`]*`", "", plain)) == []
    for words in (
        "## 用法",
        "## 许可",
        "训练的诊断：**接近均衡**。依据：D(x) 为 0.512。",
        "本项目不知道 `https://example.org/a.zip` 采用什么许可",
        "| 记忆程度 | 3.142 |",
    ):
        assert words in body
    # The code to be copied is the same, and so is each number of the table.
    code = [re.findall(r"```.*?```", card, re.DOTALL) for card in (english, chinese)]
    assert code[0] == code[1]
    tables = [re.findall(r"\| ([\d.e-]+) \|", card) for card in (english, chinese)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("source", ["bundled:digits", "bundled:avatars", "elsewhere"])
def test_the_terms_are_told_in_either_language(source):
    terms = licences.of_weights(source, {})
    with speaking("zh"):
        assert is_chinese(terms.sentences)
        assert not english_left(
            terms.sentences.replace("Optical Recognition of Handwritten Digits", "")
        )
    assert terms.sentences.startswith("The code that made these files is under Apache-2.0.")


@pytest.mark.parametrize("loss", ["bce", "rpgan"])
def test_of_a_loss_of_pairs_the_card_says_that_a_single_probability_means_nothing(tmp_path, loss):
    params = flat(load_params(tmp_path, "mnist", mnist__train__loss=loss).train.model_dump())
    card = model_card.write(facts(tmp_path, params=params))
    assert ("trained on pairs" in card) == (loss == "rpgan")
