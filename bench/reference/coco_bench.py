"""pycocotools' side of the comparison of evaluations; see ../detection-metrics.ts."""
import contextlib
import io
import json
import os
import sys
import time
from importlib.metadata import version

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

state = {}


def read(folder, name):
    return {
        part: np.fromfile(os.path.join(folder, f'{name}.{part}.f64'))
        for part in ('image', 'category', 'box') + (('area', 'crowd') if name == 'truths' else ('score',))
    }


def prepare_evaluation(images, categories, folder):
    truths, detections = read(folder, 'truths'), read(folder, 'detections')
    coco = COCO()
    coco.dataset = {
        'images': [{'id': i} for i in range(images)],
        'categories': [{'id': i} for i in range(categories)],
        'annotations': [
            {'id': i + 1, 'image_id': int(image), 'category_id': int(category), 'bbox': box, 'area': area, 'iscrowd': int(crowd)}
            for i, (image, category, box, area, crowd) in enumerate(
                zip(truths['image'], truths['category'], truths['box'].reshape(-1, 4).tolist(), truths['area'].tolist(), truths['crowd'])
            )
        ],
    }
    coco.createIndex()
    results = [
        {'image_id': int(image), 'category_id': int(category), 'bbox': box, 'score': score}
        for image, category, box, score in zip(
            detections['image'], detections['category'], detections['box'].reshape(-1, 4).tolist(), detections['score'].tolist()
        )
    ]
    state['coco'], state['results'] = coco, coco.loadRes(results)


def evaluate():
    evaluation = COCOeval(state['coco'], state['results'], 'bbox')
    start = time.perf_counter()
    evaluation.evaluate()
    evaluation.accumulate()
    seconds = time.perf_counter() - start
    evaluation.summarize()
    return {'seconds': seconds, 'summary': evaluation.stats.tolist()}


def versions():
    return {'pycocotools': version('pycocotools')}


calls = {function.__name__: function for function in (prepare_evaluation, evaluate, versions)}
for line in sys.stdin:
    request = json.loads(line)
    with contextlib.redirect_stdout(io.StringIO()):
        answer = calls[request['call']](**request['with'])
    print(json.dumps(answer), flush=True)
