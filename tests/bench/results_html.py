"""results.html: one page without links and scripts, with every curve as inline SVG."""

import html

import charts
from sections import COLUMNS, CURVES, RECOVERY, WRITE_FIGURES, trace_text, traces
from targets import OUT_OF_ORDER, memory_limit, resident_bytes, targets, verdict

STYLE = """
body { font: 15px/1.55 system-ui, sans-serif; max-width: 840px; margin: 2.5em auto; padding: 0 1em;
       color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6em; margin-bottom: .2em; } h2 { font-size: 1.25em; margin-top: 2.6em; }
h3 { font-size: 1em; margin: 2em 0 .4em; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { padding: .25em 1em .25em 0; vertical-align: top; text-align: left; }
tr + tr { border-top: 1px solid #eee; } td.figure { text-align: right; white-space: nowrap; }
.met { color: #15803d; } .missed { color: #b91c1c; font-weight: 600; white-space: nowrap; }
.void { color: #92400e; }
.warning { background: #fff7e6; border-left: 4px solid #e9a13b; padding: .5em 1em; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 12px; fill: #555; } svg text.name { fill: #1a1a1a; }
.grid { stroke: #ececec; } .curve { fill: none; stroke-linejoin: round; }
.spread { stroke: #1a1a1a; stroke-width: 1.5; }
.turn { stroke: #1a1a1a; stroke-dasharray: 2 3; } .band { fill: #e9a13b; opacity: .16; }
.key { margin-right: 1.3em; white-space: nowrap; font-size: 13px; }
.key i { display: inline-block; width: 1.4em; height: 3px; vertical-align: middle;
         margin-right: .4em; }
p { margin: .4em 0; }
"""


def _target_table(results, findings):
    rows = []
    for target in targets(results):
        said, why = verdict(target, findings)
        kind = {"met": "met", "not met": "missed", "void": "void"}[said]
        rows.append(f"<tr><td>{html.escape(target.what)}</td>"
                    f'<td class="figure">{html.escape(target.measured())}</td>'
                    f'<td class="figure">{html.escape(target.wanted())}</td>'
                    f'<td class="{kind}" title="{html.escape(why)}">{said}</td></tr>')
    if not rows:
        return ""
    return ("<h2>What was asked for</h2><table><tr><th>what</th><th>measured</th><th>wanted</th>"
            f"<th></th></tr>{''.join(rows)}</table>")


def _warnings(findings):
    void = [finding.text for finding in findings if finding.is_void]
    if not void:
        return ""
    more = f" And {len(void) - 5} more." if len(void) > 5 else ""
    return ('<p class="warning">Not all of these figures count: '
            + html.escape("; ".join(void[:5])) + f".{more}</p>")


def _write_charts(results):
    parts = []
    for figure, title in WRITE_FIGURES:
        rows, curves = [], {}
        for column in COLUMNS:
            label = f"{figure}/{column}"
            one = results.get(label)
            if not one:
                continue
            values = results.values(label, "entries_per_s").values()
            if column != "journald":  # It answers nothing: no rate of durable writes.
                rows.append((column, one["entries_per_s"], min(values), max(values)))
            if one.get("latency_curve_us") and column != "journald":
                curves[column] = one["latency_curve_us"]
        if rows:
            parts.append(f"<h3>{html.escape(title)}</h3>" + charts.bar_chart(rows, "/s"))
        if curves:
            parts.append(charts.percentile_chart(curves))
    return "<h2>Durable writes</h2><p>Entries a second, the median round; the thin line is from " \
        "the least to the largest. Below it the latency of an operation, by percentile.</p>" \
        + "".join(parts) if parts else ""


def _turn_charts(results):
    parts = []
    for name, trace in traces(results):
        if not trace.get("bins") or not trace.get("windows"):
            continue
        parts.append(f"<h3>{html.escape(name[:1].upper() + name[1:])}, one client, one in flight"
                     f"</h3><p>{html.escape(trace_text(trace))} Shaded: the next segment is being "
                     f"prewritten.</p>{charts.trace_chart(trace)}{charts.turn_chart(trace)}")
    return "<h2>Turns of the log's segments</h2>" + "".join(parts) if parts else ""


def _growth_charts(results):
    parts = []
    for curve in CURVES:
        points = curve.points(results)
        if len(points) < 2:
            continue
        parts.append(f"<h3>{html.escape(curve.title)}</h3>"
                     f"<p>{html.escape(' '.join(curve.text(results)))}</p>")
        parts.append(charts.growth_chart(
            {"stele": [(x, one["entries_per_s"]) for x, one in points]}, curve.abscissa,
            "entries/s", curve.is_x_log))
        parts.append(charts.growth_chart(
            {name: [(x, one["latency_us"][name]) for x, one in points] for name in ("p50", "p99")},
            curve.abscissa, "latency, µs", curve.is_x_log))
    points = RECOVERY.points(results)
    if len(points) > 1:
        parts.append(f"<h3>{html.escape(RECOVERY.title)}</h3>"
                     f"<p>{html.escape(' '.join(RECOVERY.text(results)))}</p>"
                     + charts.growth_chart({"stele": [(x, one["load_seconds"])
                                                      for x, one in points]}, "entries", "seconds"))
    return "<h2>Cost as work grows</h2>" + "".join(parts) if parts else ""


def _memory_chart(results):
    points = [(float(x), f"{OUT_OF_ORDER}{x:g}")
              for x, _ in results.curve(f"memory/{OUT_OF_ORDER}")]
    if len(points) < 2:
        return ""
    return "<h3>Resident memory of an entry, by the share that came out of order</h3>" \
        + charts.growth_chart({
            "stele": [(x, resident_bytes(results, column)) for x, column in points],
            "limit": [(x, memory_limit(results, column)) for x, column in points]},
            "share", "bytes", is_x_log=False)


def render(results, facts, findings):
    machine = "".join(f"<tr><td>{html.escape(what)}</td><td>{html.escape(value)}</td></tr>"
                      for what, value in facts["machine"])
    return ('<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>stele: measurements</title><style>{STYLE}</style></head><body>"
            f"<h1>stele: measurements</h1><p>{html.escape(facts['run'])} Entries of 250 bytes "
            "unless said. Each write is answered after its bytes are on disk.</p>"
            f"{_warnings(findings)}<table>{machine}</table>{_target_table(results, findings)}"
            f"{_write_charts(results)}{_turn_charts(results)}{_growth_charts(results)}"
            f"{_memory_chart(results)}</body></html>\n")
