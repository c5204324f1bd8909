"""results.html: one page without links, with the latency and growth curves as inline SVG."""

import html
import math

from results_md import COLUMNS, CURVES, WRITE_FIGURES

COLOURS = {"floor": "#888888", "stele io_uring": "#c0392b", "stele posix": "#e67e22",
           "redis": "#2563eb", "sqlite": "#16a085", "postgres": "#7c3aed", "journald": "#64748b"}
WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 16, 44

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 820px; margin: 2em auto; padding: 0 1em;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.1em; margin-top: 2em; }
table { border-collapse: collapse; } td { padding: 0 1.2em 0 0; vertical-align: top; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: #444; }
.grid { stroke: #e3e3e3; } .curve { fill: none; stroke-width: 2; }
.key { margin-right: 1.2em; white-space: nowrap; }
.key i { display: inline-block; width: 1.4em; height: 3px; vertical-align: middle;
         margin-right: .4em; }
"""


class LogAxis:
    """Places values of a range of powers of ten on a line."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.start, self.end = start, end

    def place(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def decades(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def _short(value):
    for limit, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{suffix}"
    return f"{value:g}"


def _chart(series, x_name, y_name, x_label):
    """`series` is {name: [(x, y)]}; both axes are logarithmic."""
    points = [point for line in series.values() for point in line]
    x_axis = LogAxis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    y_axis = LogAxis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">']
    for value in y_axis.decades():
        y = y_axis.place(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
                     f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{_short(value)}</text>')
    for value in x_axis.decades():
        x = x_axis.place(value)
        parts.append(f'<path class="grid" d="M{x} {TOP}V{HEIGHT - BOTTOM}"/>'
                     f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                     f'{x_label(value)}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
                 f'{html.escape(x_name)}</text><text transform="translate(14 {HEIGHT / 2}) '
                 f'rotate(-90)" text-anchor="middle">{html.escape(y_name)}</text>')
    for name, line in series.items():
        path = "L".join(f"{x_axis.place(x)} {y_axis.place(y)}" for x, y in line)
        parts.append(f'<path class="curve" stroke="{COLOURS.get(name, "#c0392b")}" d="M{path}">'
                     f"<title>{html.escape(name)}</title></path>")
    parts.append("</svg>")
    keys = "".join(f'<span class="key"><i style="background:{COLOURS.get(name, "#c0392b")}"></i>'
                   f"{html.escape(name)}</span>" for name in series)
    return "".join(parts) + f"<p>{keys}</p>"


def _percentile_name(inverse):
    return "0" if inverse <= 1 else f"{100 - 100 / inverse:.10g} %"


def _latency_chart(results, figure):
    series = {}
    for column in COLUMNS:
        result = results.get(f"{figure}/{column}")
        curve = result.get("latency_curve_us") if result else None
        if curve:
            series[column] = [(1 / (1 - share), max(us, 0.1)) for share, us in curve]
    if not series:
        return ""
    return _chart(series, "percentile of the operations", "latency, µs", _percentile_name)


def _growth_chart(results, prefix, name):
    points = [(float(value), result["entries_per_s"])
              for value, result in results.starting_with(prefix) if float(value) > 0]
    if len(points) < 2:
        return ""
    return _chart({"stele (auto)": points}, name, "entries/s", _short)


def render(results, machine, run):
    parts = ['<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
             '<meta name="viewport" content="width=device-width">'
             f"<title>stele: measurements</title><style>{STYLE}</style></head><body>"
             "<h1>stele: measurements</h1><table>"]
    parts += [f"<tr><td>{html.escape(what)}</td><td>{html.escape(value)}</td></tr>"
              for what, value in machine]
    parts.append(f"</table><p>{html.escape(run.replace('**', ''))}. Entries of 250 bytes unless "
                 "said. Each write but journald's is answered after its bytes are on disk.</p>")
    for figure, title in WRITE_FIGURES:
        chart = _latency_chart(results, figure)
        if chart:
            parts.append(f"<h2>Latency: {html.escape(title.lower())}</h2>{chart}")
    for prefix, name in CURVES:
        chart = _growth_chart(results, prefix, name)
        if chart:
            parts.append(f"<h2>Throughput by {html.escape(name)}</h2>{chart}")
    return "\n".join(parts) + "</body></html>\n"
