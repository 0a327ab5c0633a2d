"""The same work driven by Python's torch and torchvision, for comparison. Reads one JSON request a line, answers one a line."""
import json
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

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
