"""params.yaml as nobody should write it."""

from collections.abc import Callable
from functools import partial

from tests.faults.groups.pictures import becomes_folder, change
from tests.faults.trial import EITHER, ERROR, Fault, stage_trial
from tests.faults.world import World

GROUP = "params.yaml"
FILE = "params.yaml"


def put(place: str, text: str) -> Callable[[bytes], bytes]:
    """mnist's value of a key that occurs once in each data set, replaced as text."""

    def make(content: bytes) -> bytes:
        lines = content.decode().splitlines()
        at = next(n for n, line in enumerate(lines) if line.strip().startswith(f"{place}:"))
        lines[at] = lines[at].partition(":")[0] + f": {text}"
        return "\n".join(lines).encode()

    return make


def laughs(depth: int) -> str:
    """A list of nine lists of nine lists, and so on."""
    parts = ["&a0 [x,x,x,x,x,x,x,x,x]"]
    parts += [f"&a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, depth)]
    return f"[{', '.join(parts)}]"


def faults() -> list[Fault]:
    """All faults of this kind."""
    bomb = laughs(14)
    contents: dict[str, Callable[[bytes], bytes]] = {
        "empty": lambda c: b"",
        "cut": lambda c: c[: len(c) // 2],
        "binary": lambda c: bytes(range(256)),
        "zero bytes": lambda c: bytes(1000),
        "Latin-1": lambda c: c + "# größe".encode("latin-1"),
        "UTF-16": lambda c: b"\xff\xfe" + c.decode().encode("utf-16-le") + b"\0",
        "a list": lambda c: b"[1, 2]",
        "a text": lambda c: b"hello",
        "tabs": lambda c: c.replace(b"  ", b"\t"),
        "conflict markers": lambda c: b"<<<<<<< HEAD\n" + c + b"=======\n>>>>>>> other\n",
        "nested 20,000 times": lambda c: c + b"x: " + b"[" * 20_000 + b"]" * 20_000,
        "alias bomb as a value": put("timeout", bomb),
        "alias bomb as a list": put("sources", bomb),
        "alias bomb as a mapping": put("sha256", f"{{x: {bomb}}}"),
        "alias bomb as data sets": lambda c: f"datasets: {bomb}".encode(),
        "alias bomb as a data set": lambda c: (
            f"datasets: {{mnist: {bomb}}}\n".encode() + c[c.index(b"mnist:\n") :]
        ),
        "list that holds itself": put("timeout", "&me [*me]"),
        "mapping that holds itself": put("timeout", "&me {me: *me}"),
        "section that holds itself": lambda c: b"datasets: &me {mnist: *me}\nmnist: *me\n",
        "impossible date": put("timeout", "2024-99-99"),
        "number of 10,000 digits": put("timeout", "9" * 10_000),
        "text of a million letters": put("timeout", "x" * 1_000_000),
        "Python object": put("timeout", "!!python/object/apply:os.system ['touch escaped']"),
        "unknown alias": put("timeout", "*nothing"),
        "unhashable key": put("timeout", "{[1]: 2}"),
        "binary value": put("timeout", "!!binary AAAA"),
        "set": put("timeout", "!!set {a, b}"),
        "no datasets": lambda c: c.replace(b"datasets:", b"dataset:"),
        "datasets null": lambda c: b"datasets: null\n",
        "data set null": lambda c: b"datasets: {mnist: null}\nmnist: null\n",
        "data set a number": lambda c: b"datasets: {mnist: 5}\nmnist: 5\n",
        "unknown format": lambda c: c.replace(b"format: idx", b"format: ../../etc"),
        "NaN": put("timeout", ".nan"),
        "infinity": put("timeout", ".inf"),
        "1e400": put("timeout", "1e400"),
        "-1": put("timeout", "-1"),
        "true": put("timeout", "true"),
        "null": put("timeout", "null"),
        "2^70 images": put("maximum_images", "1180591620717411303424"),
        "image_size 0": put("image_size", "0"),
        "image_size 10^9": put("image_size", "1000000000"),
        "unknown key": put("timeout", "5\n    tiemout: 5"),
        "missing key": lambda c: c.replace(b"    timeout: 15\n", b"", 1),
        "keys that are numbers": put("timeout", "{1: 2, null: 3}"),
    }
    rows: list[tuple[str, Callable[[World], None], frozenset]] = [
        (name, partial(change, FILE, make), ERROR) for name, make in contents.items()
    ]
    rows.append(("given twice", partial(change, FILE, lambda c: c + c), EITHER))
    rows.append(("UTF-8 with a mark", partial(change, FILE, lambda c: b"\xef\xbb\xbf" + c), EITHER))
    rows.append(
        ("Windows line ends", partial(change, FILE, lambda c: c.replace(b"\n", b"\r\n")), EITHER)
    )
    rows.append(("folder instead", partial(becomes_folder, FILE), ERROR))
    rows.append(("missing", lambda world: (world.project / FILE).unlink(), ERROR))
    return [
        Fault(GROUP, name, stage_trial("mnist", "preprocess", spoil, may=may))
        for name, spoil, may in rows
    ]
