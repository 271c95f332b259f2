/** What becomes of a Node process that forks: the child has none of V8's heap. */
import { execFileSync, spawnSync } from 'node:child_process';
import koffi from 'koffi';

if (process.argv[2] === undefined) {
  const done = spawnSync(process.execPath, [process.argv[1], 'fork'], { encoding: 'utf8' });
  process.stdout.write(done.stdout);
} else {
  const libc = koffi.load(null);
  const fork = libc.func('int fork()');
  const waitpid = libc.func('int waitpid(int pid, _Out_ int *status, int options)');
  const child = fork();
  if (child === 0) process.exit(7); // JavaScript in the child: it does not come this far
  const status = [0];
  waitpid(child, status, 0);
  const signal = status[0] & 0x7f;
  console.log(
    signal
      ? `the child was ended by SIG${execFileSync('/bin/sh', ['-c', `kill -l ${signal}`], { encoding: 'utf8' }).trim()}`
      : `the child ended with ${status[0] >> 8}`,
  );
}
