import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentNamed, endpointNamed } from '../../fixtures/kept-endpoints.ts';
import type { ResourceRow, Store } from '../../store/index.ts';
import { onlineKinds } from '../online/online-rows.ts';
import { readWanted } from './endpoint-rows.ts';

/** A store in which somebody changes what is wanted after each list that is read. */
function changing(...moments: { traffic: Record<string, number>; deployments: Record<string, boolean> }[]): Store {
  let moment = 0;
  const row = (kind: string, name: string, spec: object) => ({ kind, name, spec, revision: 1 }) as ResourceRow;
  const list = async (kind: string) => {
    const { traffic, deployments } = moments[Math.min(moment++, moments.length - 1)];
    const workspace = 'here';
    const rows =
      kind === onlineKinds.endpoint
        ? [row(kind, 'pets', { ...endpointNamed('pets', { traffic }), workspace })]
        : Object.entries(deployments).map(([name, deleting]) =>
            row(kind, `pets/${name}`, { ...deploymentNamed('pets', name), workspace, deleting }),
          );
    return { rows: [...rows, row(kind, 'others', { name: 'others', workspace: 'elsewhere' })], next: null };
  };
  return { resources: { list } } as unknown as Store;
}

const seen = async (store: Store) => {
  const { endpoints, deployments } = await readWanted(store, 'here');
  return {
    traffic: endpoints.get('pets')?.spec.traffic,
    deployments: Object.fromEntries([...deployments].map(([key, { spec }]) => [key, spec.deleting])),
  };
};

test('a deployment that comes with its traffic between two reads is there with it', async () => {
  const store = changing(
    { traffic: { blue: 100 }, deployments: { blue: false } },
    { traffic: { green: 100 }, deployments: { blue: false, green: false } },
  );
  const expected = { traffic: { green: 100 }, deployments: { 'pets/blue': false, 'pets/green': false } };
  assert.deepEqual(await seen(store), expected);
});

test('a deployment that loses its traffic and goes between two reads does not go before its traffic', async () => {
  const store = changing(
    { traffic: { blue: 50, green: 50 }, deployments: { blue: false, green: false } },
    { traffic: { green: 100 }, deployments: { blue: true, green: false } },
  );
  const expected = { traffic: { green: 100 }, deployments: { 'pets/blue': false, 'pets/green': false } };
  assert.deepEqual(await seen(store), expected);
});

test('traffic to what is not there is read all the same, and rows of other folders are not', async () => {
  const store = changing({ traffic: { none: 100 }, deployments: {} });
  assert.deepEqual(await seen(store), { traffic: { none: 100 }, deployments: {} });
});
