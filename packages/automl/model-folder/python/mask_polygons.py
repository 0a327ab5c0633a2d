

# The outlines of masks, as Fovea's own answers have them.

RIGHT, DOWN, LEFT, UP = range(4)

# A polygon that was simplified has at least so many points.
FEWEST_POINTS = 3

# What a hole adds to a polygon beside its own points: where the cut begins and ends, on the way there and back.
POINTS_OF_CUT = 3


def polygons_of_mask(mask, most_points):
    """The outline of bool [height, width], [[x1, y1, x2, y2, ...], ...] in pixels, clockwise: one polygon for each part whose pixels
    hang together by their sides, along the edges of the pixels. A hole is joined to its part by a cut without width. A polygon with
    more points than are allowed is simplified; so many of its holes as make up half of the points are kept then, the largest ones."""
    return [[value for point in polygon for value in point] for polygon in (polygon_of(*part, most_points) for part in parts_of(mask))]


def polygon_of(outer, holes, most_points):
    if len(outer) + sum(len(hole) + POINTS_OF_CUT for hole in holes) <= most_points:
        return join_holes(outer, holes)
    most = most_points // 2 // (FEWEST_POINTS + POINTS_OF_CUT)
    largest = holes if len(holes) <= most else sorted(holes, key=lambda hole: -abs(signed_area(hole)))[:most]
    simpler, *simpler_holes = simplify([outer, *largest], most_points - POINTS_OF_CUT * len(largest))
    return join_holes(simpler, simpler_holes)


def signed_area(ring):
    """Positive where the points go round clockwise on the screen."""
    pairs = zip(ring[-1:] + ring[:-1], ring)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs) / 2


def parts_of(mask):
    """(outer ring, holes) of each part of a mask: rings of corners of pixels, the last one joined to the first."""
    leaving = edges_of(mask)
    starts = numpy.argwhere((leaving & (1 << RIGHT)).T != 0).tolist()
    leaving = leaving.tolist()
    ring_above = {}
    rings = []
    for x, y in starts:
        if leaving[y][x] & (1 << RIGHT):
            rings.append(follow(leaving, x, y, ring_above, len(rings)))
    parts = {k: (ring, []) for k, ring in enumerate(rings) if signed_area(ring) > 0}
    part_of = dict(parts)
    holes = [(k, from_highest(ring)) for k, ring in enumerate(rings) if k not in parts]
    for k, ring in sorted(holes, key=lambda hole: hole[1][0][1]):
        # Above its highest edge is a pixel of the part; the upper end of that pixel's column is an edge of the part's outer ring, or of
        # a hole that lies higher.
        x, y = ring[0]
        while y > 0 and mask[y - 1, x]:
            y -= 1
        part_of[k] = part_of[ring_above[x, y]]
        part_of[k][1].append(ring)
    return list(parts.values())


def edges_of(mask):
    """In which directions edges leave the corners of pixels, with the mask at their right hand: uint8 [height + 1, width + 1]."""
    height, width = mask.shape
    around = numpy.zeros((height + 2, width + 2), bool)
    around[1:-1, 1:-1] = mask
    # Of each corner the pixels at its left and right, above and below.
    above_left, above_right = around[:-1, :-1], around[:-1, 1:]
    below_left, below_right = around[1:, :-1], around[1:, 1:]
    right, down = below_right & ~above_right, below_left & ~below_right
    left, up = above_left & ~below_left, above_right & ~above_left
    edges = numpy.zeros((height + 1, width + 1), numpy.uint8)
    for direction, leaves in ((RIGHT, right), (DOWN, down), (LEFT, left), (UP, up)):
        edges |= leaves.astype(numpy.uint8) << direction
    return edges


def follow(leaving, x, y, ring_above, number):
    """Goes round one ring and takes its edges away. Where two edges leave a corner the right turn is taken: it stays with its pixel."""
    start = x, y
    ring = []
    direction, before = RIGHT, -1
    while direction >= 0:
        leaving[y][x] &= ~(1 << direction)
        if direction != before:
            ring.append((x, y))
        if direction == RIGHT:
            ring_above[x, y] = number
        x, y = x + (1, 0, -1, 0)[direction], y + (0, 1, 0, -1)[direction]
        before, direction = direction, next_direction(leaving[y][x], direction, (x, y) == start)
    # Begun in the middle of a side.
    return ring[1:] if before == RIGHT else ring


def next_direction(leaving, direction, is_start):
    """-1: the ring is closed."""
    for turn in (5, 4, 3):
        following = (direction + turn) % 4
        if is_start and following == RIGHT:
            return -1
        if leaving & (1 << following):
            return following
    return -1


def from_highest(ring):
    """The same ring from the left one of its highest corners on."""
    first = min(range(len(ring)), key=lambda i: (ring[i][1], ring[i][0]))
    return ring[first:] + ring[:first]


def simplify(rings, most_points):
    """Rings with at most so many points in all, three each at least: those are kept from which lines would stray farthest without them
    (Douglas and Peucker 1973). The steps of pixels are first cut through their middles, on which a slanted edge really lies."""
    cut = [through_middles(ring) for ring in rings]
    weights = [importance(ring) for ring in cut]
    ordered = sorted(weight for of_ring in weights for weight in of_ring)
    if len(ordered) <= most_points:
        return cut
    least = ordered[max(0, len(ordered) - most_points)]
    equals = most_points - sum(weight > least for weight in ordered)
    simpler = []
    for ring, of_ring in zip(cut, weights):
        kept = []
        for point, weight in zip(ring, of_ring):
            if weight == least and weight < math.inf:
                equals -= 1
                if equals < 0:
                    continue
            if weight >= least:
                kept.append(point)
        simpler.append(kept)
    return simpler


def through_middles(ring):
    cut = []
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
        length = abs(x2 - x1) + abs(y2 - y1)
        across, down = (x2 - x1) / length / 2, (y2 - y1) / length / 2
        cut.append((x1 + across, y1 + down))
        if length > 1:
            cut.append((x2 - across, y2 - down))
    return cut


def importance(ring):
    """How far from the line a point lies that is drawn without it, or without one before it; of three points of a ring infinite."""
    count = len(ring)
    found = [0.0] * count
    points = numpy.array(ring + ring[:1], numpy.float64)
    far = int(((points[:-1] - points[0]) ** 2).sum(1).argmax())
    found[0] = found[far] = math.inf
    stretches = [(0, far, math.inf), (far, count, math.inf)]
    while stretches:
        start, end, weight = stretches.pop()
        if end - start < 2:
            continue
        x, y = points[start]
        dx, dy = points[end] - points[start]
        between = points[start + 1 : end]
        distances = abs((between[:, 0] - x) * dy - (between[:, 1] - y) * dx)
        worst = int(distances.argmax())
        distance = min(weight, float(distances[worst]) / math.hypot(dx, dy))
        worst += start + 1
        found[worst] = distance
        stretches += [(start, worst, distance), (worst, end, distance)]
    others = [i for i in range(1, count) if i != far]
    if others:
        found[max(others, key=lambda i: found[i])] = math.inf
    return found


def join_holes(outer, holes):
    """One polygon for a ring with holes: from the highest corner of each a cut leads straight up to the line above it. A hole that has
    no line above it, as simplified ones may, is filled."""
    if not holes:
        return outer
    rings = [outer] + sorted((from_highest(hole) for hole in holes), key=lambda hole: hole[0][1])
    columns = {}
    for number, ring in enumerate(rings):
        for at, ((x1, _), (x2, _)) in enumerate(zip(ring, ring[1:] + ring[:1])):
            if x1 != x2:
                for column in range(math.floor(min(x1, x2)), math.floor(max(x1, x2)) + 1):
                    columns.setdefault(column, []).append((number, at))
    cuts = [[] for _ in rings]
    for child in range(1, len(rings)):
        x, y = rings[child][0]
        above = line_above(rings, columns.get(math.floor(x), []), x, y, child)
        if above:
            height, number, at = above
            cuts[number].append((at, abs(x - rings[number][at][0]), x, height, child))
    for of_ring in cuts:
        of_ring.sort(key=lambda cut: cut[:2])
    return walk(rings, cuts)


def line_above(rings, lines, x, y, child):
    """(y, ring, point) of the lowest line at or above x, y, of the rings before the child; None where there is none."""
    best = None
    for number, at in lines:
        if number >= child:
            continue
        ring = rings[number]
        (x1, y1), (x2, y2) = ring[at], ring[(at + 1) % len(ring)]
        if x < min(x1, x2) or x > max(x1, x2):
            continue
        height = y1 if x == x1 else y2 if x == x2 else y1 + (y2 - y1) * (x - x1) / (x2 - x1)
        if height <= y and (best is None or height > best[0]):
            best = height, number, at
    return best


def walk(rings, cuts):
    """All rings as one: at each cut into the hole, round it, and back."""
    polygon = []

    def visit(point):
        # A cut may begin at a corner that is there already.
        if not polygon or polygon[-1] != point:
            polygon.append(point)

    # Holes hang on holes, thousands of them in noise: no recursion.
    places = [[0, 0, 0, None]]
    while places:
        place = places[-1]
        number, at, cut, back = place
        ring, of_ring = rings[number], cuts[number]
        if at >= len(ring):
            places.pop()
            if back is not None:
                visit(ring[0])
                visit(back)
            continue
        # A point comes before the cuts on the line that begins with it.
        if cut == 0 or of_ring[cut - 1][0] != at:
            visit(ring[at])
        if cut < len(of_ring) and of_ring[cut][0] == at:
            _, _, x, height, child = of_ring[cut]
            place[2] += 1
            visit((x, height))
            places.append([child, 0, 0, (x, height)])
        else:
            place[1] += 1
    return polygon
