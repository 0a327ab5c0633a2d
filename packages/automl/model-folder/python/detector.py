

# Answers with a model that finds objects. Images become the network's input exactly as in training's validation: upright (EXIF), RGB,
# resized as OpenCV's linear does it, without antialias; for Faster R-CNN and RetinaNet the shorter side to min_size, unless the longer
# one then exceeded max_size; for YOLOv5 on a grey square of img_size. Where tile_grid_size asks for it, overlapping tiles of the image
# are looked at besides the whole.

# Of YOLOv5: most boxes of an image, most boxes that are compared with each other (the best ones), and the grey of the square.
YOLO_MOST = 300
YOLO_CANDIDATES = 30000
YOLO_CANVAS = 114

# Pixels by which YOLOv5 moves the boxes of a class away from those of the next: it rounds their corners.
YOLO_CLASS_DISTANCE = 7680

# Tiles are at least so many pixels wide and high, and at most so many.
LEAST_TILE_SIDE = 32
MOST_TILES = 256

# What a graph of Faster R-CNN or RetinaNet holds in initializers of these names.
IN_GRAPH = {"box_score_thresh": numpy.float32, "nms_iou_thresh": numpy.float32, "box_detections_per_img": numpy.int64}


class Scorer:
    """A detector with all that it takes to ask it.

    settings: dict of labels (index = class), first_label (the network's number of the first class), mean, std (of values 0 to 1, one
    for each of red, green and blue), box_score_thresh, nms_iou_thresh, and min_size, max_size, box_detections_per_img, or for YOLOv5
    img_size; perhaps tile_grid_size, tile_overlap_ratio, tile_predictions_nms_thresh.
    network: function from float32 [1, 3, height, width] to boxes [n, 4] in pixels of the input, scores [n] and labels [n]; for YOLOv5
    to cells [1, cells, 5 + classes].
    normalised: the network normalises its input itself.
    """

    COLUMNS = ["boxes"]
    # What a graph of regions is asked for, and what of it is switched off.
    OUTPUTS = ["boxes_0", "scores_0", "labels_0"]
    UNUSED = {}

    def __init__(self, settings, network, normalised=False):
        self.settings = settings
        self.network = network
        self.tiles = tiles_of_settings(settings)
        self.mean = [0.0, 0.0, 0.0] if normalised else settings["mean"]
        self.std = [1.0, 1.0, 1.0] if normalised else settings["std"]

    @classmethod
    def of_onnx(cls, path, settings):
        """settings: as above, with normalised_in_graph."""
        import onnxruntime

        in_graph = {} if is_yolo(checked(settings)) else IN_GRAPH
        arrays = {name: numpy.array([settings[name]], dtype) for name, dtype in in_graph.items()}
        arrays.update(cls.UNUSED)
        values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(array) for name, array in arrays.items()}
        options = onnxruntime.SessionOptions()
        for name, value in values.items():
            options.add_initializer(name, value)
        session = onnxruntime.InferenceSession(path, options, providers=providers())
        entry = session.get_inputs()[0].name
        if is_yolo(settings):
            return cls(settings, lambda batch: session.run(None, {entry: batch})[0], settings["normalised_in_graph"])
        scorer = cls(settings, lambda batch: session.run(cls.OUTPUTS, {entry: batch}), settings["normalised_in_graph"])
        # The session reads these where they are, as long as it lives, and does not keep them.
        scorer.in_graph = arrays, values
        return scorer

    def score(self, images):
        """images: list of the bytes of image files. Returns [{"boxes": [{"box": {"topX", "topY", "bottomX", "bottomY"}, "label",
        "score"}, ...]}, ...]: corners in shares of the image's width and height, best first."""
        return [{"boxes": self._objects(opened(data, index, numpy.asarray))} for index, data in enumerate(images)]

    def _objects(self, image):
        """image: uint8 [height, width, 3]."""
        height, width = image.shape[:2]
        return self._described(width, height, *self._found(image))

    def _described(self, width, height, boxes, scores, classes):
        objects = []
        for (x1, y1, x2, y2), score, index in zip(boxes.tolist(), scores.tolist(), classes.tolist()):
            box = {"topX": x1 / width, "topY": y1 / height, "bottomX": x2 / width, "bottomY": y2 / height}
            objects.append({"box": box, "label": self.settings["labels"][index], "score": score})
        return objects

    def _found(self, image):
        """Boxes in pixels of the image, scores and classes: of the whole, and where there are tiles of all of them."""
        height, width = image.shape[:2]
        look = self._look_at_cells if is_yolo(self.settings) else lambda part: self._regions(part)[:3]
        tiles = tiles_of(width, height, *self.tiles) if self.tiles else []
        found = [look(image)]
        if not tiles:
            return found[0]
        for left, top, across, down in tiles:
            boxes, scores, classes = look(image[top : top + down, left : left + across])
            found.append((boxes + numpy.array([left, top, left, top], numpy.float32), scores, classes))
        boxes, scores, classes = (numpy.concatenate(parts) for parts in zip(*found))
        threshold = self.settings.get("tile_predictions_nms_thresh", 0.25)
        most = YOLO_MOST if is_yolo(self.settings) else self.settings["box_detections_per_img"]
        kept = suppress(boxes, scores, classes, threshold, most)
        return boxes[kept], scores[kept], classes[kept]

    def _regions(self, image):
        """Faster R-CNN and RetinaNet answer boxes in pixels of the resized image; what else is answered is returned as it is."""
        height, width = image.shape[:2]
        resized = detection_size(width, height, self.settings["min_size"], self.settings["max_size"])
        boxes, scores, labels, *others = self.network(self._input(resize_linear(image, *resized)))
        ratios = resized[0] / width, resized[1] / height
        on_image = back_on_image(numpy.asarray(boxes, numpy.float32), (width, height), ratios, (0.0, 0.0))
        return [on_image, numpy.asarray(scores, numpy.float32), numpy.asarray(labels) - self.settings["first_label"], *others]

    def _look_at_cells(self, image):
        """YOLOv5 answers what every cell of a square says."""
        height, width = image.shape[:2]
        side = self.settings["img_size"]
        ratio = min(side / height, side / width)
        across, down = int(round(width * ratio)), int(round(height * ratio))
        padding = (side - across) / 2, (side - down) / 2
        left, top = (int(round(half - 0.1)) for half in padding)
        square = numpy.full((side, side, 3), YOLO_CANVAS, numpy.uint8)
        square[top : top + down, left : left + across] = resize_linear(image, across, down)
        cells = numpy.asarray(self.network(self._input(square)), numpy.float32)[0]
        boxes, scores, classes = boxes_of_cells(cells, self.settings["box_score_thresh"], self.settings["nms_iou_thresh"])
        return back_on_image(boxes, (width, height), (ratio, ratio), padding), scores, classes

    def _input(self, pixels):
        return normalise(pixels, self.mean, self.std)[None]


def is_yolo(settings):
    return "img_size" in settings


def checked(settings):
    """The settings, when they are what they should be: people edit them."""
    sizes = ["img_size"] if is_yolo(settings) else ["min_size", "max_size", "box_detections_per_img"]
    for key in sizes:
        if not isinstance(settings[key], int) or isinstance(settings[key], bool) or settings[key] < 1:
            raise ValueError("{} is {!r} and should be a whole number of 1 or more".format(key, settings[key]))
    if is_yolo(settings) and settings["img_size"] % 32 != 0:
        raise ValueError("img_size is {} and should be a multiple of 32".format(settings["img_size"]))
    for key in ("box_score_thresh", "nms_iou_thresh", "tile_predictions_nms_thresh"):
        value = settings.get(key, 0.25)
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValueError("{} is {!r} and should be a number, 0 to 1".format(key, value))
    tiles_of_settings(settings)
    return settings


def detection_size(width, height, min_size, max_size):
    """The size that a detector sees an image at, in single precision as torchvision computes it. Returns width and height."""

    def shrink(side, length):
        return float(numpy.float32(float(numpy.float32(1 / length)) * side))

    scale = min(shrink(min_size, min(width, height)), shrink(max_size, max(width, height)))
    size = math.floor(width * scale), math.floor(height * scale)
    if min(size) < 1:
        raise BadRequest("an image of {} x {} pixels is too long and narrow".format(width, height))
    return size


def resize_linear(image, width, height):
    """OpenCV's resize of uint8 [H, W, 3] with INTER_LINEAR, bit for bit: no antialias, weights of 11 bits."""
    rows, columns = image.shape[:2]
    if (columns, rows) == (width, height):
        return image
    if (columns, rows) == (2 * width, 2 * height):
        sums = image.reshape(height, 2, width, 2, 3).sum((1, 3), dtype=numpy.int32)
        return ((sums + 2) >> 2).astype(numpy.uint8)
    left, fractions = linear_inputs(columns, width)
    # Beyond the first and the last pixel, the row goes on as it ends.
    outside = (left < 0) | (left >= columns - 1)
    left = left.clip(0, columns - 1)
    near, far = numpy.where(outside, 2048, fractions[0])[:, None], numpy.where(outside, 0, fractions[1])[:, None]
    right = (left + 1).clip(max=columns - 1)
    stretched = image[:, left].astype(numpy.int32) * near + image[:, right].astype(numpy.int32) * far
    top, fractions = linear_inputs(rows, height)
    above, below = stretched[top.clip(0, rows - 1)] >> 4, stretched[(top + 1).clip(0, rows - 1)] >> 4
    first, second = fractions[0][:, None, None], fractions[1][:, None, None]
    return ((((first * above) >> 16) + ((second * below) >> 16) + 2) >> 2).astype(numpy.uint8)


def linear_inputs(length, count):
    """The first of the two inputs of each of count outputs, and the weights of both. Positions are in single precision, as there."""
    scale = 1 / (count / length)
    positions = ((numpy.arange(count) + 0.5) * scale - 0.5).astype(numpy.float32)
    first = numpy.floor(positions)
    far = positions - first
    near = numpy.float32(1) - far
    return first.astype(numpy.int32), [numpy.rint(weights * 2048).astype(numpy.int32) for weights in (near, far)]


def boxes_of_cells(cells, score_threshold, iou_threshold):
    """What the cells of YOLOv5 say, as boxes in pixels of its square. cells: float32 [cells, 5 + classes]: centre x, y, width, height,
    objectness, class probabilities. A box has its most probable class."""
    threshold = numpy.float32(score_threshold)
    cells = cells[cells[:, 4] > threshold]
    chances = cells[:, 5:] * cells[:, 4:5]
    classes = chances.argmax(1)
    scores = chances.max(1, initial=0)
    likely = scores > threshold
    cells, scores, classes = cells[likely], scores[likely], classes[likely]
    if len(scores) > YOLO_CANDIDATES:
        best = numpy.argsort(-scores, kind="stable")[:YOLO_CANDIDATES]
        cells, scores, classes = cells[best], scores[best], classes[best]
    halves = cells[:, 2:4] / numpy.float32(2)
    boxes = numpy.concatenate([cells[:, :2] - halves, cells[:, :2] + halves], 1)
    apart = boxes + (classes * YOLO_CLASS_DISTANCE).astype(numpy.float32)[:, None]
    kept = suppress(apart, scores, classes, iou_threshold, YOLO_MOST)
    return boxes[kept], scores[kept], classes[kept]


def suppress(boxes, scores, classes, threshold, most):
    """Indices of the boxes that no better one of their class overlaps by more than the threshold (IoU), best first, in single
    precision. Of equal scores the first box is the better one."""
    order = numpy.argsort(-scores, kind="stable")
    corners, kinds = boxes[order], classes[order]
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    covered = numpy.zeros(len(order), bool)
    kept = []
    for i in range(len(order)):
        if len(kept) == most:
            break
        if covered[i]:
            continue
        kept.append(order[i])
        rest = corners[i + 1 :]
        width = numpy.minimum(corners[i, 2], rest[:, 2]) - numpy.maximum(corners[i, 0], rest[:, 0])
        height = numpy.minimum(corners[i, 3], rest[:, 3]) - numpy.maximum(corners[i, 1], rest[:, 1])
        meet = (width > 0) & (height > 0) & (kinds[i + 1 :] == kinds[i])
        intersection = width[meet] * height[meet]
        overlap = intersection / (areas[i] + areas[i + 1 :][meet] - intersection)
        covered[i + 1 :][meet] |= overlap.astype(numpy.float64) > threshold
    return numpy.array(kept, numpy.int64)


def back_on_image(boxes, size, ratios, padding):
    """Boxes in pixels of what the network saw, in pixels of the image and clipped to it."""
    offsets = numpy.array(padding * 2, numpy.float32)
    scale = numpy.array(ratios * 2, numpy.float32).astype(numpy.float64)
    return ((boxes - offsets).astype(numpy.float64) / scale).clip(0, numpy.array(size * 2)).astype(numpy.float32)


def tiles_of_settings(settings):
    """Columns, rows and overlap of the tiles that tile_grid_size asks for, as "3x2"; None without it."""
    grid = settings.get("tile_grid_size")
    overlap = settings.get("tile_overlap_ratio", 0.25)
    if not isinstance(overlap, (int, float)) or not 0 <= overlap < 1:
        raise ValueError("tile_overlap_ratio is {!r} and should be a number from 0 up to but not including 1".format(overlap))
    if grid is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)|\( *([1-9]\d*) *, *([1-9]\d*) *\)", grid) if isinstance(grid, str) else None
    columns, rows = (int(group) for group in match.groups() if group) if match else (0, 0)
    if not 1 < columns * rows <= MOST_TILES:
        raise ValueError("tile_grid_size is {!r} and should be two numbers as in 3x2, for 2 to {} tiles".format(grid, MOST_TILES))
    return columns, rows, overlap


def tiles_of(width, height, columns, rows, overlap):
    """(left, top, width, height) of each tile, row by row; none where the image is too small for more than one."""
    across, down = spans_of(width, columns, overlap), spans_of(height, rows, overlap)
    if len(across) * len(down) == 1:
        return []
    return [(left, top, w, h) for top, h in down for left, w in across]


def spans_of(length, most, overlap):
    """Start and length of the tiles along a side: n of them with overlap r are each length / (n - (n - 1) r) long."""
    count = most
    while count > 1 and length / (count - (count - 1) * overlap) < LEAST_TILE_SIDE:
        count -= 1
    side = length / (count - (count - 1) * overlap)

    def start_of(i):
        return math.floor(i * side * (1 - overlap) + 0.5)

    spans = []
    for i in range(count):
        start = start_of(i)
        # Where neighbours only touch, rounding must not leave a pixel between them.
        end = max(math.floor(i * side * (1 - overlap) + side + 0.5), start_of(i + 1))
        span = (start, (length if i == count - 1 else min(length, end)) - start)
        # With an overlap of nearly 1 tiles can come out the same.
        if not spans or spans[-1] != span:
            spans.append(span)
    return spans
