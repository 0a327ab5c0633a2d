"""Stands where a scoring program would be. Detectors are not answered from Python yet."""

REASON = (
    "this model finds objects, and Fovea's Python code answers classifiers only. Ask it with `fovea predict <folder> <images>`, "
    "or run artifacts/model.onnx in onnxruntime: it gives boxes_0, labels_0 and scores_0 in pixels of the input (YOLOv5: for every "
    "cell centre x, y, width, height, objectness and classes)"
)


class FoveaModel:
    """What python_model.pkl is of."""

    def load_context(self, context):
        raise NotImplementedError(REASON)

    def predict(self, context, model_input, params=None):
        raise NotImplementedError(REASON)


def init():
    raise NotImplementedError(REASON)


def run(request):
    raise NotImplementedError(REASON)
