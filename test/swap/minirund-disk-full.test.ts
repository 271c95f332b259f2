/** No room on the disk of minirund's data: errors say so, what runs goes on, and when there is room again nothing is broken. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-disk-full: skipped, ${reason}`);

const NONE = ['--network', 'none'];
const NO_SPACE = /no space left on device/;

describe.skipIf(reason)('minirund on a disk that is full', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  let root: string;
  beforeAll(async () => {
    daemon = await dockerDaemon('minirund', {
      flags: ['--data-root', '/small/root'],
      async prepare(place) {
        root = join(place.folder, 'small');
        mkdirSync(root);
        await place.run(['sh', '-c', 'mkdir /small 2>/dev/null; mount -t tmpfs -o size=64m,nr_inodes=20000 small /small']);
      },
    });
  });
  afterAll(async () => {
    await daemon?.place.end();
  });
  const ok = (...args: string[]) => daemon.ok(args);
  const fill = () =>
    daemon.inside('dd if=/dev/zero of=/small/filler bs=4k 2>/dev/null; cat /dev/zero > /small/rest 2>/dev/null; df /small | tail -1');
  const free = () => daemon.inside('rm -f /small/filler /small/rest');

  test('all is refused with the reason, or done; what runs goes on; afterwards all is as before', async () => {
    await ok('run', '-d', '--name', 'runs', ...NONE, 'busybox', 'sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done');
    await ok('run', '-d', '--name', 'ends', ...NONE, 'busybox', 'sh', '-c', 'trap "exit 9" USR1; while :; do sleep 0.05; done');
    await ok('create', '--name', 'made', ...NONE, 'busybox', 'echo', 'made');
    await ok('save', '-o', join(daemon.place.folder, 'busybox.tar'), 'busybox');
    await ok('run', '--name', 'other', ...NONE, 'busybox', 'sh', '-c', 'head -c 3000000 /dev/urandom > /blob');
    await fill();

    for (const args of [
      ['create', '--name', 'no', ...NONE, 'busybox', 'true'],
      ['run', '--rm', '--name', 'no', ...NONE, 'busybox', 'true'],
      ['commit', 'other', 'committed'],
      ['import', join(daemon.place.folder, 'busybox.tar'), 'imported'],
      ['volume', 'create', 'no'],
      ['cp', '/bin/busybox', 'other:/copied'],
    ]) {
      const { code, err, out } = await daemon.docker(args);
      expect(code, `docker ${args.join(' ')}: ${out}${err}`).not.toBe(0);
      expect(out + err, `docker ${args.join(' ')}`).toMatch(NO_SPACE);
    }
    expect((await daemon.docker(['volume', 'create', 'no'])).err).toContain('docker system prune makes some');
    await ok('kill', '-s', 'USR1', 'ends');
    expect(await ok('wait', 'ends')).toBe('9');
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'ends')).toBe('exited 9');
    // What needs no room, or little, is done or says why.
    for (const args of [
      ['start', 'made'],
      ['exec', 'runs', 'true'],
      ['stop', '-t', '0', 'made'],
      ['rename', 'made', 'renamed'],
      ['pause', 'runs'],
      ['unpause', 'runs'],
    ]) {
      const { code, err, out } = await daemon.docker(args);
      if (code !== 0) expect(out + err, `docker ${args.join(' ')}`).toMatch(NO_SPACE);
    }
    expect(await ok('ps', '--format', '{{.Names}}')).toContain('runs');
    expect(await ok('exec', 'runs', 'echo', 'well')).toBe('well');
    expect(await ok('images', '-q')).not.toBe('');
    expect(await ok('volume', 'ls', '-q')).toBe('');
    expect(await ok('ps', '-a', '--format', '{{.Names}}')).not.toMatch(/^no$/m);

    // Room can be made with docker itself.
    await ok('rm', 'other');
    await free();
    await ok('run', '--rm', '--name', 'no', ...NONE, '-v', 'no:/v', 'busybox', 'true');
    await ok('volume', 'rm', 'no');
    // What could not be written down then has been by now.
    await sleep(3000);
    await daemon.stop('KILL');
    await daemon.start();
    expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'ends')).toBe('exited 9');
    // Lines that there was no room for are lost; those before and after are there, in order.
    const lines = (await ok('logs', 'runs')).split('\n').map(Number);
    expect(lines.length).toBeGreaterThan(20);
    for (const [i, line] of lines.entries()) if (i > 0) expect(line).toBeGreaterThan(lines[i - 1] as number);
  });

  test('killed and started again while there is no room: the daemon comes up, and knows its containers', async () => {
    await fill();
    await daemon.stop('KILL');
    await daemon.start();
    expect(await ok('exec', 'runs', 'echo', 'well')).toBe('well');
    await ok('rm', '-f', 'runs', 'ends');
    await free();
    expect(await ok('run', '--rm', ...NONE, 'busybox', 'echo', 'as before')).toBe('as before');
  });
});
