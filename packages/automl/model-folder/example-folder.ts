// Writes the smallest model folder there is, which the tests of serving load: for each image, the mean of its red, green and blue.
//   .runtime/node packages/automl/model-folder/example-folder.ts packages/serving/fixtures/colours
import { nn } from '@fovea/torch';
import { exportOnnx } from '../onnx/export.ts';
import { writeModelFolder } from './write.ts';

export const colours = (): nn.Module => new nn.Sequential(new nn.AdaptiveAvgPool2d(1), new nn.Flatten());

export async function writeExampleFolder(folder: string): Promise<void> {
  const model = colours();
  await writeModelFolder(folder, {
    task: 'image_classification',
    modelName: 'resnet18',
    labels: ['red', 'green', 'blue'],
    input: {
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
      interpolation: 'bilinear',
      normalised_in_graph: false,
    },
    settings: { valid_resize_size: 32, valid_crop_size: 24 },
    weights: model.stateDict(),
    onnx: exportOnnx(model, { inputShape: [1, 3, 24, 24] }),
    training: { job: 'example' },
    weightsOrigin: { pretrained: false, weights: 'random', licence: null },
  });
}

if (import.meta.main) await writeExampleFolder(process.argv[2]);
