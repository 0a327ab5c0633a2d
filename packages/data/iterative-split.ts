import type { Rng } from './rng.ts';

/**
 * Chooses the records that validate when a record has any number of labels, so that each label keeps its share on both sides:
 * iterative stratification (Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-label Data", ECML PKDD 2011,
 * algorithm 1) for two subsets, records without labels counted as a label of their own. Afterwards records change sides one
 * by one as long as that brings the counts nearer: the greedy choice of the paper leaves rare labels all on one side at times.
 *
 * A label of one record stays in training, any other one is on both sides if a change of one record can bring it there.
 *
 * @param labels of each record
 * @param fraction share of the validation part, in (0, 1)
 * @returns for each record whether it validates
 */
export function iterativeSplit(labels: readonly (readonly string[])[], fraction: number, rng: Rng): boolean[] {
  const groups = groupsOf(labels);
  const validates = distribute(groups, labels.length, fraction, rng);
  improve(validates, groups, fraction, rng);
  return validates;
}

interface Groups {
  /** Indices of the records with each label. */
  readonly members: readonly number[][];
  /** Indices of the labels of each record; those without labels have one that says so. */
  readonly of: readonly number[][];
}

function groupsOf(labels: readonly (readonly string[])[]): Groups {
  const known = new Map<string | null, number>();
  const members: number[][] = [];
  const of = labels.map((names, record) =>
    (names.length > 0 ? names : [null]).map((name) => {
      const group = known.get(name) ?? known.size;
      known.set(name, group);
      members[group] ??= [];
      members[group].push(record);
      return group;
    }),
  );
  return { members, of };
}

/** The paper's algorithm: the rarest label first, each record to the side that lacks most of this label. */
function distribute({ members, of }: Groups, count: number, fraction: number, rng: Rng): boolean[] {
  const wanted = members.map(({ length }) => wantedOf(length, fraction));
  const lacking = {
    validation: { all: count * fraction, of: [...wanted] },
    training: { all: count * (1 - fraction), of: members.map(({ length }, group) => length - wanted[group]) },
  };
  const left = members.map(({ length }) => length);
  const validates = new Array<boolean | undefined>(count);
  const order = rng.shuffle(members.map((_, group) => group));
  for (;;) {
    const open = order.filter((group) => left[group] > 0);
    if (open.length === 0) return validates.map((value) => value === true);
    const rarest = open.reduce((best, group) => (left[group] < left[best] ? group : best));
    for (const record of rng.shuffle(members[rarest].filter((member) => validates[member] === undefined))) {
      const { training, validation } = lacking;
      const difference = validation.of[rarest] - training.of[rarest] || validation.all - training.all;
      const chosen = difference > 0 || (difference === 0 && rng.uniform() < 0.5);
      validates[record] = chosen;
      const side = chosen ? validation : training;
      side.all--;
      for (const group of of[record]) {
        side.of[group]--;
        left[group]--;
      }
    }
  }
}

/** How many of a label's records should validate: at least one, and not all. */
function wantedOf(size: number, fraction: number): number {
  return size < 2 ? 0 : Math.min(size - 1, Math.max(1, size * fraction));
}

const mostPasses = 20;

/** Changes the side of single records while that lessens the cost. */
function improve(validates: boolean[], { members, of }: Groups, fraction: number, rng: Rng): void {
  const sizes = members.map(({ length }) => length);
  const inValidation = members.map((group) => group.filter((record) => validates[record]).length);
  const count = validates.length;
  let size = validates.filter(Boolean).length;
  const order = rng.shuffle(validates.map((_, record) => record));
  for (let pass = 0; pass < mostPasses; pass++) {
    let changed = false;
    for (const record of order) {
      const step = validates[record] ? -1 : 1;
      // The size of the part counts like one more label that all records have.
      let gain = deviation(size, count, fraction) - deviation(size + step, count, fraction);
      for (const group of of[record]) {
        const now = inValidation[group];
        gain += cost(now, sizes[group], fraction) - cost(now + step, sizes[group], fraction);
      }
      // What floating point makes of nothing must not send a record to and fro.
      if (gain < 1e-9) continue;
      validates[record] = !validates[record];
      size += step;
      for (const group of of[record]) inValidation[group] += step;
      changed = true;
    }
    if (!changed) return;
  }
}

/** A label on one side only costs more than any deviation from its share, and one that training lacks still more. */
const prices = { oneSide: 1e6, lost: 1e9 };

/** How bad it is that `now` of a label's `size` records validate. */
function cost(now: number, size: number, fraction: number): number {
  const price = now === size ? prices.lost : now === 0 && size > 1 ? prices.oneSide : 0;
  return deviation(now, size, fraction) + price;
}

/** Squared, in units of what chance would make of it. */
function deviation(now: number, size: number, fraction: number): number {
  return (now - wantedOf(size, fraction)) ** 2 / (size * fraction * (1 - fraction));
}
