// Never run: `tsc` fails here when a wrong argument to an operator compiles.
import { type Generator, ops, type Tensor } from './index.ts';

export function typedOperators(x: Tensor, generator: Generator): void {
  const y: Tensor = ops.conv2d(x, x, null, 1, [1, 1]);
  const [values, indices]: [Tensor, Tensor] = ops.maxDim(x, 0);
  const parts: Tensor[] = ops.chunk(x, 2);
  const same: boolean = ops.equal(x, y);
  ops.zeros([2, 3], 'bfloat16', 'strided', 'cpu');
  ops.indexTensor(x, [null, indices]);
  ops.randnGenerator([2], generator);
  ops._foreachAddScalar_([values, ...parts], 1);

  // @ts-expect-error a number where a tensor belongs
  ops.relu(1);
  // @ts-expect-error nothing where a tensor belongs
  ops.relu();
  // @ts-expect-error too many
  ops.relu(x, x);
  // @ts-expect-error a tensor where a number belongs
  ops.addScalar(x, x);
  // @ts-expect-error null where a tensor must be
  ops.addTensor(x, null);
  // @ts-expect-error a string where a boolean belongs
  ops.sumDimIntList(x, 0, 'true');
  // @ts-expect-error a dtype that there is not
  ops.zeros([2], 'float31');
  // @ts-expect-error a memory format that there is not
  ops.contiguous(x, 'nhwc');
  // @ts-expect-error a list of what are not tensors
  ops.cat([1, 2]);
  // @ts-expect-error a tensor, not a list of them
  ops.cat(x);
  // @ts-expect-error a number as a generator
  ops.randnGenerator([2], 0);
  // @ts-expect-error two results, not three
  const [, , third] = ops.maxDim(x, 0);
  // @ts-expect-error the result is a boolean
  const text: string = same;
  // @ts-expect-error an operator that there is not
  ops.nope(x);
  // @ts-expect-error nothing comes back
  ops._foreachAddScalar_([x], 1).shape;
  void [third, text];
}
