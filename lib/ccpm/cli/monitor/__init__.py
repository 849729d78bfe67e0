"""What ccpm-watch shows, one module a view: data as for --json, plain text for a pipe, rich for a terminal."""

from __future__ import annotations

_UNITS = ((10, 1, "{:.1f} s"), (120, 1, "{:.0f} s"), (7200, 60, "{:.0f} min"), (172800, 3600, "{:.1f} h"))


def duration(seconds: float) -> str:
    """`8 s`, `12 min`, `3.5 h`, `2.1 d`: as a person says it."""
    if seconds < 0.0995:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    for limit, unit, form in _UNITS:
        if seconds < limit:
            return form.format(seconds / unit)
    return f"{seconds / 86400:.1f} d"
