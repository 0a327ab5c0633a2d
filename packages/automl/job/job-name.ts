import { randomBytes, randomInt } from 'node:crypto';

const ADJECTIVES =
  'amber bold brave bright calm clever cool coral crimson eager fair gentle golden green honest ivory jolly keen kind lively lucky mellow merry mighty modest noble olive plum proud quick quiet rosy salmon scarlet silver sleepy steady sunny swift tidy teal violet warm wise witty'.split(
    ' ',
  );
const NOUNS =
  'acorn apple badger bamboo beaver bee berry camel cedar cherry clover crane dolphin eagle falcon fern finch fox garlic gecko heron iris ivy kettle kiwi leaf lemon lily lime lynx maple melon moose nut oak olive onion orange otter owl panda parrot peach pear pepper pine plum rabbit raven river robin rose sparrow squash sun tiger tree turnip turtle walnut wolf yak'.split(
    ' ',
  );

const pick = (words: readonly string[]) => words[randomInt(words.length)];

/** A name for a job whose file has none, as Azure's: `salmon_camel_5sdf05xvb3`. */
export function generateJobName(): string {
  const digits = Array.from(randomBytes(10), (byte) => (byte % 36).toString(36)).join('');
  return `${pick(ADJECTIVES)}_${pick(NOUNS)}_${digits}`;
}

/** A display name: `salmon_camel`. */
export const displayNameOf = (jobName: string): string => jobName.replace(/_[0-9a-z]{10}$/, '');
