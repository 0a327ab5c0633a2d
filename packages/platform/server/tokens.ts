import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../refusal.ts';
import { checkName } from '../registry/asset-reference.ts';
import type { ResourceRow, Store } from '../store/index.ts';

/** What a token allows; each of them all that those before it do. */
export const roles = ['reader', 'contributor', 'owner'] as const;
export type Role = (typeof roles)[number];

/** Whether a role suffices. */
export const allows = (has: Role, needs: Role): boolean => roles.indexOf(has) >= roles.indexOf(needs);

/** Who asks. */
export interface Principal {
  /** Name of the token. */
  readonly name: string;
  readonly role: Role;
}

/** What is known of a token; the token itself is not. */
export interface TokenRecord {
  name: string;
  role: Role;
  created_at: string;
  /** null: never. */
  expires_at: string | null;
  /** The one before the last rotation is taken until then; null: it is not. */
  previous_until: string | null;
}

interface TokenSpec {
  role: Role;
  expires_at: string | null;
  /** SHA-256 of the secret, hexadecimal: 256 random bits need no slower hash. */
  hash: string;
  previous: { hash: string; until: string } | null;
}

const kind = 'token';
const secretBytes = 32;

/** Tokens of a workspace, kept as hashes. */
export interface Tokens {
  /** @returns the token, which is shown once and known to nobody afterwards. @throws Refusal when there is one of this name */
  create(name: string, role: Role, expiresAt: Date | null): Promise<string>;
  /**
   * Gives a token another secret.
   * @param overlap milliseconds for which the old one is taken, too
   */
  rotate(name: string, overlap: number): Promise<string>;
  /** Newest first. */
  list(): Promise<TokenRecord[]>;
  /** From now on nobody is let in by it. @throws Refusal when there is none */
  revoke(name: string): Promise<void>;
  /** Whose token that is; null: nobody's, or it has expired. */
  verify(token: string): Promise<Principal | null>;
}

export function createTokens(store: Store, now: () => Date = () => new Date()): Tokens {
  const found = async (name: string): Promise<ResourceRow> => {
    const row = await store.resources.find(kind, checkName(name, 'token'));
    if (row) return row;
    throw new Refusal('not-found', 'TokenNotFound', `there is no token ${name}; fovea token list shows what there is`);
  };
  return {
    async create(name, role, expiresAt) {
      checkName(name, 'token');
      const secret = newSecret();
      const spec: TokenSpec = {
        role,
        expires_at: expiresAt?.toISOString() ?? null,
        hash: hashOf(secret),
        previous: null,
      };
      if (await store.resources.add(kind, name, spec)) return tokenOf(name, secret);
      const hint = 'fovea token rotate gives it another secret, fovea token revoke takes it back';
      throw new Refusal('conflict', 'TokenExists', `there is a token ${name} already; ${hint}`);
    },

    async rotate(name, overlap) {
      for (;;) {
        const row = await found(name);
        const spec = row.spec as TokenSpec;
        const secret = newSecret();
        const until = new Date(now().getTime() + overlap).toISOString();
        const previous = overlap > 0 ? { hash: spec.hash, until } : null;
        const changes = { spec: { ...spec, hash: hashOf(secret), previous } };
        if (await store.resources.change(kind, name, changes, { revision: row.revision })) return tokenOf(name, secret);
      }
    },

    async list() {
      const { rows } = await store.resources.list(kind);
      return rows.map(({ name, created_at, spec }) => {
        const { role, expires_at, previous } = spec as TokenSpec;
        const overlaps = previous !== null && previous.until > now().toISOString();
        return { name, role, created_at, expires_at, previous_until: overlaps ? previous.until : null };
      });
    },

    async revoke(name) {
      await found(name);
      await store.resources.delete(kind, name);
    },

    async verify(token) {
      const [, name, secret] = /^fovea\.([\w-]{1,255})\.([\w-]{43})$/.exec(token) ?? [];
      if (name === undefined) return null;
      const row = await store.resources.find(kind, name);
      if (!row) return null;
      const { role, expires_at, hash, previous } = row.spec as TokenSpec;
      const time = now().toISOString();
      if (expires_at !== null && expires_at <= time) return null;
      const given = hashOf(secret);
      const isRight = same(given, hash) || (previous !== null && previous.until > time && same(given, previous.hash));
      return isRight ? { name, role } : null;
    },
  };
}

const newSecret = () => randomBytes(secretBytes).toString('base64url');
const tokenOf = (name: string, secret: string) => `fovea.${name}.${secret}`;
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');
const same = (one: string, other: string) => timingSafeEqual(Buffer.from(one), Buffer.from(other));
