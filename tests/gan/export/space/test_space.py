"""The app for hubs: what is written, and the app itself, started and asked."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from importlib import util

import numpy as np
import onnxruntime
import pytest
import yaml
from PIL import Image

from stages.gan.export import licences, onnx_files, space
from stages.gan.export.plain import as_plain
from tests.helpers.training.network import as_if_trained, describe

TERMS = licences.of_weights("bundled:digits", {})
TITLE = 'A "GAN" on 手写 digits'


def written(folder, title=TITLE, terms=TERMS):
    space.write(folder, title, terms)
    return folder / "space"


def front_of(readme):
    return yaml.safe_load(readme.split("---\n")[1])


def test_it_is_a_folder_that_a_hub_can_run(tmp_path):
    folder = written(tmp_path)
    names = {"README.md", "app.py", "requirements.txt", "ms_deploy.json"}
    assert {file.name for file in folder.iterdir()} == names
    program = (folder / "app.py").read_text(encoding="utf-8")
    compile(program, "app.py", "exec")
    assert "$" not in program
    assert json.dumps(TITLE, ensure_ascii=False) in program
    assert program.count("\n") < 60
    needed = set(re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE)) - {"pathlib"}
    listed = {line.split(">=")[0] for line in (folder / "requirements.txt").read_text().split()}
    assert {name.replace("PIL", "pillow") for name in needed} == listed


def test_the_program_has_the_style_of_the_project(tmp_path):
    file = written(tmp_path, "A title") / "app.py"
    for words in (["check", "--line-length=100"], ["format", "--line-length=100", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *words, str(file)], check=True)


def test_one_card_has_the_keys_of_both_hubs(tmp_path):
    folder = written(tmp_path)
    front = front_of((folder / "README.md").read_text(encoding="utf-8"))
    assert front["title"] == TITLE
    assert (front["sdk"], front["app_file"]) == ("gradio", "app.py")
    assert front["deployspec"] == {"entry_file": "app.py"}
    assert front["license"] == "apache-2.0"
    assert "license_name" not in front
    deploy = json.loads((folder / "ms_deploy.json").read_text())
    assert deploy["sdk_type"] == "gradio"
    assert deploy["sdk_version"] == front["sdk_version"]
    requirements = (folder / "requirements.txt").read_text()
    low, high = re.search(r"gradio>=([\d.]+),<(\d+)", requirements).groups()
    version = tuple(map(int, front["sdk_version"].split(".")))
    assert tuple(map(int, low.split("."))) <= version < (int(high),)


def test_the_terms_of_the_weights_are_told(tmp_path):
    terms = licences.of_weights("https://a.org/faces.zip", {})
    readme = (written(tmp_path, terms=terms) / "README.md").read_text(encoding="utf-8")
    assert front_of(readme)["license"] == "other"
    assert front_of(readme)["license_name"] == "unknown"
    assert terms.sentences in readme


@pytest.fixture(params=["mlp", "dcgan"])
def app(request, tmp_path):
    """A started app, one folder below its networks: its address and their folder."""
    if util.find_spec("gradio") is None:
        pytest.skip("needs Gradio: make space")
    shape = {"mlp": (1, 8, 8), "dcgan": (3, 16, 16)}[request.param]
    description = describe(request.param, image_shape=shape)
    generator, discriminator = as_plain(description, *as_if_trained(description))
    code, answers = (
        ("latent_code", (description.latent_size,)),
        {"logit": (1,), "probability": (1,)},
    )
    onnx_files.write(tmp_path / "generator.onnx", generator, "", code, {"image": shape})
    onnx_files.write(tmp_path / "discriminator.onnx", discriminator, "", ("image", shape), answers)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(tmp_path / "temporary"),
        "HF_HUB_OFFLINE": "1",
    }
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "app.py"]
        process = subprocess.Popen(
            command, cwd=written(tmp_path), env=environment, stdout=output, stderr=output
        )
    try:
        for _ in range(600):
            if "Running on" in log.read_text() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert "Running on" in log.read_text(), log.read_text()
        yield f"http://127.0.0.1:{port}", tmp_path
    finally:
        process.terminate()
        process.wait(30)


def in_onnxruntime(folder, name, values):
    session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
    return session.run(None, {session.get_inputs()[0].name: values.astype(np.float32)})


def as_pixels(images):
    return ((images + 1) * 127.5).round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def pixels_of(file, channels):
    with Image.open(file) as picture:
        shown = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    return shown.reshape(*shown.shape[:2], channels)


@pytest.mark.slow
def test_it_gives_what_onnx_runtime_gives(app, tmp_path):
    from gradio_client import Client, handle_file

    address, folder = app
    client = Client(address, verbose=False, analytics_enabled=False, download_files=str(folder))
    codes = np.stack([np.random.default_rng(seed).standard_normal(6) for seed in (3, 4, 5)])
    (images,) = in_onnxruntime(folder, "generator", codes)
    channels = images.shape[1]
    shown = client.predict(3, 3, api_name="/images")
    for one, expected in zip(shown, as_pixels(images), strict=True):
        assert np.abs(pixels_of(one["image"], channels) - expected.astype(int)).max() <= 1

    ends = [client.predict(3, 4, share, api_name="/walk") for share in (0, 1)]
    for one, expected in zip(ends, as_pixels(images[:2]), strict=True):
        assert np.abs(pixels_of(one, channels) - expected.astype(int)).max() <= 1
    same = client.predict(3, 3, 0.5, api_name="/walk")
    assert np.abs(pixels_of(same, channels) - pixels_of(ends[0], channels).astype(int)).max() <= 1
    halfway = pixels_of(client.predict(3, 4, 0.5, api_name="/walk"), channels)
    assert np.abs(halfway - pixels_of(ends[0], channels).astype(int)).max() > 1

    given, expected = a_picture(tmp_path / "given.png", images.shape[1:], folder)
    answer = client.predict(handle_file(given), api_name="/ask")
    assert [float(text) for text in answer] == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_browser_draws_and_asks(browser, app, tmp_path):
    address, folder = app
    discriminator = onnxruntime.InferenceSession(folder / "discriminator.onnx")
    given, expected = a_picture(
        tmp_path / "given.png", discriminator.get_inputs()[0].shape[1:], folder
    )
    page = browser.new_page()
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('.grid-wrap img').length === 25")
    assert page.title() == TITLE
    page.set_input_files("input[type=file]", given)
    answers = page.get_by_label("probability of being real"), page.get_by_label("logit")
    page.wait_for_function("document.querySelectorAll('textarea')[1].value !== ''")
    found = [float(answer.input_value()) for answer in answers]
    page.close()
    assert found == pytest.approx(expected, abs=1e-5)


def a_picture(file, shape, folder):
    """A picture of noise, and the probability and logit that ONNX Runtime gives for it."""
    channels, height, width = shape
    noise = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    batch = pixels.reshape(1, height, width, channels).transpose(0, 3, 1, 2) / 127.5 - 1
    logit, probability = in_onnxruntime(folder, "discriminator", batch)
    return file, [probability.item(), logit.item()]
