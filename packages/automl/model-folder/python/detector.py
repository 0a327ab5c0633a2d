"""Stands where a scoring program would be. Detectors are not answered from Python yet."""

REASON = (
    "this model finds objects, and Fovea's Python code answers classifiers only. Ask it with `fovea predict <folder> <images>`, "
    "or run artifacts/model.onnx in onnxruntime: its outputs are described in the documentation"
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
