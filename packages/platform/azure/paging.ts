import { invalid } from '../refusal.ts';
import type { RequestContext } from '../server/requests.ts';
import type { Archived, Page, PageRequest } from '../store/index.ts';

const usual = 100;
const most = 1000;

/** Which part of a list a request asks for. @param sizeName the parameter that has the size */
export function pageRequest(
  context: RequestContext,
  sizeName: '$top' | 'count' | null,
): Required<Pick<PageRequest, 'most'>> & PageRequest {
  const size = sizeName === null ? undefined : context.req.query(sizeName);
  if (size !== undefined && !/^[1-9]\d{0,8}$/.test(size)) {
    throw invalid(
      `${sizeName} should be a whole number, 1 or more, not ${JSON.stringify(size.slice(0, 100))}`,
      sizeName ?? undefined,
    );
  }
  const skip = context.req.query('$skip');
  const wanted = { most: Math.min(most, size === undefined ? usual : Number(size)) };
  return skip === undefined ? wanted : { ...wanted, after: placeIn(skip) };
}

/** A place in a list is told to clients as a text that means nothing to them. */
const opaque = (place: string): string => Buffer.from(place).toString('base64url');

function placeIn(skip: string): string {
  const place = Buffer.from(skip, 'base64url').toString();
  if (/^[\d.]{1,40}$/.test(place) && opaque(place) === skip) return place;
  throw invalid(
    '$skip is not what a list gave as the place to go on at; follow its nextLink',
    '$skip',
    'InvalidContinuation',
  );
}

/** The answer that Azure's clients read as a part of a list. */
export function pageAnswer<Row, Value>(
  context: RequestContext,
  { rows, next }: Page<Row>,
  answerOf: (row: Row) => Value,
): { value: Value[]; nextLink?: string } {
  const value = rows.map(answerOf);
  if (next === null) return { value };
  const link = new URL(context.req.url);
  link.searchParams.set('$skip', opaque(next));
  return { value, nextLink: link.href };
}

const views: Record<string, Archived> = { ActiveOnly: 'active', ArchivedOnly: 'archived', All: 'all' };

/** @throws Refusal for another view than there is */
export function archivedIn(context: RequestContext): Archived {
  const view = context.req.query('listViewType') ?? 'ActiveOnly';
  if (Object.hasOwn(views, view)) return views[view];
  const message = `listViewType should be ${Object.keys(views).join(', ')}, not ${JSON.stringify(view.slice(0, 100))}`;
  throw invalid(message, 'listViewType');
}

/** `tag1,tag2=value`: what a list is filtered by. */
export function pairsIn(context: RequestContext, name: string): { key: string; value?: string }[] {
  const text = context.req.query(name);
  if (text === undefined || text === '') return [];
  return text.split(',').map((part) => {
    const [, key = '', , value] = /^([^=]*)(=(.*))?$/s.exec(part.trim()) ?? [];
    if (key === '') throw invalid(`${name} should be names, each with =value or without: a,b=c`, name);
    return value === undefined ? { key } : { key, value };
  });
}

/** Walks over a list that the store gives in parts. @throws Refusal for a place that is none of this list */
export async function pageFrom<Row>(list: () => Promise<Page<Row>>): Promise<Page<Row>> {
  try {
    return await list();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid('$skip is of another list', '$skip', 'InvalidContinuation');
  }
}

/** Whether texts have what `pairsIn` gave. */
export const hasPair =
  (texts: Readonly<Record<string, string>>) =>
  ({ key, value }: { key: string; value?: string }): boolean =>
    Object.hasOwn(texts, key) && (value === undefined || texts[key] === value);

/** @returns whether the oldest are wanted first */
export function oldestFirstIn(context: RequestContext): boolean {
  const order = context.req.query('$orderBy') ?? 'createdAt desc';
  const [found, direction = 'asc'] = /^(?:created|modified)(?:at|time)(?: +(asc|desc))?$/i.exec(order.trim()) ?? [];
  if (found !== undefined) return direction.toLowerCase() === 'asc';
  const given = JSON.stringify(order.slice(0, 100));
  throw invalid(`$orderBy should be createdAt asc or createdAt desc, not ${given}`, '$orderBy');
}

/** What a list is sorted by: whole numbers, 0 or more, that differ from row to row. */
export interface RowOrder<Row> {
  readonly keyOf: (row: Row) => readonly number[];
  readonly ascending: boolean;
}

/** A part of a list that is all in memory. What is added or removed meanwhile shows nothing twice and leaves nothing out. */
export function pageInOrder<Row>(
  rows: readonly Row[],
  { most, after }: Pick<PageRequest, 'after'> & { readonly most: number },
  { keyOf, ascending }: RowOrder<Row>,
): Page<Row> {
  const sign = ascending ? 1 : -1;
  const compare = (a: readonly number[], b: readonly number[]) => {
    const at = a.findIndex((number, i) => number !== b[i]);
    return at === -1 ? 0 : sign * (a[at] - (b[at] ?? 0));
  };
  const place = after?.split('.').map(Number);
  const left = rows
    .map((row) => ({ row, key: keyOf(row) }))
    .filter(({ key }) => place === undefined || compare(key, place) > 0)
    .sort((a, b) => compare(a.key, b.key));
  const shown = left.slice(0, most);
  return {
    rows: shown.map(({ row }) => row),
    next: left.length > most ? shown[shown.length - 1].key.join('.') : null,
  };
}
