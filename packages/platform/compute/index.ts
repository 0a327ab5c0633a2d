import { placeOf } from '../place.ts';
import { openStore } from '../store/index.ts';
import {
  type ComputeNode,
  findNamedCompute,
  listNamedComputes,
  type NamedCompute,
  type NewCompute,
  nodesOf,
  putNamedCompute,
  removeNamedCompute,
  setStopped,
} from './named-compute.ts';

export { readComputeFile } from './compute-file.ts';
export { type ComputeNode, computeNameOf, type NamedCompute, type NewCompute } from './named-compute.ts';

/** The computes of a workspace: names for its machine. Each function throws a Refusal for what cannot be. */
export interface Computes {
  list(): Promise<NamedCompute[]>;
  find(name: string): Promise<NamedCompute>;
  /** Makes one, or replaces one of its type. */
  put(compute: NewCompute): Promise<NamedCompute>;
  /** Of a ComputeInstance. */
  setStopped(name: string, isStopped: boolean): Promise<NamedCompute>;
  /** One that no job is to run on. */
  remove(name: string): Promise<void>;
  nodes(name: string): Promise<ComputeNode[]>;
  close(): Promise<void>;
}

export type OpenComputes = (address: { readonly folder: string; readonly database?: string }) => Promise<Computes>;

/** Opens the computes of a workspace. @throws StoreUnavailable */
export const openComputes: OpenComputes = async (address) => {
  const store = await openStore(placeOf(address));
  return {
    list: () => listNamedComputes(store),
    find: (name) => findNamedCompute(store, name),
    put: (compute) => putNamedCompute(store, compute),
    setStopped: (name, isStopped) => setStopped(store, name, isStopped),
    remove: (name) => removeNamedCompute(store, name),
    nodes: async (name) => nodesOf(store, await findNamedCompute(store, name)),
    close: () => store.close(),
  };
};
