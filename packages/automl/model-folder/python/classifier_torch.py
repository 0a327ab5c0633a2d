

def torch_network(path, settings):
    """The network of outputs/model.pt, of torchvision or timm; parameter names are theirs."""
    checkpoint = checkpoint_of(path)
    import torch

    architecture = checkpoint["architecture"]
    classes = len(checkpoint["labels"])
    if architecture["library"] == "torchvision":
        import torchvision

        network = getattr(torchvision.models, architecture["name"])(num_classes=classes)
    else:
        import timm

        network = timm.create_model(architecture["name"], num_classes=classes, **architecture["options"])
    network.load_state_dict(checkpoint["state_dict"])
    network.eval()

    def logits(batch):
        with torch.no_grad():
            return network(torch.from_numpy(batch)).numpy()

    return logits
