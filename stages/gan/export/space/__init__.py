"""A small Gradio app on the ONNX files, for Spaces of Hugging Face and studios of ModelScope.

Both hubs read the same README.md: each ignores the keys of the other in its block of YAML.
Hugging Face's keys: https://huggingface.co/docs/hub/spaces-config-reference. ModelScope's keys are
domain and deployspec. Its quick way to create a studio reads ms_deploy.json:
https://modelscope.cn/api/v1/studios/deploy_schema.json.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from stages.gan.common.language import ENGLISH, speaking
from stages.gan.export.licences import Terms

_FOLDER = Path(__file__).parent
NAME = "space"
# A version of Gradio that both hubs have.
_GRADIO = "6.2.0"
_MODELSCOPE = {
    "$schema": "https://modelscope.cn/api/v1/studios/deploy_schema.json",
    "sdk_type": "gradio",
    "sdk_version": _GRADIO,
    "resource_configuration": "platform/2v-cpu-16g-mem",
}


def write(folder: Path, title: str, terms: Terms) -> None:
    """Write the app into a new folder `space`: app.py, requirements.txt, and what hubs read.

    The app is English in every language of the pages: hubs are read everywhere.

    Parameters
    ----------
    folder : Path
        The folder of the ONNX files. The app finds them there.
    title : str
    terms : Terms
        The licence of the weights.
    """
    with speaking(ENGLISH):
        readme = _readme(title, terms)
    space = folder / NAME
    space.mkdir()
    program = (_FOLDER / "app.py.txt").read_text(encoding="utf-8")
    texts = {
        "app.py": program.replace("$title", json.dumps(title, ensure_ascii=False)),
        "requirements.txt": (_FOLDER / "requirements.txt").read_text(encoding="utf-8"),
        "README.md": readme,
        "ms_deploy.json": json.dumps(_MODELSCOPE, indent=2) + "\n",
    }
    for name, text in texts.items():
        (space / name).write_text(text, encoding="utf-8", newline="\n")


def _readme(title: str, terms: Terms) -> str:
    front: dict[str, Any] = {
        "title": title,
        "emoji": "🎲",
        "colorFrom": "blue",
        "colorTo": "yellow",
        "sdk": "gradio",
        "sdk_version": _GRADIO,
        "python_version": "3.11",
        "app_file": "app.py",
        "license": terms.identifier,
        **({"license_name": terms.name} if terms.name else {}),
        "tags": ["gan", "onnx", "mindspore"],
        "domain": ["cv"],
        "deployspec": {"entry_file": "app.py"},
    }
    block = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)
    text = (_FOLDER / "readme.txt").read_text(encoding="utf-8")
    return f"---\n{block}---\n\n# {title}\n\n{text}\n{terms.sentences}\n"
