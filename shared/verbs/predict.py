"""The verb `predict`: the outputs of every implementation for your own images of digits."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shared.boundary import safe
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    options_of,
    output_options,
    print_document,
    progress,
    run_folder,
    timeout_option,
)

if TYPE_CHECKING:
    from shared.data.picture import Seen


def parser() -> Parser:
    """Return the parser of `predict`."""
    examples = {
        "docs/digits/seven.png": "the outputs, with the parameters of the last run",
        "mine.jpg --show -i pytorch": "the image as the network sees it, and PyTorch's answer",
    }
    p = Parser("predict", "Let every implementation classify your own images of a digit.", examples)
    p.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="PNG, JPEG or BMP: a digit, dark on light or the reverse"
    )
    p.add_argument("--show", action="store_true", help="print each image as the networks get it: 28x28 grey levels")
    source = "run whose trained parameters are used (default: the last; without one, NumPy is trained in seconds)"
    p.add_argument("--run", type=run_folder, metavar="RUN", help=source)
    add(p, "-i", "--implementation", help="repeatable (default: those of the run)", action="append", metavar="NAME")
    timeout_option(p, "stop an implementation that gives no answer within this time", "2m")
    data_options(p)
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the activations of every implementation for every image; exit code 3 if an image cannot be used."""
    from shared.api.own import classify
    from shared.report import predict as report

    images = _read(arguments.images)
    damaged = 3 if len(images) < len(set(map(str, arguments.images))) else 0
    if not images:
        return damaged
    names = tuple(arguments.implementation or ())
    found = classify(images, names, arguments.run, options_of(arguments), arguments.timeout, progress)
    if arguments.show and arguments.format == "table":
        for name, image in images.items():
            print(f"{name}\n{report.sketch(image.pixels)}\n")
    if found.activations:
        print_document(found.document, arguments.format)
    else:
        print(*found.document.remarks, sep="\n", file=sys.stderr)
    failed = [f for f in found.failures if f.kind != "not available" or arguments.implementation]
    return damaged or (1 if failed or not found.activations else 0)


def _read(paths: list[Path]) -> "dict[str, Seen]":
    """Return the images that can be used; print to stderr what is doubtful, and what is wrong with the others."""
    from shared.data import DataError, picture

    images = {}
    for path in paths:
        try:
            images[str(path)] = picture.read(path)
        except DataError as error:
            print(f"error: {safe(str(error))}", file=sys.stderr)
            continue
        for remark in images[str(path)].remarks:
            print(f"warning: {safe(str(path))}: {remark}", file=sys.stderr)
    return images
