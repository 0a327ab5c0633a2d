import { enableCompileCache } from 'node:module';

// Stripping types and compiling cost more than most commands do; kept between runs they cost nothing.
enableCompileCache();

const [{ runProcess }, { installedServices }] = await Promise.all([
  import('./run-process.ts'),
  import('./services.ts'),
]);
await runProcess(installedServices);
