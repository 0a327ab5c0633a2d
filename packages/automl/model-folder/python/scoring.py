"""Scores images with an image classifier that was trained by Fovea. Needs numpy, Pillow and onnxruntime.

Images become the network's input exactly as in training's validation: upright (EXIF), RGB, the shorter side resized to
valid_resize_size (Pillow's bilinear with antialias), the middle valid_crop_size x valid_crop_size of it (black around what is
smaller), values 0 to 1, normalised.
"""

import base64
import binascii
import io
import json
import os

import numpy
from PIL import Image, ImageOps

MULTILABEL = "image-classification-multilabel"

# More than that is a mistake, or a trap.
MAX_PIXELS = 0x3FFF * 0x3FFF

# Images that go through the network together.
BATCH = 8


class BadRequest(ValueError):
    """What was sent cannot be answered; the message says why."""


class Scorer:
    """A network with all that it takes to ask it.

    settings: dict of task_type, labels (index = class), valid_resize_size, valid_crop_size, mean, std (of values 0 to 1, one for
    each of red, green and blue).
    network: function from float32 [N, 3, valid_crop_size, valid_crop_size] to logits [N, classes].
    normalised: the network normalises its input itself.
    """

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
        try:
            pixels = prepare(read_image(data), self.settings["valid_resize_size"], self.settings["valid_crop_size"])
        except MemoryError:
            raise
        except Exception as error:
            raise BadRequest("image {} cannot be read: {}".format(index + 1, error)) from error
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

    available = onnxruntime.get_available_providers()
    providers = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
    session = onnxruntime.InferenceSession(path, providers=providers)
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
    return onnxruntime.InferenceSession(graph.SerializeToString(), providers=providers)


def read_image(data):
    """The bytes of an image file as a Pillow image: upright, RGB, of an animation the first frame."""
    image = Image.open(io.BytesIO(data))
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ValueError("it has {} x {} pixels, more than can be opened ({})".format(width, height, MAX_PIXELS))
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # 16-bit grey, of which Pillow's convert would make white.
        image = Image.fromarray((numpy.asarray(image) >> 8).clip(0, 255).astype(numpy.uint8))
    if isinstance(image.info.get("transparency"), bytes):
        # The palette's colours without their transparency; Pillow warns of going there in one step.
        image = image.convert("RGBA")
    return image.convert("RGB")


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


def normalise(pixels, mean, std):
    """uint8 [H, W, 3] to float32 [3, H, W]."""
    values = pixels.astype(numpy.float32) / numpy.float32(255)
    values = (values - numpy.asarray(mean, numpy.float32)) / numpy.asarray(std, numpy.float32)
    return numpy.ascontiguousarray(values.transpose(2, 0, 1))


def softmax(logits):
    exponentials = numpy.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def sigmoid(logits):
    with numpy.errstate(over="ignore"):
        return 1 / (1 + numpy.exp(-logits))


def images_of_request(request):
    """The image files' bytes in {"input_data": {"columns": ["image"], "data": [base64, ...]}}."""
    table = request.get("input_data") if isinstance(request, dict) else None
    if not isinstance(table, dict) or not isinstance(table.get("data"), list):
        raise BadRequest('the request should be {"input_data": {"columns": ["image"], "data": ["<base64>"]}}')
    if table.get("columns", ["image"]) != ["image"]:
        raise BadRequest('input_data.columns should be ["image"], and is {}'.format(json.dumps(table["columns"])))
    return [image_of_cell(cell, index) for index, cell in enumerate(table["data"])]


def image_of_cell(cell, index):
    """The bytes of an image file, given as they are, as base64, or as a JSON text with image_base64; or one of these in a list."""
    where = "image {}".format(index + 1)
    if isinstance(cell, (list, tuple)) and len(cell) == 1:
        cell = cell[0]
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return bytes(cell)
    if not isinstance(cell, str):
        raise BadRequest("{} should be base64 text".format(where))
    text = cell.strip()
    if text.startswith("{"):
        text = image_of_json(text, where)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("{} is not base64: {}".format(where, error)) from error


def image_of_json(text, where):
    try:
        element = json.loads(text)
    except ValueError as error:
        raise BadRequest("{} is not JSON: {}".format(where, error)) from error
    if element.get("model_explainability"):
        raise BadRequest("{}: this script gives no explanations; leave model_explainability out".format(where))
    if not isinstance(element.get("image_base64"), str):
        raise BadRequest("{} has no image_base64".format(where))
    return element["image_base64"]
