

def torch_network(path, settings):
    """The detector of outputs/model.pt, of torchvision; parameter names are its. It gets images that are prepared already."""
    checkpoint = checkpoint_of(path)
    import torch
    from torchvision.models import detection

    name, options = checkpoint["architecture"]["name"], checkpoint["architecture"]["options"]
    classes = len(checkpoint["labels"]) + settings["first_label"]
    thresholds = settings["box_score_thresh"], settings["nms_iou_thresh"], settings["box_detections_per_img"]
    prefix = "" if name.startswith("retinanet") else "box_"
    keys = [prefix + "score_thresh", prefix + "nms_thresh", prefix + "detections_per_img"]
    arguments = {"num_classes": classes, "image_mean": [0.0] * 3, "image_std": [1.0] * 3, **dict(zip(keys, thresholds))}
    options = dict(options)
    backbone_name = options.pop("backbone", None)
    arguments.update(options)
    if backbone_name is not None:
        backbone = detection.backbone_utils.resnet_fpn_backbone(backbone_name=backbone_name, weights=None, norm_layer=torch.nn.BatchNorm2d)
        network = getattr(detection, name)(backbone, **arguments)
    else:
        network = getattr(detection, name)(weights=None, weights_backbone=None, **arguments)
    network.load_state_dict(checkpoint["state_dict"])
    network.transform.resize = lambda image, target=None: (image, target)
    # It would put masks on the image, and boxes of images that it resized back.
    network.transform.postprocess = lambda found, *sizes: found
    network.eval()

    def found(batch):
        with torch.no_grad():
            answer = network(list(torch.from_numpy(batch)))[0]
        return [answer[key].numpy() for key in ("boxes", "scores", "labels", "masks") if key in answer]

    return found
