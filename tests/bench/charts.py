"""Charts as inline SVG, without scripts and links."""

import html
import math

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 66, 34, 14, 46
COLOURS = {"floor": "#8a8f98", "stele io_uring": "#c0392b", "stele posix": "#e67e22",
           "stele": "#c0392b", "redis": "#2563eb", "redis-benchmark": "#7da7f5",
           "sqlite": "#0f8a70", "postgres": "#7c3aed", "journald": "#475569",
           "p50": "#c0392b", "p99": "#e9a13b", "longest": "#8a8f98", "limit": "#1a1a1a"}


def colour(name):
    return COLOURS.get(name, "#c0392b")


def number_text(value):
    for limit, suffix in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


class LogAxis:
    """From 1, 2 or 5 times a power of ten to another; or, `is_tight`, from the first value to the
    last."""

    def __init__(self, values, start, end, is_tight=False):
        least, most = min(values), max(values)
        self.steps = self._steps(least, most)
        self.low = math.log10(least if is_tight else self.steps[0])
        self.high = math.log10(most if is_tight else self.steps[-1])
        self.start, self.end = start, end

    @staticmethod
    def _steps(least, most):
        """The ticks: all of 1, 2, 5 if they are few, else powers of ten."""
        low, high = math.floor(math.log10(least) + 1e-9), math.ceil(math.log10(most) - 1e-9)
        high = max(high, low + 1)
        factors = (1, 2, 5) if high - low <= 2 else (1,)
        steps = [factor * 10.0**power for power in range(low, high) for factor in factors]
        steps.append(10.0**high)
        while len(steps) > 2 and steps[1] <= least:
            del steps[0]
        while len(steps) > 2 and steps[-2] >= most:
            del steps[-1]
        return steps

    def place(self, value):
        share = (math.log10(value) - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self):
        return [step for step in self.steps
                if self.low - 1e-9 <= math.log10(step) <= self.high + 1e-9]


class LinearAxis:
    def __init__(self, low, high, start, end):
        self.low, self.high, self.start, self.end = low, high or 1, start, end

    def place(self, value):
        share = (value - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self):
        step = 10 ** math.floor(math.log10((self.high - self.low) / 2))
        while (self.high - self.low) / step > 8:
            step *= 2.5 if str(step)[0] == "2" else 2
        first = math.ceil(self.low / step)
        return [round(n * step, 9) for n in range(first, math.floor(self.high / step) + 1)]


class Chart:
    def __init__(self, x_axis, y_axis, x_name, y_name, x_text=number_text, x_ticks=None,
                 height=HEIGHT):
        self.x, self.y, self.height = x_axis, y_axis, height
        self.parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
        for value in y_axis.ticks():
            y = y_axis.place(value)
            self.parts.append(f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>')
            self.text(LEFT - 8, y + 4, number_text(value), "end")
        for value in x_ticks or x_axis.ticks():
            x = x_axis.place(value)
            self.parts.append(f'<path class="grid" d="M{x} {TOP}V{height - BOTTOM}"/>')
            self.text(x, height - BOTTOM + 17, x_text(value), "middle")
        self.text((LEFT + WIDTH - RIGHT) / 2, height - 8, x_name, "middle", "name")
        self.parts.append(f'<text class="name" transform="translate(14 {height / 2}) rotate(-90)" '
                          f'text-anchor="middle">{html.escape(y_name)}</text>')

    def text(self, x, y, text, anchor="start", kind=""):
        kind = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>'
                          f"{html.escape(text)}</text>")

    def line(self, name, points, width=2, opacity=1, dots=False):
        path = "L".join(f"{self.x.place(x)} {self.y.place(y)}" for x, y in points)
        self.parts.append(f'<path class="curve" stroke="{colour(name)}" stroke-width="{width}" '
                          f'opacity="{opacity}" d="M{path}"><title>{html.escape(name)}</title>'
                          "</path>")
        if dots:
            self.dots(name, points, 3)

    def dots(self, name, points, radius=2):
        for x, y in points:
            self.parts.append(f'<circle cx="{self.x.place(x)}" cy="{self.y.place(y)}" r="{radius}" '
                              f'fill="{colour(name)}"/>')

    def band(self, since, to, kind="band"):
        x = self.x.place(since)
        self.parts.append(f'<rect class="{kind}" x="{x}" y="{TOP}" '
                          f'width="{max(1, self.x.place(to) - x):.1f}" '
                          f'height="{self.height - BOTTOM - TOP}"/>')

    def mark(self, x, kind="turn"):
        at = self.x.place(x)
        self.parts.append(f'<path class="{kind}" d="M{at} {TOP}V{self.height - BOTTOM}"/>')

    def svg(self, keys=()):
        shown = "".join(f'<span class="key"><i style="background:{colour(name)}"></i>'
                        f"{html.escape(text)}</span>" for name, text in keys)
        return "".join(self.parts) + "</svg>" + (f"<p>{shown}</p>" if shown else "")


def percentile_chart(series):
    """`series` is {name: [(share of operations, us)]}."""
    def inverse(share):
        return 1 / (1 - share)
    points = [(inverse(share), us) for line in series.values() for share, us in line]
    x_axis = LogAxis([1] + [x for x, _ in points], LEFT, WIDTH - RIGHT, is_tight=True)
    y_axis = LogAxis([us for _, us in points], HEIGHT - BOTTOM, TOP)
    ticks = [value for value in (1, 2, 10, 100, 1000, 1e4, 1e5) if value <= 10**x_axis.high]
    chart = Chart(x_axis, y_axis, "percentile of the operations", "latency, µs",
                  lambda value: f"{100 - 100 / value:.10g} %", ticks)
    for name, line in series.items():
        chart.line(name, [(inverse(share), max(us, 0.1)) for share, us in line],
                   width=2.6 if name.startswith("stele") else 1.8)
    return chart.svg([(name, name) for name in series])


def bar_chart(rows, unit):
    """`rows` is [(name, value, low, high)]; the lengths are linear."""
    height = 26 * len(rows) + 8
    largest = max(high for _, _, _, high in rows)
    axis = LinearAxis(0, largest * 1.15, 150, WIDTH - RIGHT - 40)
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img">']
    for index, (name, value, low, high) in enumerate(rows):
        y = 26 * index + 4
        end = axis.place(value)
        parts.append(f'<text x="142" y="{y + 14}" text-anchor="end">{html.escape(name)}</text>'
                     f'<rect x="150" y="{y}" width="{max(1, end - 150):.1f}" height="18" '
                     f'fill="{colour(name)}"/>'
                     f'<path class="spread" d="M{axis.place(low)} {y + 9}H{axis.place(high)}"/>'
                     f'<text x="{axis.place(high) + 6}" y="{y + 14}">{number_text(value)} '
                     f"{html.escape(unit)}</text>")
    return "".join(parts) + "</svg>"


def growth_chart(series, x_name, y_name, is_x_log=True):
    """`series` is {name: [(x, y)]}."""
    xs = [x for line in series.values() for x, _ in line]
    ys = [y for line in series.values() for _, y in line]
    x_axis = (LogAxis(xs, LEFT, WIDTH - RIGHT, is_tight=True) if is_x_log
              else LinearAxis(min(xs), max(xs), LEFT, WIDTH - RIGHT))
    chart = Chart(x_axis, LogAxis(ys, HEIGHT - BOTTOM, TOP), x_name, y_name,
                  x_ticks=sorted(set(xs)) if len(set(xs)) <= 10 else None)
    for name, line in series.items():
        chart.line(name, line, dots=True)
    return chart.svg([(name, name) for name in series] if len(series) > 1 else [])


def trace_chart(trace):
    """All operations over time, and where the log turned to its next segment."""
    bins = trace["bins"]
    x_axis = LinearAxis(0, bins[-1][0], LEFT, WIDTH - RIGHT)
    y_axis = LogAxis([b[1] for b in bins] + [b[2] for b in bins], HEIGHT - BOTTOM, TOP)
    chart = Chart(x_axis, y_axis, "seconds", "latency, µs")
    for since, to in trace["prewriting_s"]:
        if since < bins[-1][0]:
            chart.band(max(0, since), min(to, bins[-1][0]))
    for second in trace["turns_at_s"]:
        chart.mark(second)
    chart.dots("longest", [(second, longest) for second, _, longest in bins], 1.6)
    chart.line("p50", [(second, median) for second, median, _ in bins])
    return chart.svg([("p50", "median of a moment"), ("longest", "longest of a moment"),
                      ("limit", "the log turns to its next segment")])


def turn_chart(trace):
    """The operations around each turn, laid over one another."""
    windows = trace["windows"]
    points = [point for window in windows for point in window]
    x_axis = LinearAxis(min(x for x, _ in points), max(x for x, _ in points), LEFT, WIDTH - RIGHT)
    chart = Chart(x_axis, LogAxis([y for _, y in points], HEIGHT - BOTTOM, TOP),
                  "operations before and after a turn", "latency, µs")
    chart.mark(0)
    for window in windows:
        chart.line("longest", window, width=0.7, opacity=0.55)
    by_offset = {}
    for offset, us in points:
        by_offset.setdefault(offset, []).append(us)
    chart.line("p50", [(offset, sorted(of)[len(of) // 2])
                       for offset, of in sorted(by_offset.items())])
    return chart.svg([("longest", f"each of {len(windows)} turns"), ("p50", "their median"),
                      ("limit", "the operation that turned")])
