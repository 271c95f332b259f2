/**
 * `npm run demo`: from a fresh clone to a container whose every step is explained. Works as root,
 * and as an ordinary user where user namespaces are allowed.
 */
import { join } from 'node:path';
import { fixtures, folder } from './fixtures.mjs';
import { ready } from './ready.mjs';
import { attempt, root, which } from './shell.mjs';

/** What runs inside: each shows one thing that the container has for itself. -x prints them before their output. */
const INSIDE = ['hostname', 'ps', 'cat /proc/1/cgroup', 'mount'];

await ready();
await fixtures(['busybox']);
const script = INSIDE.join('; ');
const argv = [join(root, 'bin', 'minirun'), 'run', '--rm', '--explain', join(folder, 'busybox'), '/bin/sh', '-xc', script];
console.error(`$ minirun run --rm --explain rootfs-fixtures/build/busybox /bin/sh -xc '${script}'\n`);
const code = attempt(process.execPath, argv);
if (code === 0)
  console.error(
    `\nNext: ./bin/minirun run -it rootfs-fixtures/build/busybox /bin/sh${which('minirun') ? '' : '   (or npm link, then minirun …)'}`,
  );
else console.error(`\nThe container ended with exit code ${code}. What this machine can and cannot do: ./bin/minirun doctor`);
process.exit(code);
