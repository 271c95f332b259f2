/** A runtime that kills itself at a step: bundled and started by faults.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runContainer } from '../../../src/runc/container/run.ts';
import type { Config } from '../../../src/runc/spec/config.ts';

const [folder, id, index] = process.argv.slice(2) as [string, string, string];
const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Config;
await runContainer({
  stateRoot: join(folder, 'state'),
  id,
  name: id.slice(0, 12),
  config,
  bundle: '/',
  engine: 'native',
  remove: true,
  warn: () => {},
  observer: {
    begin({ index: now }) {
      if (now === Number(index)) process.kill(process.pid, 'SIGKILL');
    },
  },
});
