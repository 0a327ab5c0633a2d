

# Answers with Mask R-CNN: boxes as above, and which pixels of the image are each object's.

# Cells without anything around a mask, so that it fades out at the edge of its box.
BORDER = 1

PICTURE_TYPES = {"JPG": "JPEG", "PNG": "PNG", "BMP": "BMP"}

BoxScorer = Scorer


class Scorer(BoxScorer):
    """A detector of masks with all that it takes to ask it.

    settings: of a detector without tiles, and mask_pixel_score_threshold, max_number_of_polygon_points, export_as_image, image_type.
    network: as of a detector, and fourth probabilities of the cells of each box [n, 1, side, side].
    """

    OUTPUTS = BoxScorer.OUTPUTS + ["mask_probabilities_0"]
    # Masks are put on images of their own size here; the graph's own go unused.
    UNUSED = {"paste_masks": numpy.array([0], numpy.int64)}

    def __init__(self, settings, network, normalised=False):
        super().__init__(settings, network, normalised)
        check_mask_settings(settings)

    def _objects(self, image):
        height, width = image.shape[:2]
        boxes, scores, classes, cells = self._regions(image)
        objects = self._described(width, height, boxes, scores, classes)
        for found, box, of_box in zip(objects, boxes, numpy.asarray(cells, numpy.float32)[:, 0]):
            left, top, mask = paste(of_box, box, width, height, self.settings["mask_pixel_score_threshold"])
            if self.settings["export_as_image"]:
                found["mask"] = self._picture(left, top, mask, width, height)
            else:
                polygons = polygons_of_mask(mask, self.settings["max_number_of_polygon_points"])
                found["polygon"] = [in_shares(polygon, left, top, width, height) for polygon in polygons]
        return objects

    def _picture(self, left, top, mask, width, height):
        """Base64 of a grey picture of the image's size, white where the object is."""
        pixels = numpy.zeros((height, width), numpy.uint8)
        pixels[top : top + mask.shape[0], left : left + mask.shape[1]][mask] = 255
        file = io.BytesIO()
        kind = PICTURE_TYPES[self.settings["image_type"].upper()]
        Image.fromarray(pixels).save(file, kind, **({"quality": 95} if kind == "JPEG" else {}))
        return base64.b64encode(file.getvalue()).decode("ascii")


def check_mask_settings(settings):
    threshold, most = settings["mask_pixel_score_threshold"], settings["max_number_of_polygon_points"]
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise ValueError("mask_pixel_score_threshold is {!r} and should be a number, 0 to 1".format(threshold))
    if isinstance(most, bool) or not isinstance(most, int) or most < FEWEST_POINTS:
        raise ValueError("max_number_of_polygon_points is {!r} and should be a whole number of {} or more".format(most, FEWEST_POINTS))
    if not isinstance(settings["export_as_image"], bool):
        raise ValueError("export_as_image is {!r} and should be True or False".format(settings["export_as_image"]))
    if str(settings["image_type"]).upper() not in PICTURE_TYPES:
        raise ValueError("image_type is {!r} and should be one of {}".format(settings["image_type"], ", ".join(PICTURE_TYPES)))


def in_shares(polygon, left, top, width, height):
    return [(value + left) / width if i % 2 == 0 else (value + top) / height for i, value in enumerate(polygon)]


def paste(cells, box, width, height, threshold):
    """Which pixels a mask has, as torchvision's paste_masks_in_image says it, in single precision: the box is enlarged by the border, its
    corners lose their fractions, and the cells are resized to it bilinearly. cells: float32 [side, side]. Returns left, top and bool
    [rows, columns] of the part of the image that the box covers."""
    side = cells.shape[0]
    left, columns = place_along(box[0], box[2], side, width)
    top, rows = place_along(box[1], box[3], side, height)
    bordered = numpy.zeros((side + 2 * BORDER, side + 2 * BORDER), numpy.float32)
    bordered[BORDER:-BORDER, BORDER:-BORDER] = cells
    stretched = between(bordered[:, columns[0]], bordered[:, columns[1]], columns[2][None])
    values = between(stretched[rows[0]], stretched[rows[1]], rows[2][:, None])
    return left, top, values.astype(numpy.float64) > threshold


def between(first, second, share):
    return (numpy.float32(1) - share) * first + share * second


def place_along(low, high, side, length):
    """The first pixel of an enlarged box along one side of the image, and of all of its pixels there the two cells that each lies
    between and how much of the second it has."""
    single = numpy.float32
    cells = side + 2 * BORDER
    half = single(single(high) - single(low)) * single(0.5) * single(cells / side)
    centre = (single(high) + single(low)) * single(0.5)
    start, end = int(centre - half), int(centre + half)
    first = min(length, max(0, start))
    count = max(0, min(length, end + 1) - first)
    offsets = (numpy.arange(count) + (first - start + 0.5)).astype(single)
    places = (single(cells / max(1, end - start + 1)) * offsets - single(0.5)).clip(0)
    cell = numpy.minimum(numpy.floor(places), cells - 1)
    share = (places - cell).clip(max=1)
    cell = cell.astype(numpy.int64)
    return first, (cell, numpy.minimum(cell + 1, cells - 1), share)
