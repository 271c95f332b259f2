/** Which namespaces a Node process can leave: unshare(2), on the main thread, each in a process of its own. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import koffi from 'koffi';

const KINDS = {
  mount: 0x00020000,
  uts: 0x04000000,
  ipc: 0x08000000,
  network: 0x40000000,
  pid: 0x20000000,
  cgroup: 0x02000000,
  user: 0x10000000,
};

const kind = process.argv[2];
if (kind === undefined) {
  console.log(`more than one thread: ${readdirSync('/proc/self/task').length > 1}`);
  for (const name of Object.keys(KINDS))
    process.stdout.write(execFileSync(process.execPath, [process.argv[1], name], { encoding: 'utf8' }));
} else {
  const unshare = koffi.load(null).func('int unshare(int flags)');
  const result = unshare(KINDS[kind]);
  const name = result === 0 ? 'done' : Object.entries(koffi.os.errno).find(([, number]) => number === koffi.errno())?.[0];
  console.log(`${kind}: ${name}`);
}
