import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import { invalid } from '../refusal.ts';

/** Which server is asked, and by whom. */
export interface ServerAddress {
  /** `https://vision.example:7040` */
  readonly url: string;
  /** null: none; a server that asks for none takes that. */
  readonly token: string | null;
  /** A file in PEM with authorities that are trusted besides the usual ones. */
  readonly ca?: string | undefined;
}

/** The address as it is asked. @throws Refusal for what is no address of a server */
export function originOf({ url }: Pick<ServerAddress, 'url'>): string {
  const example = 'https://vision.example:7040';
  const parsed = URL.parse(url);
  if (parsed === null) throw invalid(`${url} is no address of a server; it reads ${example}`, 'server');
  if (parsed.protocol !== 'https:') throw invalid(`${url}: servers are asked over https, as ${example}`, 'server');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid(`a token is not part of the address; it is given in FOVEA_TOKEN or --token-file`, 'server');
  if (parsed.pathname !== '/' || parsed.search !== '' || parsed.hash !== '')
    throw invalid(`${url} says more than where the server is; it reads ${parsed.origin}`, 'server');
  return parsed.origin;
}

/** The authorities that are trusted; undefined: the usual ones. @throws Refusal when the file cannot be read */
export function authoritiesOf({ ca }: Pick<ServerAddress, 'ca'>): string[] | undefined {
  if (ca === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(ca, 'utf8');
  } catch (error) {
    throw invalid(`the authority ${ca} cannot be read: ${(error as Error).message}`, 'ca');
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return [...getCACertificates('default'), text];
  throw invalid(`${ca} has no certificate in it; a file in PEM is needed, as .fovea/tls/ca.pem of the server`, 'ca');
}
