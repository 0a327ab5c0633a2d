import type { GatewayCertificate } from '../gateway/gateway.ts';
import type { KeepOptions } from './keep-endpoints.ts';
import type { GatewayAddress, KeptGateway } from './kept-gateway.ts';

/** What a keeper that was started with a channel is told: where to listen, and later another certificate. */
export type KeeperOrder =
  | ({ readonly kind: 'listen' } & GatewayAddress)
  | { readonly kind: 'renew'; readonly certificate: GatewayCertificate };

/** What it tells. */
export interface KeeperMessage {
  readonly kind: 'gateway';
  readonly url: string;
}

type Orders = Pick<KeepOptions, 'gateway' | 'onGateway'>;

/** Of a keeper that nobody tells anything: it is for this machine alone. */
export const ownAddress: Orders = { gateway: { host: '127.0.0.1', port: null, certificate: null } };

/** Waits for the first order, and follows the others. */
export function toldAddress(): Promise<Orders> {
  let gateway: KeptGateway | null = null;
  /** One that came before there was a gateway. */
  let renewed: GatewayCertificate | null = null;
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
        onGateway(opened) {
          gateway = opened;
          if (renewed !== null) gateway.renew(renewed);
          const message: KeeperMessage = { kind: 'gateway', url: opened.url };
          if (process.connected) process.send?.(message);
        },
      });
    });
  });
}
