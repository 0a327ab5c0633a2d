import { printable } from '../../issue.ts';

/** HTML that is safe to be written as it is. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly Part[] | null;

/**
 * HTML of a template. What is put in is text, escaped for content as well as for quoted attributes, its control characters and
 * direction marks shown as `\u202e`; only `Markup` stays what it is. A list is joined, null is nothing.
 *
 * ```ts
 * html`<p title="${name}">${[html`<b>`, name]}</p>`
 * ```
 */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(texts.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : '')).join(''));
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(textOf).join('');
  return printable(String(part)).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
