"""What every scoring program of Fovea has: images and requests. Needs numpy, Pillow and onnxruntime."""

import base64
import binascii
import io
import json
import math
import os
import re

import numpy
from PIL import Image, ImageOps

# More than that is a mistake, or a trap.
MAX_PIXELS = 0x3FFF * 0x3FFF


class BadRequest(ValueError):
    """What was sent cannot be answered; the message says why."""


def providers():
    """What ONNX Runtime shall compute with."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]


def opened(data, index, use):
    """What use makes of an image file's bytes, opened. Only the image is to blame for what goes wrong."""
    try:
        return use(read_image(data))
    except MemoryError:
        raise
    except Exception as error:
        raise BadRequest("image {} cannot be read: {}".format(index + 1, error)) from error


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


def normalise(pixels, mean, std):
    """uint8 [H, W, 3] to float32 [3, H, W]."""
    values = pixels.astype(numpy.float32) / numpy.float32(255)
    values = (values - numpy.asarray(mean, numpy.float32)) / numpy.asarray(std, numpy.float32)
    return numpy.ascontiguousarray(values.transpose(2, 0, 1))


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
