import { request } from 'node:http';

/** What an instance is asked. */
export type HealthPath = '/health/live' | '/health/ready';

/**
 * Asks an instance how it is.
 * @param socket that it listens at
 * @param timeout milliseconds for the whole answer
 * @returns what is wrong, in words; null when nothing is
 */
export function askHealth(socket: string, path: HealthPath, timeout: number): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: socket, path, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => {
        const status = answer.statusCode ?? 0;
        done(status >= 200 && status < 400 ? null : `${path} was answered with status ${status}`);
      });
      answer.once('error', (error) => done(`${path} was not answered wholly: ${error.message}`));
    });
    // What has come while this process was busy is read first.
    const late = () => setImmediate(() => done(`${path} was not answered within ${timeout / 1000} s`));
    const timer = setTimeout(late, timeout);
    const done = (problem: string | null) => {
      clearTimeout(timer);
      asked.destroy();
      resolve(problem);
    };
    asked.once('error', (error) => done(`${path} could not be asked: ${error.message}`));
    asked.end();
  });
}
