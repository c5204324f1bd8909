"""The lines that a run gathered, put together: of figures that were repeated, the medians."""

import json
import statistics
from pathlib import Path


def _median(values):
    first = values[0]
    if isinstance(first, dict):
        return {key: _median([value[key] for value in values if key in value]) for key in first}
    if isinstance(first, bool) or not isinstance(first, (int, float)):
        return first
    return statistics.median(values)


def _median_curve(curves):
    """Of [share, latency] pairs, at the shares that all rounds have."""
    points = [dict(map(tuple, curve)) for curve in curves]
    return [[share, statistics.median(p[share] for p in points)] for share in points[0]
            if all(share in p for p in points)]


class Results:
    def __init__(self, lines):
        self._by_label = {}
        for line in lines:
            self._by_label.setdefault(line["label"], []).append(line)

    @staticmethod
    def read(path):
        return Results([json.loads(line) for line in Path(path).read_text().splitlines()])

    def rounds(self, label):
        return self._by_label.get(label, [])

    def has(self, *labels):
        return all(self.get(label) for label in labels)

    def get(self, label):
        """The medians of all rounds; nothing if it was not measured, or does not run here."""
        lines = self.rounds(label)
        if not lines or "not_running" in lines[0]:
            return None
        merged = _median(lines)
        if "latency_curve_us" in lines[0]:
            merged["latency_curve_us"] = _median_curve([l["latency_curve_us"] for l in lines])
        return merged

    def not_running(self, label):
        """Why there is no such figure, if the peer does not run here."""
        lines = self.rounds(label)
        return lines[0].get("not_running") if lines else None

    def values(self, label, member):
        """{round: value}; `member` may be a path, as latency_us/p50."""
        found = {}
        for line in self.rounds(label):
            value = line
            for part in member.split("/"):
                value = value.get(part) if value is not None else None
            if value is not None:
                found[line["round"]] = value
        return found

    def ratios(self, member, label, other):
        """label's to other's, round by round."""
        of, to = self.values(label, member), self.values(other, member)
        return [of[number] / to[number] for number in of if to.get(number)]

    def labels(self):
        return list(self._by_label)

    def curve(self, prefix):
        """[(abscissa, medians)], ascending."""
        points = [(float(label.removeprefix(prefix)), self.get(label))
                  for label in self._by_label if label.startswith(prefix)]
        return sorted((point for point in points if point[1]), key=lambda point: point[0])
