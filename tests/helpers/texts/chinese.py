"""What a text in Chinese may hold, and what it may not."""

import html
import re
import unicodedata

# Names that stay as they are, in every language.
_KEPT = (
    "Adam|BCE|Caltech|Control|Ctrl|DCGAN|Discriminator|EMA|FID|GAN|Inception|JSD|JavaScript|KID|KL|"
    "LeakyReLU|MindIR|MindSpore|NLL|NaN|ONNX|ReLU|critic|dvc|float32|git|logit|nat|nats|p|preprocess|"
    "sigmoid|softmax|log|softplus|tanh|clip|wgan_gp|bce|mse|hinge|bce_with_logits"
)


def english_left(page: str) -> list[str]:
    """Runs of three or more English words on a page, outside code, pictures and scripts."""
    for element in ("script", "style", "code", "svg", "pre"):
        page = re.sub(rf"<{element}\b.*?</{element}>", " | ", page, flags=re.DOTALL)
    page = re.sub(r"data:image[^\"]*", "", page)
    shown = re.findall(r"(?:alt|title|aria-label)=\"([^\"]*)\"", page)
    text = html.unescape(" | ".join([re.sub(r"<[^>]*>", " | ", page), *shown]))
    text = re.sub(rf"\b(?:{_KEPT})\b", "|", text)
    return re.findall(r"\b[A-Za-z']+(?:[ ,]+[A-Za-z']+){2,}", text)


def strange_letters(text: str) -> list[str]:
    """Letters that matplotlib's own font may lack: neither Latin nor Greek."""
    return [
        letter
        for letter in text
        if letter.isalpha() and not unicodedata.name(letter).startswith(("LATIN", "GREEK"))
    ]


def is_chinese(text: str) -> bool:
    """Whether a text has a Chinese letter."""
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)
