"""Lengths of time on the command line, such as ``90d`` or ``1h30m``."""

import datetime as dt
import re
from typing import Any, Final

import click

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PART: Final = re.compile(r"(\d+)([smhd])")


class Duration(click.ParamType[dt.timedelta]):
    """Whole numbers, each with its unit; a ``datetime.timedelta``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.timedelta:
        """Read it; a default is one already."""
        if isinstance(value, dt.timedelta):
            return value
        if not re.fullmatch(rf"(?:{_PART.pattern})+", value):
            self.fail(
                f"{value!r} is no length of time: give whole numbers with the units d, h, m or s, "
                "such as 90d or 1h30m.",
                param,
                ctx,
            )
        try:
            parts = ({_UNITS[unit]: int(number)} for number, unit in _PART.findall(value))
            total = sum((dt.timedelta(**part) for part in parts), dt.timedelta())
            dt.datetime.now(dt.UTC) + total
        except OverflowError:
            self.fail(f"{value!r} is longer than a calendar can be.", param, ctx)
        return total


def written(length: dt.timedelta) -> str:
    """Write a length of time as :class:`Duration` reads it."""
    hours, seconds = divmod(length.seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    parts = zip((length.days, hours, minutes, seconds), "dhms", strict=True)
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
