"""The page of a run as one self-contained HTML file, drawn from its record alone; the same bytes each time."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from shared import layers
from shared.measure.noise import CANARY, STEAL, SWITCHES
from shared.processes.system import to_copy
from shared.record.schema import Record
from shared.report import budget, tables
from shared.report.answer import answer
from shared.report.page import gallery, steps
from shared.report.page.charts import Chart, charts
from shared.report.page.colours import looks
from shared.report.page.columns import Reading, of_record
from shared.report.summary import pairs, rows

TEMPLATES: Final = Path(__file__).parent / "templates"
KINDS: Final = tuple(kind.kind for kind in layers.KINDS)
"""The kinds of layers, as the notation of a network names them; it does not name a dense one."""


def environment() -> Environment:
    """Return the environment of the templates; all text from elsewhere is escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(template: str, **context: Any) -> str:
    """Return a page with its style and its script; the browser may run no other script."""
    sort, walk, style = ((TEMPLATES / n).read_text(encoding="utf-8") for n in ("sort.js", "steps.js", "style.css"))
    script = f"{sort}\n{walk}"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    page = environment().get_template(template)
    return page.render(script=Markup(script), style=Markup(style), script_hash=f"sha256-{digest}", **context) + "\n"


def read(reading: Reading, walk: steps.Pass | None = None) -> str:
    """Return a page with the implementations side by side and, of a run, one image's way through the network."""
    every = {"implementations": [column.name for column in reading.columns]}
    colours = {name: look.colour for name, look in looks(every | {"known": sorted(every["implementations"])}).items()}
    return rendered("read.html", reading=reading, walk=walk, colours=colours, kinds=KINDS)


def report(record: Record) -> tuple[str, dict[str, Chart]]:
    """Return the page of a run, and its figures by name."""
    found, compared, document = rows(record), pairs(record), tables.document(record)
    drawn = charts(record, found)
    page = rendered(
        "report.html",
        record=record,
        document=document,
        main=next(table for table in document.tables if table.kind == tables.MAIN),
        answer=answer(record, found, compared),
        colours={name: look.colour for name, look in looks(record).items()},
        charts=drawn,
        inline={name: Markup(chart.inline()) for name, chart in drawn.items()},
        times=[table for table in document.tables if table.kind == tables.TIMES],
        distances=[table for table in document.tables if table.kind in (tables.PAIRS, budget.GRADIENTS)],
        reading=of_record(record),
        kinds=kinds(record),
        gallery=record.get("gallery"),
        hard=gallery.images(record, "hard"),
        split=gallery.images(record, "split"),
        weights=gallery.weights(record),
        maps=gallery.maps(record),
        walk=steps.of(record),
        facts=facts(record),
        command=to_copy(["python", "compare.py", *record.get("command", ())]),
    )
    return page, drawn


def kinds(record: Record) -> list[str]:
    """Return the kinds of layers of the network, whose equations are shown."""
    dense, *named = KINDS
    return [dense, *(kind for kind in named if kind in record["network"]["title"])]


def facts(record: Record) -> dict[str, str]:
    """Return the conditions of the measurement: machine, versions, threads, seeds, data, noise."""
    machine, git, first = record["machine"], record["git"], record["training"]["seed"]
    memory = f", {machine['memory_bytes'] / 2**30:.0f} GiB" if "memory_bytes" in machine else ""
    cpus = f", {machine['logical_cpus']} logical CPUs" if "logical_cpus" in machine else ""
    revision = f"{git['revision']}{', with changes' * bool(git.get('changed'))}" if git else "unknown"
    found = {
        "Machine": f"{machine['cpu']}{cpus}{memory}; {machine.get('system', '')}".rstrip("; "),
        "Versions": _versions(record),
        "Threads": f"{record['threads']} requested; read back: {_threads(record)}",
        "Seeds": ", ".join(str(first + k) for k in range(record["rounds"])),
        "Order": "; ".join(f"round {k}: {', '.join(names)}" for k, names in enumerate(record.get("schedule", ()), 1)),
        "Data": record["dataset"]["title"],
        "sha256 of the data": record["dataset"].get("digest", ""),
        "Noise": _noise(record),
        "Code": revision,
        "Started": record["started"],
        "Ended": record["ended"] or "not yet",
    }
    return {name: text for name, text in found.items() if text}


def _versions(record: Record) -> str:
    """Return each version once, with the implementations that have it if they differ."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for sample in record["samples"]:
        for package, version in sample.get("versions", {}).items():
            found.setdefault((package, version), {})[sample["implementation"]] = None
    every = len({name for who in found.values() for name in who})
    packages = Counter(package for package, _ in found)
    return ", ".join(
        f"{package} {version}" + (f" ({', '.join(who)})" if packages[package] > 1 and len(who) < every else "")
        for (package, version), who in sorted(found.items())
    )


def _threads(record: Record) -> str:
    counted = Counter(f"{pool} {n}" for s in record["samples"] for pool, n in s.get("threads", {}).items())
    return ", ".join(sorted(counted)) or "none"


def _noise(record: Record) -> str:
    """Return the worst readings of the samples, and the limits for disturbed samples; only what the system reports."""
    noise: list[Mapping[str, Any]] = [s["noise"] for s in record["samples"] if "noise" in s]
    if not noise:
        return ""
    canaries = [seconds for n in noise for seconds in n["canary_seconds"]]
    stolen, switches = ([n[key] for n in noise if n[key] is not None] for key in ("steal", "switches_per_second"))
    parts = [
        f"canaries within a factor of {max(canaries) / min(canaries):.2f} (flagged above {CANARY:g} times the median)"
    ]
    if switches:
        parts.insert(
            0, f"at most {max(switches):.0f} involuntary context switches per second (flagged above {SWITCHES})"
        )
    if stolen:
        parts.insert(0, f"at most {100 * max(stolen):.1f} % of the CPU time stolen (flagged above {100 * STEAL:g} %)")
    return ", ".join(parts)
