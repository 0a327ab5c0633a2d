interface Family {
  help: string | null;
  type: string | null;
  readonly samples: string[];
}

/** A text of Prometheus, and the labels that its samples get. */
export interface MetricsText {
  readonly text: string;
  readonly labels: Readonly<Record<string, string>>;
}

const COMMENT = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*)(?: (.*))?$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+]?(?:\d[\d.eE+-]*|Inf|NaN)(?: -?\d+)?)$/;

/**
 * Texts of several sources as one (Prometheus exposition format 0.0.4): each metric once, with all samples of all sources under it.
 * Lines that are no part of the format are left out.
 */
export function mergeMetrics(sources: readonly MetricsText[]): string {
  const families = new Map<string, Family>();
  const familyOf = (name: string): Family => {
    const known = families.get(name);
    if (known) return known;
    const made: Family = { help: null, type: null, samples: [] };
    families.set(name, made);
    return made;
  };
  for (const { text, labels } of sources) {
    const added = Object.entries(labels)
      .map(([name, value]) => `${name}="${escaped(value)}"`)
      .join(',');
    /** The metric whose samples come: those of a histogram have names of their own. */
    let current = '';
    for (const line of text.split('\n')) {
      const [, kind, described, rest = ''] = COMMENT.exec(line) ?? [];
      if (described !== undefined) {
        current = described;
        const family = familyOf(described);
        if (kind === 'HELP') family.help ??= rest;
        else family.type ??= rest;
        continue;
      }
      const [, name, own = '', value] = SAMPLE.exec(line) ?? [];
      if (name === undefined) continue;
      const all = [own, added].filter((part) => part !== '').join(',');
      const isPart = name === current || /^_(bucket|sum|count)$/.test(name.slice(current.length));
      const family = familyOf(name.startsWith(current) && isPart && current !== '' ? current : name);
      family.samples.push(`${name}${all === '' ? '' : `{${all}}`} ${value}`);
    }
  }
  const lines = [...families].flatMap(([name, { help, type, samples }]) => [
    ...(help === null ? [] : [`# HELP ${name} ${help}`]),
    ...(type === null ? [] : [`# TYPE ${name} ${type}`]),
    ...samples,
  ]);
  return `${lines.join('\n')}\n`;
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
