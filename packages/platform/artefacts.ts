/** A file that a trial left. */
export interface Artefact {
  /** Relative to the trial's folder, with slashes. */
  path: string;
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}
