"""The same work driven by Python's torch and torchvision, for comparison. Reads one JSON request a line, answers one a line."""
import json
import resource
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import feature_pyramid_network, misc

torch.set_num_threads(2)
MODELS = {'resnet18': 'resnet18', 'resnet50': 'resnet50', 'mobilenetv2': 'mobilenet_v2', 'vitb16r224': 'vit_b_16'}
state = {}


def build(name):
    torch.manual_seed(0)
    return getattr(torchvision.models, MODELS[name])(num_classes=1000)


def prepare_training(model, batch, size, memory_format):
    """PyTorch as its own examples use it; channels_last only when asked for."""
    net = build(model)
    net.train()
    x = torch.randn(batch, 3, size, size)
    if memory_format == 'channels_last':
        net = net.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    state['training'] = (net, optimizer, x, torch.arange(batch))


def train_steps(steps):
    net, optimizer, x, target = state['training']
    start = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(net(x), target)
        loss.backward()
        optimizer.step()
        loss.item()
    return time.perf_counter() - start


def build_detector(name, classes, min_size):
    """As torchvision's own builders do it from published weights: frozen normalisation, conv1 and the first stage fixed."""
    torch.manual_seed(0)
    body = torchvision.models.resnet50(norm_layer=misc.FrozenBatchNorm2d)
    if name == 'fasterrcnn_resnet50_fpn':
        net = detection.FasterRCNN(_resnet_fpn_extractor(body, 3), classes, min_size=min_size)
    elif name == 'maskrcnn_resnet50_fpn':
        net = detection.MaskRCNN(_resnet_fpn_extractor(body, 3), classes, min_size=min_size)
    else:
        extra = feature_pyramid_network.LastLevelP6P7(256, 256)
        backbone = _resnet_fpn_extractor(body, 3, returned_layers=[2, 3, 4], extra_blocks=extra)
        net = detection.RetinaNet(backbone, classes, min_size=min_size)
    for key, buffer in net.named_buffers():
        if key.endswith('bn3.weight'):
            buffer.fill_(0.2)
    return net


def prepare_detector(model, classes, width, height, boxes, labels, memory_format):
    net = build_detector(model, classes, height)
    image = torch.rand(3, height, width)
    net.train()
    if memory_format == 'channels_last':
        net = net.to(memory_format=torch.channels_last)
    learning = [parameter for parameter in net.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=0.001, momentum=0.9)
    target = {'boxes': torch.tensor(boxes), 'labels': torch.tensor(labels)}
    if model.startswith('maskrcnn'):
        target['masks'] = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
        for mask, box in zip(target['masks'], boxes):
            x1, y1, x2, y2 = map(int, box)
            mask[y1:y2, x1:x2] = 1
    state['detector'] = (net, optimizer, image, target)


def detector_loss():
    """A step. Returns the loss before it."""
    net, optimizer, image, target = state['detector']
    optimizer.zero_grad(set_to_none=True)
    loss = sum(net([image], [target]).values())
    loss.backward()
    optimizer.step()
    return loss.item()


def detector_step():
    start = time.perf_counter()
    detector_loss()
    return time.perf_counter() - start


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def prepare_prediction(model, batch, size):
    net = build(model)
    net.eval()
    state['prediction'] = (net, torch.randn(batch, 3, size, size))


def predict(steps):
    net, x = state['prediction']
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(steps):
            net(x)
    return time.perf_counter() - start


def prepare_explaining(model, size):
    net = build(model)
    net.eval()
    state['explaining'] = (net, torch.randn(1, 3, size, size))


def integrate_gradients(steps, target=7):
    """As captum's IntegratedGradients does it: baseline 0, the middle Riemann rule, one batch."""
    net, x = state['explaining']
    start = time.perf_counter()
    baseline = torch.zeros_like(x)
    alphas = [(k + 0.5) / steps for k in range(steps)]
    scaled = torch.cat([baseline + alpha * (x - baseline) for alpha in alphas]).requires_grad_()
    scores = net(scaled)[torch.arange(steps), target]
    (gradients,) = torch.autograd.grad(torch.unbind(scores), scaled)
    weights = torch.full((steps, 1), 1 / steps)
    total = (gradients.contiguous().view(steps, -1) * weights).view(gradients.shape).sum(0, keepdim=True)
    (total * (x - baseline)).numpy()
    return time.perf_counter() - start


TRANSFORMS = {
    'training': [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()],
    'validation': [transforms.Resize(256), transforms.CenterCrop(224)],
}


def prepare_decoding(files):
    """One core, as one worker of a data loader has."""
    torch.set_num_threads(1)
    state['files'] = files


def decode(transform, passes):
    apply = transforms.Compose([*TRANSFORMS[transform], transforms.PILToTensor()])
    start = time.perf_counter()
    for _ in range(passes):
        for file in state['files']:
            apply(Image.open(file).convert('RGB'))
    return time.perf_counter() - start


class Photos(torch.utils.data.Dataset):
    def __init__(self, files):
        self.files = files
        jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
        self.transform = transforms.Compose([*TRANSFORMS['training'], jitter, transforms.PILToTensor()])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.transform(Image.open(self.files[index]).convert('RGB'))


def prepare_loading(files, batch, workers):
    # No memory is pinned: there is no GPU to copy to.
    state['loader'] = torch.utils.data.DataLoader(
        Photos(files), batch_size=batch, num_workers=workers, persistent_workers=True
    )


def load_epoch():
    start = time.perf_counter()
    for _ in state['loader']:
        pass
    return time.perf_counter() - start


def versions():
    return {
        'Python': sys.version.split()[0],
        'Python torch': torch.__version__,
        'torchvision': torchvision.__version__,
        'Pillow': PIL.__version__,
    }


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(globals()[request['call']](**request['with'])), flush=True)
