/** A server that does not answer, or is not what it should be; trying again may help when `passing`. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
  readonly passing: boolean;

  constructor(message: string, { passing, cause }: { passing: boolean; cause?: unknown }) {
    super(message, { cause });
    this.passing = passing;
  }
}

const untrusted = new Set([
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  ...['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_GET_ISSUER_CERT', 'CERT_SIGNATURE_FAILURE'],
]);

/** What went wrong on the way to a server, in words, with what to do. */
export function unreachable(origin: string, error: NodeJS.ErrnoException): ServerUnreachable {
  const { code = '', message } = error;
  const say = (why: string, passing: boolean) => new ServerUnreachable(`${origin} ${why}`, { passing, cause: error });
  if (untrusted.has(code)) {
    const how = 'take .fovea/tls/ca.pem of the server, and give it as --ca <file>, FOVEA_CA or NODE_EXTRA_CA_CERTS';
    return say(`shows a certificate that this machine does not trust; ${how}`, false);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { cert } = error as { cert?: { subjectaltname?: string } };
    const names = cert?.subjectaltname === undefined ? '' : ` (${cert.subjectaltname})`;
    return say(`shows a certificate of another name${names}; fovea serve --host adds a name`, false);
  }
  if (code === 'CERT_HAS_EXPIRED') return say('shows a certificate that has expired', false);
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) return say(`does not speak HTTPS: ${message}`, false);
  if (code === 'ECONNREFUSED') return say('refuses connections: is fovea serve running there?', true);
  if (code === 'ENOTFOUND') return say('is not found: is its name right?', false);
  if (code === 'EAI_AGAIN') return say('is not found just now: is there a network?', true);
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return say('does not answer: is it reachable from here?', true);
  return say(`ended the connection (${code || message})`, true);
}
