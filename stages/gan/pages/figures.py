"""Figures of matplotlib as PNG."""

import io

from matplotlib.figure import Figure


def png(figure: Figure) -> bytes:
    """The figure as PNG, without date or version: the same drawing gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
