import { z } from 'zod';

/** Recorded figures of any shape: what is wrong with them shows when they are compared. */
export const figures: z.ZodType<Figures> = z.lazy(() =>
  z.union([z.number(), z.string(), z.null(), z.array(figures), z.record(z.string(), figures)]),
);

/** A figure, or lists and named groups of them. */
export type Figures = number | string | null | readonly Figures[] | { readonly [name: string]: Figures };

/**
 * The cases of a file of recorded figures.
 * @param oneCase what each must have
 * @throws Error that names what is missing and where
 */
export function readCases<Case>(file: unknown, oneCase: z.ZodType<Case>): Case[] {
  const parsed = z.object({ cases: z.array(oneCase).min(1) }).safeParse(file);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data.cases;
}
