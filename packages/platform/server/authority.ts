import type { MiddlewareHandler } from 'hono';
import { Refusal } from '../refusal.ts';
import { bodyOf } from './error-answer.ts';
import type { RequestRate } from './request-rate.ts';
import type { RequestContext, RequestEnv } from './requests.ts';
import { allows, type Principal, type Role, type Tokens } from './tokens.ts';

/** Who may ask a server. */
export interface Authority {
  readonly tokens: Tokens;
  /** Everybody on this machine is its owner; the server listens to nobody else. */
  readonly noAuth: boolean;
  readonly rate: RequestRate;
}

/** Lets in who has a token, and finds out who that is. */
export function requireToken({ tokens, noAuth, rate }: Authority): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const principal = noAuth ? localOwner(context) : await principalOf(context, tokens);
    if (principal === null) {
      const message = 'a token is needed: Authorization: Bearer fovea.…; fovea token create makes one';
      context.header('www-authenticate', 'Bearer realm="fovea"');
      return context.json(bodyOf('InvalidAuthenticationToken', message), 401);
    }
    rate.take(principal.name);
    context.set('principal', principal);
    return next();
  };
}

async function principalOf(context: RequestContext, tokens: Tokens): Promise<Principal | null> {
  const [, token] = /^Bearer +([\w.-]{1,1000}) *$/i.exec(context.req.header('authorization') ?? '') ?? [];
  return token === undefined ? null : tokens.verify(token);
}

const loopbackNames = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/** Without tokens a page in somebody's browser must not be able to ask in that person's name. */
function localOwner(context: RequestContext): Principal {
  const host = context.req.header('host') ?? '';
  const origin = context.req.header('origin');
  const site = context.req.header('sec-fetch-site');
  const isForeign =
    !loopbackNames.test(host) ||
    (origin !== undefined &&
      !(/^https?:\/\//.test(origin) && loopbackNames.test(origin.replace(/^https?:\/\//, '')))) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none');
  if (!isForeign) return { name: 'local', role: 'owner' };
  const message = 'a server without tokens answers programs of its own machine only, by the name localhost';
  throw new Refusal('forbidden', 'ForeignOrigin', message);
}

/** @throws Refusal when the role of who asks does not suffice */
export function requireRole(context: RequestContext, needs: Role): void {
  const { name, role } = context.get('principal');
  if (allows(role, needs)) return;
  throw new Refusal('forbidden', 'AuthorizationFailed', `the token ${name} is of a ${role}; this needs a ${needs}`);
}
