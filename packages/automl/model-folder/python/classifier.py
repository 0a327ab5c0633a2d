

# Answers with an image classifier. Images become the network's input exactly as in training's validation: upright (EXIF), RGB, the
# shorter side resized to valid_resize_size (Pillow's bilinear with antialias), the middle valid_crop_size x valid_crop_size of it
# (black around what is smaller), values 0 to 1, normalised.

MULTILABEL = "image-classification-multilabel"

# Images that go through the network together.
BATCH = 8


class Scorer:
    """A network with all that it takes to ask it.

    settings: dict of task_type, labels (index = class), valid_resize_size, valid_crop_size, mean, std (of values 0 to 1, one for
    each of red, green and blue).
    network: function from float32 [N, 3, valid_crop_size, valid_crop_size] to logits [N, classes].
    normalised: the network normalises its input itself.
    """

    COLUMNS = ["probs", "labels"]

    def __init__(self, settings, network, normalised=False):
        self.settings = settings
        self.network = network
        self.mean = [0.0, 0.0, 0.0] if normalised else settings["mean"]
        self.std = [1.0, 1.0, 1.0] if normalised else settings["std"]

    @classmethod
    def of_onnx(cls, path, settings):
        """settings: as above, with normalised_in_graph."""
        session = open_session(path, checked(settings)["valid_crop_size"])
        name = session.get_inputs()[0].name
        return cls(settings, lambda batch: session.run(None, {name: batch})[0], settings["normalised_in_graph"])

    def score(self, images):
        """images: list of the bytes of image files. Returns [{"probs": [...], "labels": [...]}, ...], all labels for each image."""
        answers = []
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            batch = numpy.stack([self._input(image, start + i) for i, image in enumerate(part)])
            for logits in numpy.asarray(self.network(batch)):
                answers.append({"probs": self._probabilities(logits), "labels": list(self.settings["labels"])})
        return answers

    def _input(self, data, index):
        resize_size, crop_size = self.settings["valid_resize_size"], self.settings["valid_crop_size"]
        pixels = opened(data, index, lambda image: prepare(image, resize_size, crop_size))
        return normalise(pixels, self.mean, self.std)

    def _probabilities(self, logits):
        multilabel = self.settings["task_type"] == MULTILABEL
        return (sigmoid if multilabel else softmax)(numpy.asarray(logits, numpy.float64)).tolist()


def checked(settings):
    """The settings, when their sizes are sizes: people edit them."""
    for key in ("valid_resize_size", "valid_crop_size"):
        if not isinstance(settings[key], int) or settings[key] < 1:
            raise ValueError("{} is {!r} and should be a whole number of pixels".format(key, settings[key]))
    return settings


def open_session(path, crop_size):
    """An ONNX Runtime session for images of crop_size x crop_size."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=providers())
    height, width = session.get_inputs()[0].shape[2:]
    if [height, width] == [crop_size, crop_size]:
        return session
    if session.get_modelmeta().custom_metadata_map.get("fovea.image_size") != "any":
        raise ValueError(
            "this model takes images of {} x {} only: set valid_crop_size back to {}".format(width, height, height)
        )
    try:
        import onnx
    except ImportError:
        raise ValueError(
            "valid_crop_size is {}, and the graph was made for {}: install the package onnx, which is needed to change "
            "that, or set it back".format(crop_size, height)
        ) from None
    graph = onnx.load(path)
    for dimension in graph.graph.input[0].type.tensor_type.shape.dim[2:]:
        dimension.dim_value = crop_size
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=providers())


def prepare(image, resize_size, crop_size):
    """An RGB image to uint8 [crop_size, crop_size, 3]: torchvision's Resize(resize_size) and CenterCrop(crop_size)."""
    width, height = image.size
    longer = max(1, int(resize_size * max(width, height) / min(width, height)))
    if resize_size * longer > MAX_PIXELS:
        raise ValueError("it is too long and narrow: {} x {} pixels".format(width, height))
    width, height = (resize_size, longer) if width <= height else (longer, resize_size)
    left, right, x = middle(width, crop_size)
    top, bottom, y = middle(height, crop_size)
    part = numpy.asarray(image.resize((width, height), Image.BILINEAR).crop((left, top, right, bottom)))
    canvas = numpy.zeros((crop_size, crop_size, 3), numpy.uint8)
    canvas[y : y + bottom - top, x : x + right - left] = part
    return canvas


def middle(length, size):
    """Where the middle of a side begins and ends, and where it goes in the result."""
    if length < size:
        return 0, length, (size - length) // 2
    start = int(round((length - size) / 2.0))
    return start, start + size, 0


def softmax(logits):
    exponentials = numpy.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def sigmoid(logits):
    with numpy.errstate(over="ignore"):
        return 1 / (1 + numpy.exp(-logits))
