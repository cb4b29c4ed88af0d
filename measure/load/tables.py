"""The figures as tables for people, in Markdown."""

from collections.abc import Iterable
from typing import Final

from measure.load.fleet import FleetFigures
from measure.load.looks import MOST_MEDIAN_S, MOST_P99_MS, MOST_PAUSE_S, MOST_SPREAD, CameraFigures
from measure.load.memory_table import MOST_UNITS_A_SECOND

_PER_CENT: Final = 100
_HOURS_A_MONTH: Final = 720
_MILLION: Final = 1_000_000
Row = tuple[str, str, str]


def cameras_table(figures: CameraFigures) -> str:
    """Looks and delays, beside their limits and what the machine had left."""
    looks = sorted(figures.looks.values())
    few, most = (looks[0], looks[-1]) if looks else (0, 0)
    return _table(
        [
            ("cameras", str(len(looks)), ""),
            ("analysed looks of a camera, fewest to most", f"{few} to {most}", ""),
            ("these differ by", f"{figures.spread * _PER_CENT:.1f} %", f"at most {MOST_SPREAD * _PER_CENT:.0f} %"),
            ("seconds without a look", f"{figures.seconds_missed} of {figures.seconds}", "none"),
            ("longest time between two looks", f"{figures.longest_pause_s:.1f} s", f"{MOST_PAUSE_S:g} s is meant"),
            ("events of persons", str(figures.events), ""),
            ("capture to publication, p50", f"{figures.p50_ms:.0f} ms", ""),
            ("capture to publication, p99", f"{figures.p99_ms:.0f} ms", f"under {MOST_P99_MS:.0f} ms"),
            ("visits told of", f"{figures.visits_told} of {figures.visits}", ""),
            ("entry to event, median", f"{figures.entry_s:.1f} s", f"at most {MOST_MEDIAN_S:g} s"),
            ("cores used by both processes", f"{figures.cores:.2f}", ""),
            ("load of the machine, start and end", " and ".join(f"{one:.1f}" for one in figures.load), ""),
            (
                "20 ms of computing beside it took",
                f"p50 {figures.spin_p50_ms:.0f}, p99 {figures.spin_p99_ms:.0f} ms",
                "the floor",
            ),
        ]
    )


def fleet_table(figures: FleetFigures) -> str:
    """What the devices' key bears, how late the switch is, and what it costs an hour."""
    limit = f"below {MOST_UNITS_A_SECOND}"
    costs = [(f"an hour costs: {what}", f"${dollars:.3f}", "") for what, dollars in costs_of(figures).items()]
    return _table(
        [
            ("devices", f"{figures.devices:,}", ""),
            ("signs of life a second", f"{figures.calm_signs / figures.calm_s:.1f}", ""),
            ("signs of life that a core takes in a second", f"{figures.signs_per_cpu_s:,.0f}", ""),
            ("a device's item", f"{figures.item_bytes:,} bytes", ""),
            ("most units written of the devices' key in a second, calm", str(figures.calm_units), limit),
            ("the same while half of them lose their power", str(figures.cut_units), limit),
            ("the same while they come back within a minute", str(figures.back_units), limit),
            ("a check of all devices", f"{figures.check_cpu_s:.2f} s of a core", ""),
            ("checks that took too long, of all", str(figures.checks_killed), "go on a minute later"),
            ("told of the half, after its grace", f"{figures.fleet_late_s:.1f} s", "a check a minute"),
            ("told of one device, after its grace", f"{figures.device_late_s:.1f} s at most", "a check a minute"),
            ("written by that check before it told of the half", str(figures.updates_before_told), ""),
            ("alerts in all", str(figures.alerts), ""),
            *costs,
            ("**an hour costs**", f"**${sum(costs_of(figures).values()):.2f}**", "without events"),
        ]
    )


def costs_of(figures: FleetFigures) -> dict[str, float]:
    """Dollars of a calm hour by the prices and run times of docs/cost.md: counted units, and a device's fixed lines."""
    hour = 3600 / figures.calm_s
    signs = figures.calm_signs * hour
    return {
        "core devices": figures.devices * 0.16 / _HOURS_A_MONTH,
        "connections": figures.devices * 60 * 0.08 / _MILLION,
        "messages, rules and starts": signs * (1 + 0.3 + 0.2) / _MILLION,
        "time of the functions": (signs * 0.04 + 60 * figures.check_cpu_s * FULL_CORE_GB / FUNCTION_GB)
        * FUNCTION_GB
        * 13.3334
        / _MILLION,
        "writes": figures.calm_writes * hour * 0.625 / _MILLION,
        "reads": figures.calm_reads * hour * 0.125 / _MILLION,
    }


FUNCTION_GB: Final = 0.25
FULL_CORE_GB: Final = 1.769
"""A function with so much memory has a whole core; less memory gives as much less of it."""


def _table(rows: Iterable[Row]) -> str:
    return "\n".join(["| what | figure | limit |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
