import { CheckpointError } from './checkpoint-error.ts';
import { isTuple, type PickleHost } from './pickle.ts';
import { pthGlobals, refusedGlobal } from './pth-globals.ts';
import { ModuleClasses, PickledModule } from './pth-modules.ts';
import { NumpyArray, NumpyDtype, setArrayState } from './pth-numpy.ts';

/**
 * All that the pickle of a checkpoint can reach: tensors, plain data, and modules as records of what they hold.
 *
 * @param budget how many items may be copied in all
 * @param persistent what lies outside of the pickle under an id
 * @returns with `check`, to be called after the pickle was read: it throws when a name stood for none of these
 */
export function pthHost(
  file: string,
  budget: number,
  persistent: (id: unknown) => unknown,
): PickleHost & { check(): void } {
  const known = pthGlobals(file, budget);
  const classes = new ModuleClasses((name) => refusedGlobal(file, name));
  return {
    file,
    persistent,
    check: () => classes.check(),
    global(module, name) {
      const path = `${module}.${name}`;
      const found = known(path);
      if (found !== undefined) return found;
      const refusal = refusedGlobal(file, path);
      if (refusal.code !== 'refused') throw refusal;
      return classes.named(path);
    },
    // What state_dict() hangs on its dict (`_metadata`) is dropped; a numpy dtype learns its byte order.
    setState(object, state) {
      if (object instanceof Map) return;
      if (object instanceof PickledModule) classes.setState(object, state);
      else if (object instanceof NumpyArray) setArrayState(file, object, state);
      else if (object instanceof NumpyDtype && isTuple(state)) object.littleEndian = state[1] !== '>';
      else throw new CheckpointError({ code: 'refused', file, problem: 'sets the state of something that has none' });
    },
  };
}
