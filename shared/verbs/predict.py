"""The verb `predict`: what every implementation makes of your own image of a digit."""

import argparse
import sys
from pathlib import Path

from shared.options import DEFAULT_EPOCHS, DEFAULTS
from shared.verbs.command import (
    Parser,
    add,
    data_options,
    load_data,
    output_options,
    print_document,
    run_folder,
    timeout_option,
)


def parser() -> Parser:
    """Return the parser of `predict`."""
    told = "Show what every implementation makes of your own images of a digit."
    p = Parser(prog="compare.py predict", description=told)
    p.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="PNG, JPEG or BMP: one digit, dark or light")
    p.add_argument("--show", action="store_true", help="print what the networks see: 28x28 grey levels")
    told = "the run whose trained parameters are used (default: the last; if there is none, NumPy trains in seconds)"
    p.add_argument("--run", type=run_folder, metavar="RUN", help=told)
    add(p, "-i", "--implementation", told="repeatable (default: those of the run)", action="append", metavar="NAME")
    timeout_option(p, "end an implementation that has no answer for so long", "2m")
    data_options(p)
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print the activations of every implementation for every image; 3 if one of the images cannot be used."""
    from shared.data import DataError, picture
    from shared.measure.plan import RESULTS, locate_all
    from shared.prediction import predict, train
    from shared.record import trained
    from shared.report import predict as report
    from shared.spec import TrainingSpec

    images, damaged = {}, 0
    for path in arguments.images:
        try:
            images[str(path)] = picture.read(path)
        except DataError as error:
            print(f"error: {error}", file=sys.stderr)
            damaged = 3
    if not images:
        return damaged
    asked = locate_all(arguments.implementation) if arguments.implementation else None
    folder = arguments.run or trained.last_run(RESULTS)
    if folder is not None:
        networks = trained.of_run(folder, asked)
    else:
        dataset = load_data(arguments)
        epochs = DEFAULT_EPOCHS["mnist" if dataset.name == "MNIST" else "digits"]
        networks = train(asked or locate_all(None), dataset, TrainingSpec(epochs=epochs, seed=DEFAULTS["seed"]))
    found = predict(networks, list(images.values()), arguments.timeout)
    if arguments.show and arguments.format == "table":
        for name, seen in images.items():
            print(f"{name}\n{report.sketch(seen)}\n")
    remarks = [*networks.remarks, *(f"{f.implementation}: {f.reason}" for f in found.failures)]
    heading = [str(networks.spec), networks.told]
    if found.activations:
        print_document(report.document(list(images), found.activations, heading, remarks), arguments.format)
    else:
        print(*remarks, sep="\n", file=sys.stderr)
    failed = [f for f in found.failures if f.kind != "not available" or arguments.implementation]
    return damaged or (1 if failed or not found.activations else 0)
