

try:
    from azureml.contrib.services.aml_request import rawhttp
    from azureml.contrib.services.aml_response import AMLResponse
except ImportError:
    # Outside of Azure's servers run() is called with the body of the request, and its result sent back.
    AMLResponse = None

    def rawhttp(function):
        return function


scorer = None


def init():
    """Loads the model: model.onnx, or where only model.pt was registered, that with PyTorch."""
    global scorer
    path = model_file()
    if path.endswith(".onnx"):
        scorer = Scorer.of_onnx(path, model_settings)
    else:
        scorer = Scorer(checked(model_settings), torch_network(path, model_settings))


@rawhttp
def run(request):
    """Answers the bytes of one image with an object that also has "filename", and a JSON document with a list of such objects."""
    try:
        answer = answer_of(body_of(request))
        status = 200
    except BadRequest as error:
        if AMLResponse is None:
            raise
        answer = {"error": str(error)}
        status = 400
    return answer if AMLResponse is None else AMLResponse(json.dumps(answer), status)


def body_of(request):
    """Bytes, or what JSON holds."""
    body = request.get_data() if hasattr(request, "get_data") else request
    if isinstance(body, str):
        body = body.encode("utf-8")
    if not isinstance(body, (bytes, bytearray)):
        return body
    if not body.lstrip()[:1] == b"{":
        return bytes(body)
    try:
        return json.loads(body)
    except ValueError as error:
        raise BadRequest("the request is not JSON: {}".format(error)) from error


def answer_of(body):
    if isinstance(body, bytes):
        return {"filename": "image", **scorer.score([body])[0]}
    return scorer.score(images_of_request(body))


def model_file():
    here = os.path.dirname(os.path.abspath(__file__))
    registered = os.environ.get("AZUREML_MODEL_DIR")
    folders = [registered] if registered else [os.path.join(here, "..", "train_artifacts"), here]
    for name in ("model.onnx", "model.pt"):
        for folder in folders:
            for parent, children, files in os.walk(folder):
                children.sort()
                if name in files:
                    return os.path.join(parent, name)
    raise FileNotFoundError(
        "there is no model.onnx or model.pt in {}; register the folder train_artifacts, or the file outputs/model.pt".format(
            " or ".join(folders)
        )
    )


def checkpoint_of(path):
    """What is in model.pt, for a network that PyTorch's libraries have."""
    try:
        import torch
    except ImportError:
        raise ImportError(
            "model.pt needs PyTorch: register train_artifacts/model.onnx with it, or install torch with torchvision or timm"
        ) from None
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    if checkpoint["architecture"] is None:
        raise ValueError("{} is in no library for PyTorch: register train_artifacts/model.onnx".format(checkpoint["model_name"]))
    return checkpoint
