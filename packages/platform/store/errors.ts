/** A job, trial or asset of this name is there already. */
export class NameTaken extends Error {
  override readonly name = 'NameTaken';
  /** What has the name: `job`, `trial`, `data asset`, `model`… */
  readonly kind: string;
  readonly taken: string;

  constructor(kind: string, taken: string) {
    super(`there is already ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind} named ${taken}; choose another name`);
    this.kind = kind;
    this.taken = taken;
  }
}

/** The database cannot be reached, read or written. What was written before is still there. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  /** File or address of the database. */
  readonly place: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(place: string, problem: string, hint: string, cause?: unknown) {
    super(`the database ${place} ${problem}\n${hint}`, { cause });
    this.place = place;
    this.hint = hint;
  }
}
