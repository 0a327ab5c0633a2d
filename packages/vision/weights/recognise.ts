/** Names and shapes of a network's entries. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** The name of the network that a checkpoint seems to belong to, or null: a hint for messages, nothing else relies on it. */
export function recognise(shapes: Shapes): string | null {
  if (shapes.has('layer0.conv1.weight') && shapes.has('layer1.0.se_module.fc1.weight'))
    return recogniseSEResNeXt(shapes);
  if (shapes.has('conv1.0.weight') && shapes.has('layer1.0.conv2.bn0.weight')) return recogniseResNeSt(shapes);
  if (shapes.has('layer1.0.conv1.weight') && shapes.has('conv1.weight')) return recogniseResNet(shapes);
  if (shapes.get('features.0.0.weight')?.shape[0] === 32 && shapes.has('features.18.0.weight')) return 'mobilenetv2';
  if (shapes.has('patch_embed.proj.weight') && shapes.has('blocks.0.attn.qkv.weight')) {
    const width = shapes.get('patch_embed.proj.weight')?.shape[0];
    return width === 384 ? 'vits16r224' : width === 768 ? 'vitb16r224' : width === 1024 ? 'vitl16r224' : null;
  }
  return null;
}

/** Blocks in each of the four stages. */
function blocksOf(shapes: Shapes): number[] {
  return [1, 2, 3, 4].map((layer) => {
    let count = 0;
    while (shapes.has(`layer${layer}.${count}.conv1.weight`)) count++;
    return count;
  });
}

/** How many layers a network of such blocks is said to have: those with weights, without the shortcuts. */
function layersOf(blocks: readonly number[], perBlock: number): number {
  return blocks.reduce((sum, count) => sum + count, 0) * perBlock + 2;
}

function recogniseResNet(shapes: Shapes): string | null {
  const bottleneck = shapes.has('layer1.0.conv3.weight');
  const layers = layersOf(blocksOf(shapes), bottleneck ? 3 : 2);
  const [width, perGroup] = shapes.get('layer1.0.conv2.weight')?.shape ?? [];
  if (width !== perGroup) return `resnext${layers}_${width / perGroup}x${perGroup}d`;
  return width === 64 ? `resnet${layers}` : width === 128 ? `wide_resnet${layers}_2` : null;
}

function recogniseResNeSt(shapes: Shapes): string {
  return `resnest${layersOf(blocksOf(shapes), 3)}`;
}

function recogniseSEResNeXt(shapes: Shapes): string {
  const layers = layersOf(blocksOf(shapes), 3);
  const [width, perGroup] = shapes.get('layer1.0.conv2.weight')?.shape ?? [];
  return layers === 50 && perGroup === 4 ? 'seresnext' : `se_resnext${layers}_${width / perGroup}x${perGroup}d`;
}
