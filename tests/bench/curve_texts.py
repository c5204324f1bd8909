"""Says in words what each curve does and why, from what was measured beside it: how many entries a
commit carried, and how busy the daemon's thread, the disk and the generator were. Where nothing
that was measured explains a knee, the text says that."""

import math

BUSY = 0.8
SAME_SLOPE = 0.3
FLAT = 0.25  # Between the ends of a curve.


def short(value):
    for limit, suffix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def shares(point):
    return (f"the daemon's thread was busy {point['server_loop_cpu']:.0%} of the time, the disk "
            f"{point['disk_busy']:.0%}, the generator {point['generator_cpu']:.0%}")


def bound_by(point):
    """What limits the rate of a point, or None if no one thing does."""
    if point["generator_cpu"] >= BUSY:
        return "the generator"
    if point["server_loop_cpu"] >= BUSY:
        return "the daemon's thread"
    if point["disk_busy"] >= BUSY:
        return "the disk"
    return None


def because(point):
    bound = bound_by(point)
    if bound:
        return f"{bound} is the limit: {shares(point)}"
    return f"no one part is the limit, they wait for one another in turn: {shares(point)}"


def slopes(points):
    """Of log rate over log abscissa, between neighbours: 1 is in step, 0 is flat."""
    return [math.log(b["entries_per_s"] / a["entries_per_s"]) / math.log(xb / xa)
            for (xa, a), (xb, b) in zip(points, points[1:])]


def phases(points):
    """[(first index, last index)] of stretches of about the same slope."""
    found, start, seen = [], 0, []
    for index, slope in enumerate(slopes(points)):
        if seen and abs(slope - sum(seen) / len(seen)) > SAME_SLOPE:
            found.append((start, index))
            start, seen = index, []
        seen.append(slope)
    return found + [(start, len(points) - 1)]


def entries_per_commit(point):
    wal = point.get("wal", {})
    return wal["commit_entries"] / wal["commits"] if wal.get("commits") else 0


def commits_per_s(point):
    carried = entries_per_commit(point)
    return point["entries_per_s"] / carried if carried else 0


def describe_clients(points):
    """One commit is on its way at a time, and takes along all that arrived during the last one."""
    sentences = []
    for number, (first, last) in enumerate(phases(points)):
        (xa, a), (xb, b) = points[first], points[last]
        knee = f"Knee at {xa:g}. " if number else ""
        sentences.append(
            f"{knee}From {xa:g} to {xb:g} clients the rate goes from {short(a['entries_per_s'])} "
            f"to {short(b['entries_per_s'])}/s, {b['entries_per_s'] / a['entries_per_s']:.1f} "
            f"times for {xb / xa:g} times the clients: a commit carries "
            f"{entries_per_commit(a):.1f} entries, then {entries_per_commit(b):.1f}, and there "
            f"are {short(commits_per_s(a))} commits/s, then {short(commits_per_s(b))}. "
            f"At {xb:g} clients {because(b)}.")
    return ["One commit is in flight at a time and takes along all that arrived during the one "
            "before it."] + sentences


def fit_cost(points):
    """(fixed, each) of cost = fixed + each * x, by least squares of the relative error."""
    s = [0.0] * 5
    for x, cost in points:
        weight = 1 / cost**2
        for i, term in enumerate((1, x, x * x, cost, x * cost)):
            s[i] += weight * term
    determinant = s[0] * s[2] - s[1] ** 2
    if determinant == 0:
        return points[0][1], 0.0
    return (s[3] * s[2] - s[4] * s[1]) / determinant, (s[0] * s[4] - s[1] * s[3]) / determinant


def worst_fit(points, fixed, each):
    """(x, relative error) of the point that is farthest from the line."""
    errors = [(x, cost / (fixed + each * x) - 1) for x, cost in points if fixed + each * x > 0]
    return max(errors, key=lambda error: abs(error[1]), default=(points[0][0], 0.0))


def fit_remark(points, fixed, each, name):
    x, error = worst_fit(points, fixed, each)
    if abs(error) <= FLAT:
        return f"This line is within {abs(error):.0%} of each point."
    direction = "above" if error > 0 else "below"
    return f"At {x:g} {name} the cost is {abs(error):.0%} {direction} this line."


def describe_entry_bytes(points):
    costs = [(x, 1e6 / point["entries_per_s"]) for x, point in points]
    fixed, each = fit_cost(costs)
    (_, first), (last_x, last) = points[0], points[-1]
    text = [f"An entry costs {fixed:.1f} µs of the whole exchange, and {each * 1024:.2f} µs for "
            f"each KiB that it has. {fit_remark(costs, fixed, each, 'bytes')}"]
    if each > 0 and points[0][0] < fixed / each < last_x:
        text.append(f"The knee is where the two are equal, at {fixed / each / 1024:.1f} KiB: below "
                    "it the size hardly matters, above it the rate falls in step with the size.")
    text.append(f"At {points[0][0]:g} bytes {because(first)}. At {last_x:g} bytes, "
                f"{last['mb_per_s']:.0f} MB/s, {because(last)}.")
    return text


def describe_shares(points):
    costs = [(x, 1e6 / point["entries_per_s"]) for x, point in points]
    fixed, each = fit_cost(costs)
    grown = costs[-1][1] / costs[0][1]
    if abs(grown - 1) <= FLAT and all(abs(c / costs[0][1] - 1) <= FLAT for _, c in costs):
        return [f"Flat: an entry costs {costs[0][1]:.2f} µs in order and {costs[-1][1]:.2f} µs "
                "when all are out of order, in batches of 1000."]
    _, last = points[-1]
    return [f"An entry costs {fixed:.2f} µs in order, and {each:.2f} µs more if it is out of "
            "order: its place among the timestamps must be found and made. "
            + fit_remark([(x, c) for x, c in costs], fixed, each, "as share"),
            f"With all out of order {because(last)}."]


def describe_growth(points, what):
    """Curves that ought to be flat."""
    rates = [point["entries_per_s"] for _, point in points]
    (xa, a), (xb, b) = points[0], points[-1]
    if min(rates) >= (1 - FLAT) * max(rates):
        return [f"Flat: {short(a['entries_per_s'])}/s at {short(xa)} entries, "
                f"{short(b['entries_per_s'])}/s at {short(xb)}."]
    text = [f"{what} go from {short(a['entries_per_s'])}/s at {short(xa)} entries to "
            f"{short(b['entries_per_s'])}/s at {short(xb)}."]
    steps = [(abs(math.log(rates[i + 1] / rates[i])), i) for i in range(len(rates) - 1)]
    _, index = max(steps)
    (xc, c), (xd, d) = points[index], points[index + 1]
    text.append(f"The largest step is from {short(xc)} to {short(xd)} entries, "
                f"{d['entries_per_s'] / c['entries_per_s']:.2f} times. At {short(xc)}: "
                f"{shares(c)}. At {short(xd)}: {shares(d)}.")
    return text


def describe_recovery(points):
    costs = [(x, point["load_seconds"]) for x, point in points]
    fixed, each = fit_cost(costs)
    if each <= 0 or len(points) < 3:
        return [f"From {short(points[0][0])} to {short(points[-1][0])} entries the load takes "
                f"{costs[0][1] * 1000:.0f} to {costs[-1][1] * 1000:.0f} ms."]
    return [f"A load takes {max(fixed, 0) * 1000:.0f} ms and {each * 1e6:.3f} µs for each entry. "
            f"{fit_remark(costs, fixed, each, 'entries')} What it takes at any size is mostly the "
            "new segment that each start makes: see the empty log."]
