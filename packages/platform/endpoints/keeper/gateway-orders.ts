import type { GatewayCertificate } from '../gateway/gateway.ts';
import type { KeepOptions } from './keep-endpoints.ts';
import type { GatewayAddress, KeptGateway } from './kept-gateway.ts';

/** What a keeper that was started with a channel is told: where to listen, and later another certificate. */
export type KeeperOrder =
  | ({ readonly kind: 'listen' } & GatewayAddress)
  | { readonly kind: 'renew'; readonly certificate: GatewayCertificate };

/** What it tells: a line for people, where endpoints can be asked, or why they cannot. */
export interface KeeperMessage {
  readonly text: string;
}

type Orders = Pick<KeepOptions, 'gateway' | 'onGateway' | 'onTrouble'>;

/** Of a keeper that nobody tells anything: it is for this machine alone. */
export const ownAddress: Orders = { gateway: { host: '127.0.0.1', port: null, certificate: null } };

/** Waits for the first order, and follows the others. */
export function toldAddress(): Promise<Orders> {
  let gateway: KeptGateway | null = null;
  /** One that came before there was a gateway. */
  let renewed: GatewayCertificate | null = null;
  const tell = (text: string) => {
    const message: KeeperMessage = { text };
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  return new Promise((resolve) => {
    process.on('message', (order: KeeperOrder) => {
      if (order.kind === 'renew') {
        renewed = order.certificate;
        gateway?.renew(renewed);
        return;
      }
      const { host, port, certificate } = order;
      resolve({
        gateway: { host, port, certificate },
        onTrouble: tell,
        onGateway(opened) {
          gateway = opened;
          if (renewed !== null) gateway.renew(renewed);
          tell(`online endpoints answer at ${opened.url}`);
        },
      });
    });
  });
}
