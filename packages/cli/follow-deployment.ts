import { setTimeout as wait } from 'node:timers/promises';
import type { InstanceState, OnlineDeploymentRecord, OnlineEndpoints } from '@fovea/platform/endpoints';
import type { CommonOptions, Context } from './command.ts';
import { CommandFailure } from './failure.ts';
import { onInterruption } from './interruption.ts';
import { liveLine } from './live-line.ts';
import { printable, printableLines } from './printable.ts';
import { counted, duration } from './quantities.ts';
import { workspaceWords } from './workspace.ts';

const lookEveryMilliseconds = 200;
const shownLogLines = 20;

/**
 * Waits until a deployment is as it is wanted, and shows on stderr how its instances come up. Ctrl-C ends the waiting alone, and sets the
 * exit code.
 *
 * @returns the deployment as it is then; null when the waiting was ended
 * @throws CommandFailure when it failed; its last words are shown before
 */
export async function followDeployment(
  context: Context,
  options: CommonOptions,
  endpoints: OnlineEndpoints,
  { endpoint_name: endpoint, name }: OnlineDeploymentRecord,
): Promise<OnlineDeploymentRecord | null> {
  const { err } = context.terminal;
  const say = (text: string) => {
    if (!options.onlyShowErrors) line.print(`  ${printableLines(text)}`);
  };
  const line = liveLine(err);
  const started = performance.now();
  const past = () => duration((performance.now() - started) / 1000);
  const interruption = onInterruption(() => {});
  const { signal } = interruption;
  const done = new AbortController();
  const problems = new Map<number, string>();

  const show = (record: OnlineDeploymentRecord) => {
    const newest = newestOf(record.instances);
    for (const { number, problem, restarts } of newest) {
      if (problem === null || problems.get(number) === problem) continue;
      problems.set(number, problem);
      say(`instance ${number}: ${problem}${restarts > 0 ? ` (started again ${counted(restarts, 'time')})` : ''}`);
    }
    if (!err.isTerminal || options.onlyShowErrors) return;
    const ready = newest.filter(({ state }) => state === 'ready').length;
    const text = `  ${name} of ${endpoint}: ${ready} of ${counted(record.instance_count, 'instance')} ready, ${past()}`;
    line.draw(text.slice(0, err.columns() - 1));
  };
  const watching = (async () => {
    while (!done.signal.aborted) {
      const record = await endpoints.findDeployment(endpoint, name).catch(() => null);
      if (done.signal.aborted) return;
      if (record !== null) show(record);
      await wait(lookEveryMilliseconds, undefined, { signal: done.signal }).catch(() => {});
    }
  })();

  let record: OnlineDeploymentRecord | null;
  try {
    record = await endpoints.settled(endpoint, name, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    context.exitCode = interruption.exitCode() ?? context.exitCode;
    line.clear();
    const show = `fovea online-deployment show${workspaceWords(options)} --endpoint-name ${endpoint} --name ${name}`;
    err.write(`  ${name} goes on without being waited for; ${show}\n`);
    return null;
  } finally {
    done.abort();
    await watching;
    line.close();
    interruption.release();
  }
  if (record === null) throw new CommandFailure(`${name} of ${endpoint} has been removed meanwhile`);
  if (record.provisioning_state === 'Succeeded') {
    if (!options.onlyShowErrors) {
      const what = `${name} of ${endpoint} is ready: ${counted(record.instance_count, 'instance')}`;
      err.write(`  ${err.paint('green', '✓')} ${err.paint('bold', `${what}, ${past()}`)}\n`);
    }
    return record;
  }
  throw await failureOf(context, options, endpoints, record);
}

const newestOf = (instances: readonly InstanceState[]): InstanceState[] => {
  const newest = Math.max(...instances.map(({ generation }) => generation));
  return instances.filter(({ generation }) => generation === newest);
};

/** Why a deployment failed, after the last lines of its log. */
async function failureOf(
  { terminal: { err } }: Context,
  options: CommonOptions,
  endpoints: OnlineEndpoints,
  { endpoint_name: endpoint, name, error, provisioning_state }: OnlineDeploymentRecord,
): Promise<CommandFailure> {
  const logs = await endpoints.logs(endpoint, name, { lines: shownLogLines }).catch(() => '');
  if (logs.trim() !== '') err.write(`${printableLines(logs.trimEnd())}\n`);
  const why = error === null ? '' : `: ${printable(error)}`;
  const words = `${workspaceWords(options)} --endpoint-name ${endpoint} --name ${name}`;
  return new CommandFailure(
    `${name} of ${endpoint} ${provisioning_state === 'Canceled' ? 'was stopped' : 'failed'}${why}`,
    {
      hint: `fovea online-deployment get-logs${words} shows more`,
    },
  );
}
