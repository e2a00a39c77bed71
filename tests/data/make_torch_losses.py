"""PyTorch's own losses on fixed numbers, as JSON: python tests/make_torch_losses.py > FILE.

What it prints is kept in tests/data/torch_losses.json, so that the tests need no PyTorch.
Everything is float64.
"""

import json
import sys
from itertools import product

LOGITS = [-9.0, -4.5, -1.0, -0.25, 0.0, 0.5, 2.0, 6.0, 8.75]
REDUCTIONS = ("mean", "sum", "none")
SCORES = [[0.2, -1.5, 3.0], [12.0, 0.0, -7.0], [-0.3, -0.2, -0.1], [1.0, 1.0, 1.0]]
LABELS = [[2, 1, 0, 1], [0, 2, 2, 0], [2, -100, 0, -100]]
CLASS_WEIGHTS = [None, [0.5, 2.0, 1.25]]


def values() -> dict:
    """Every case with PyTorch's value and the gradient of its sum."""
    # Not above: pytest imports each file here for its examples, PyTorch installed or not.
    import torch
    from torch import nn

    logits = torch.tensor(LOGITS, dtype=torch.float64)

    def case(about: dict, loss, inputs: torch.Tensor) -> dict:
        inputs = inputs.clone().requires_grad_()
        value = loss(inputs)
        value.sum().backward()
        return {**about, "value": value.tolist(), "gradient": inputs.grad.tolist()}

    def full(target: float) -> torch.Tensor:
        return torch.full_like(logits, target)

    adversarial = []
    for reduction, smoothing, pos_weight, weight, term in product(
        REDUCTIONS, (0.0, 0.1), (1.0, 2.5), (1.0, 0.5), ("real", "fake", "generator")
    ):
        target = {"real": 1.0 - smoothing, "fake": 0.0, "generator": 1.0}[term]
        weights = full(weight)
        with_logits = nn.BCEWithLogitsLoss(
            weight=weights,
            pos_weight=torch.tensor(pos_weight, dtype=torch.float64),
            reduction=reduction,
        )
        options = {
            "reduction": reduction, "weight": weight,
            "pos_weight": pos_weight, "label_smoothing": smoothing,
        }  # fmt: skip
        about = {"term": term, "options": options}
        # PyTorch's BCELoss has no pos_weight and its SoftMarginLoss no option at all, so ours of
        # these kinds are compared with the third, too.
        adversarial.append(
            case(
                {
                    "ours": ["bce", "bce_with_logits", "softplus"],
                    "torch": "BCEWithLogitsLoss",
                    **about,
                },
                lambda s, loss=with_logits, y=target: loss(s, full(y)),
                logits,
            )
        )
        if pos_weight == 1.0:
            plain = nn.BCELoss(weight=weights, reduction=reduction)
            adversarial.append(
                case(
                    {"ours": ["bce"], "torch": "BCELoss", **about},
                    lambda s, loss=plain, y=target: loss(torch.sigmoid(s), full(y)),
                    logits,
                )
            )
        if pos_weight == 1.0 and weight == 1.0:
            squares = nn.MSELoss(reduction=reduction)
            adversarial.append(
                case(
                    {"ours": ["mse"], "torch": "MSELoss", **about},
                    lambda s, loss=squares, y=target: loss(torch.sigmoid(s), full(y)),
                    logits,
                )
            )
            if smoothing == 0.0:
                margin = nn.SoftMarginLoss(reduction=reduction)
                adversarial.append(
                    case(
                        {"ours": ["softplus"], "torch": "SoftMarginLoss", **about},
                        lambda s, loss=margin, y=target: loss(s, full(2 * y - 1)),
                        logits,
                    )
                )

    scores = torch.tensor(SCORES, dtype=torch.float64)
    classifier = []
    for reduction, weights, labels, ignored in product(
        REDUCTIONS, CLASS_WEIGHTS, LABELS, (-100, 0)
    ):
        if ignored == 0 and -100 in labels:
            continue
        settings = {
            "weight": None if weights is None else torch.tensor(weights, dtype=torch.float64),
            "ignore_index": ignored,
            "reduction": reduction,
        }
        about = {
            "labels": labels, "class_weights": weights,
            "ignore_index": ignored, "reduction": reduction,
        }  # fmt: skip
        chosen = torch.tensor(labels)
        for name, inputs in (
            ("CrossEntropyLoss", scores),
            ("NLLLoss", torch.log_softmax(scores, dim=1)),
        ):
            loss = getattr(nn, name)(**settings)
            classifier.append(
                case({"torch": name, **about}, lambda s, f=loss, y=chosen: f(s, y), inputs)
            )
    return {
        "logits": LOGITS, "scores": SCORES, "adversarial": adversarial, "classifier": classifier
    }  # fmt: skip


def text(content: dict) -> str:
    """A line a case, so that a change shows as one."""
    lines = [
        f"{json.dumps(key)}: "
        + (
            "[\n" + ",\n".join(json.dumps(case) for case in part) + "\n]"
            if isinstance(part[0], dict)
            else json.dumps(part)
        )
        for key, part in content.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.stdout.write(text(values()))
