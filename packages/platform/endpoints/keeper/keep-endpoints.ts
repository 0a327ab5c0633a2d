import { existsSync } from 'node:fs';
import { patiently } from '../../patience.ts';
import type { Place } from '../../place.ts';
import { describeToken, processToken, type Store, StoreUnavailable } from '../../store/index.ts';
import { readWanted } from './endpoint-rows.ts';
import { keeperKind } from './ensure-keeper.ts';
import { Keeper } from './keeper.ts';
import { beatMilliseconds, KeeperLease } from './keeper-lease.ts';
import { type GatewayAddress, type KeptGateway, keepGateway } from './kept-gateway.ts';
import { pause } from './pause.ts';
import { type SocketFolder, socketFolder } from './socket-folder.ts';

/** Between two looks at what is wanted. */
const lookMilliseconds = 200;
const rotateMilliseconds = 5000;

export interface KeepOptions {
  readonly gateway: GatewayAddress;
  /** Is told when endpoints can be asked. */
  readonly onGateway?: (gateway: KeptGateway) => void;
  /** Is told why they cannot yet. */
  readonly onTrouble?: (text: string) => void;
  /** Whoever started this process is there, and would start another one: it does not end for want of deployments. */
  readonly isKept: () => boolean;
  /** After so long without a deployment it ends. */
  readonly idleMilliseconds: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/**
 * Makes the deployments of a workspace folder true and answers for its endpoints, until there are none. Of several processes that do so one
 * acts; the others wait for its end.
 *
 * @throws Refusal when the gateway can never listen
 */
export async function keepEndpoints(place: Place, store: Store, options: KeepOptions): Promise<void> {
  const life = new KeeperLife(place, store, options);
  try {
    await life.live();
  } finally {
    await life.leave();
  }
}

class KeeperLife {
  readonly #place: Place;
  readonly #store: Store;
  readonly #options: KeepOptions;
  readonly #owner = processToken();
  readonly #lease: KeeperLease;
  readonly #signal: AbortSignal;
  /** Another process acts in place of this one. */
  readonly #lost = new AbortController();
  readonly #ending = new AbortController();
  #sockets: SocketFolder | null = null;
  /** Null while another one acts. */
  #keeper: Keeper | null = null;
  /** Until the gateway listens, or cannot. */
  #opening: Promise<void> | null = null;
  #gateway: KeptGateway | null = null;
  /** Why the gateway cannot be. */
  #fault: unknown = null;
  #woken = new AbortController();
  /** Who was asked to give way. */
  #asked: string | null = null;

  constructor(place: Place, store: Store, options: KeepOptions) {
    this.#place = place;
    this.#store = store;
    this.#options = options;
    this.#lease = new KeeperLease(place, store, () => ({ owner: this.#owner, isKept: options.isKept() }));
    this.#signal = AbortSignal.any([options.signal, this.#lost.signal, this.#ending.signal]);
    this.#signal.addEventListener('abort', () => this.#wakeUp());
  }

  async live(): Promise<void> {
    const { idleMilliseconds, isKept, say } = this.#options;
    const { processes } = this.#store;
    await patiently(this.#place, () => this.#register());
    let [busy, rotated] = [performance.now(), performance.now()];
    let trouble = '';
    const heart = setInterval(() => this.#beat(), beatMilliseconds);
    try {
      while (!this.#signal.aborted && existsSync(this.#place.folder)) {
        try {
          if ((await this.#look()) || isKept()) busy = performance.now();
          else if (performance.now() - busy > idleMilliseconds) {
            // A deployment that comes from now on finds nobody here; one that came before is found now.
            await processes.remove(this.#owner);
            if (!(await this.#look())) return;
            await this.#register();
            busy = performance.now();
          }
          trouble = '';
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          if (error.message !== trouble) say(error.message);
          trouble = error.message;
        }
        if (this.#fault !== null) throw this.#fault;
        if (performance.now() - rotated > rotateMilliseconds) {
          rotated = performance.now();
          this.#keeper?.rotateLogs();
          this.#gateway?.rotateLog();
        }
        await this.#rest();
      }
    } finally {
      clearInterval(heart);
    }
  }

  /** Gives the right to act to the next one, and then ends what has been begun in good order. */
  async leave(): Promise<void> {
    this.#ending.abort();
    const closing = this.#opening?.then(() => this.#gateway?.close());
    if (existsSync(this.#place.folder)) {
      try {
        await this.#store.processes.remove(this.#owner);
        if (!this.#lost.signal.aborted) await this.#keeper?.putDown();
        await this.#lease.release();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
    await closing;
    await this.#keeper?.drain();
    this.#sockets?.remove();
  }

  #register(): Promise<void> {
    const owner = this.#owner;
    return this.#store.processes.add({ owner, kind: keeperKind(this.#place), ...describeToken(owner) });
  }

  /** @returns whether there are deployments */
  async #look(): Promise<boolean> {
    const [place, store] = [this.#place, this.#store];
    const { say } = this.#options;
    if (this.#keeper === null) {
      if (!(await this.#lease.take())) {
        this.#askForIt();
        return (await readWanted(store, place.id)).deployments.size > 0;
      }
      say('this process serves the endpoints');
      const sockets = socketFolder();
      this.#sockets = sockets;
      const onChange = () => this.#wakeUp();
      this.#keeper = new Keeper({ place, store, say, onChange, newSocket: () => sockets.next() });
    }
    const keeper = this.#keeper;
    const isBusy = await keeper.look();
    // It may have to wait for its port; deployments do not.
    this.#opening ??= this.#open(keeper);
    await this.#gateway?.tell(keeper.revisions);
    return isBusy;
  }

  /** One that nobody chose an address for gives way to one that a server keeps. */
  #askForIt(): void {
    const { holder } = this.#lease;
    if (!this.#options.isKept() || !holder || holder.isKept || !holder.owner || holder.owner === this.#asked) return;
    this.#asked = holder.owner;
    if (machineOf(holder.owner) !== machineOf(this.#owner)) return;
    try {
      process.kill(describeToken(holder.owner).pid, 'SIGTERM');
    } catch {
      // It has just ended, or it is another user's.
    }
  }

  async #open(keeper: Keeper): Promise<void> {
    const { gateway: address, say, onGateway, onTrouble } = this.#options;
    const parts = { place: this.#place, store: this.#store, owner: this.#owner, served: () => keeper.served };
    try {
      const warn = (text: string) => {
        say(text);
        onTrouble?.(text);
      };
      const gateway = await keepGateway(parts, address, warn, this.#signal);
      this.#gateway = gateway;
      await patiently(this.#place, () => gateway.tell(keeper.revisions));
      say(`endpoints answer at ${gateway.url}`);
      onGateway?.(gateway);
      this.#wakeUp();
    } catch (error) {
      if (!this.#signal.aborted) {
        this.#fault = error;
        onTrouble?.(`online endpoints cannot be asked: ${(error as Error).message}`);
      }
      this.#wakeUp();
    }
  }

  async #beat(): Promise<void> {
    if (this.#keeper === null) return;
    try {
      if (await this.#lease.beat()) return;
    } catch {
      // While the database is away nobody takes anything over.
      return;
    }
    if (this.#signal.aborted) return;
    this.#options.say('another process serves the endpoints now: this one ends');
    this.#lost.abort();
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#woken.abort();
  }

  /** Until there is something to look at, or it is time to look whether there is. */
  async #rest(): Promise<void> {
    if (!this.#signal.aborted) await pause(lookMilliseconds, this.#woken.signal);
    this.#woken = new AbortController();
  }
}

const machineOf = (token: string) => token.split(':')[0];
