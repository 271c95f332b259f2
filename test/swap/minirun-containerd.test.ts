/** Our containerd, driven by the real ctr; its tasks by containerd's own shim and by ours. */
import { beforeAll, describe, expect, test } from 'vitest';
import { ctrOn, IMAGE, minirunContainerd, placeFor, realContainerd, registry } from './support/minirun-containerd.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { terminal } from './support/terminal.ts';

const reason = noRuntime() ?? (hasProgram('ctr') ? undefined : 'needs the program ctr');
if (reason) console.log(`minirun-containerd: skipped, ${reason}`);

describe.skipIf(reason)('minirun-containerd', () => {
  const place = placeFor(minirunContainerd);
  const { run, ctr, ok, inside, status, away } = ctrOn(place);
  beforeAll(async () => {
    await ok(['images', 'import', place().archive]);
  });

  test('version, plugins and namespaces', async () => {
    expect(await ok(['version'])).toMatch(/Server:\n\s+Version:\s+1\.6\.\d+\+minirun\n[\s\S]*UUID: [0-9a-f-]{36}/);
    expect(await ok(['plugins', 'ls'])).toMatch(/^io\.containerd\.snapshotter\.v1\s+overlayfs\s+linux\/\w+\s+ok\s*$/m);
    await ok(['ns', 'create', 'other', 'owner=me']);
    await ok(['ns', 'label', 'other', 'more=1']);
    expect(await ok(['ns', 'ls'])).toMatch(/^other\s+more=1,owner=me\s*$/m);
    await ok(['ns', 'rm', 'other']);
    expect(await ok(['ns', 'ls', '-q'])).toBe('default');
    expect((await ctr(['ns', 'rm', 'default'])).err).toMatch(
      /namespace "default" must be empty, but it still has images, blobs, snapshots on "overlayfs" snapshotter: failed precondition/,
    );
  });
  test('images: ls, tag, label, check, export, mount, rm', async () => {
    expect(await ok(['images', 'ls'])).toMatch(
      /busybox:latest\s+application\/vnd\.oci\.image\.manifest\.v1\+json\s+sha256:\w+\s+2\.\d MiB\s+linux\/\w+/,
    );
    await ok(['images', 'tag', IMAGE, 'example.org/b:1']);
    await ok(['images', 'label', 'example.org/b:1', 'a=b']);
    expect(await ok(['images', 'ls', '-q', 'labels.a==b'])).toBe('example.org/b:1');
    expect(await ok(['images', 'check', `name==${IMAGE}`])).toMatch(/complete \(2\/2\).*true/);
    await ok(['images', 'export', '/tmp/exported.tar', 'example.org/b:1']);
    await ok(['images', 'rm', 'example.org/b:1']);
    await ok(['images', 'import', '--base-name', 'example.org/b', '/tmp/exported.tar']);
    expect(await ok(['images', 'ls', '-q'])).toContain('example.org/b:1');
    await inside('mkdir -p /run/mounted');
    await ok(['images', 'mount', IMAGE, '/run/mounted']);
    expect(await inside('ls /run/mounted/bin/busybox')).toBe('/run/mounted/bin/busybox');
    await ok(['images', 'unmount', '--rm', '/run/mounted']);
    await ok(['images', 'rm', '--sync', 'example.org/b:1']);
    expect(await inside('rm /tmp/exported.tar; grep -c /run/mounted /proc/mounts')).toBe('0');
  });
  test('content: ingest, get, ls, label, rm', async () => {
    const text = 'hello\n'.repeat(1_000_000);
    // A lease keeps what nothing refers to.
    await ok(['leases', 'create', '--id', 'keep']);
    expect(await ok(['leases', 'ls', '-q'])).toBe('keep');
    const digest = `sha256:${(await inside(`yes hello | head -n 1000000 | sha256sum`)).split(' ')[0]}`;
    await ok(['content', 'ingest', '--expected-digest', digest, '--expected-size', String(text.length), 'some-ref'], { input: text });
    expect(await ok(['content', 'ls'])).toMatch(new RegExp(`^${digest}\\s+6MB`, 'm'));
    expect(`${await ok(['content', 'get', digest])}\n`).toBe(text);
    expect(await ok(['content', 'label', digest, 'note=x'])).toBe('note=x');
    expect((await ctr(['content', 'ingest', '--expected-digest', digest, 'again'], { input: 'other' })).err).toMatch(/already exists|^$/);
    await ok(['content', 'rm', digest]);
    expect((await ctr(['content', 'get', digest])).err).toContain(`content digest ${digest}: not found`);
    await ok(['leases', 'rm', 'keep']);
  });
  test('snapshots: prepare, view, commit, diff, usage, rm', async () => {
    const parent = (await ok(['snapshots', 'ls']))
      .split('\n')
      .find((line) => line.startsWith('sha256:'))!
      .split(/\s+/)[0]!;
    await inside('mkdir -p /run/snap');
    const mount = await ok(['snapshots', 'prepare', '--target', '/run/snap', 'work', parent]);
    await inside(`${mount} && echo data > /run/snap/made && rm -r /run/snap/etc && umount /run/snap`);
    expect(await ok(['snapshots', 'usage', 'work'])).toMatch(/^work\s+[\d.]+ Ki?B\s+\d+/m);
    await ok(['snapshots', 'commit', 'done', 'work']);
    expect(JSON.parse(await ok(['snapshots', 'info', 'done']))).toMatchObject({ Kind: 'Committed', Name: 'done', Parent: parent });
    expect((await ctr(['snapshots', 'rm', parent])).err).toMatch(/cannot remove snapshot with child: failed precondition/);
    const view = await ok(['snapshots', 'view', '--target', '/run/snap', 'look', 'done']);
    expect(await inside(`${view} && cat /run/snap/made; ls /run/snap/etc 2>&1; umount /run/snap`)).toMatch(/^data\nls: .*No such file/);
    await ok(['snapshots', 'rm', 'look']);
    await ok(['snapshots', 'rm', 'done']);
  });

  test('push to and pull from a registry', async (context) => {
    if (!hasProgram('docker-registry')) context.skip('needs the program docker-registry');
    const name = `${await registry(place())}/busybox:pushed`;
    await ok(['images', 'push', '--plain-http', name, IMAGE]);
    await ok(['-n', 'puller', 'images', 'pull', '--plain-http', name]);
    expect(await ok(['-n', 'puller', 'run', '--rm', name, 'pulled', 'echo', 'pulled'])).toBe('pulled');
    expect(await ok(['-n', 'puller', 'content', 'fetch', '--plain-http', name])).toMatch(/exists|done/);
    await ok(['-n', 'puller', 'images', 'rm', '--sync', name]);
    expect(await ok(['-n', 'puller', 'content', 'ls', '-q'])).toBe('');
    await ok(['ns', 'rm', 'puller']);
    // Another namespace has the same content, and keeps it.
    expect(await ok(['images', 'check'])).toMatch(/complete \(2\/2\)/);
  });

  test('what goes wrong is told in the words of containerd', async (context) => {
    if (!hasProgram('containerd')) context.skip('needs the program containerd');
    const real = await realContainerd(place());
    const wrong = [
      ['images', 'rm', 'nope'],
      ['images', 'tag', 'nope', 'other'],
      ['images', 'tag', IMAGE, IMAGE],
      ['images', 'ls', 'name=='],
      ['run', '--rm', 'docker.io/library/none:latest', 'x'],
      ['run', '--rm', IMAGE, 'bad id'],
      ['run', '--rm', '--snapshotter', 'zfs', IMAGE, 'x'],
      ['run', '--rm', '--runtime', 'io.containerd.none.v1', IMAGE, 'x'],
      ['run', '--rm', IMAGE, 'x', 'nope'],
      ['container', 'info', 'nope'],
      ['container', 'rm', 'nope'],
      ['container', 'create', IMAGE, 'bad/id'],
      ['task', 'start', 'nope'],
      ['task', 'kill', 'nope'],
      ['task', 'rm', 'nope'],
      ['task', 'ps', 'nope'],
      ['task', 'exec', '--exec-id', 'e', 'nope', 'true'],
      ['content', 'get', 'sha256:0000000000000000000000000000000000000000000000000000000000000000'],
      ['content', 'get', 'nonsense'],
      ['content', 'rm', 'nonsense'],
      ['snapshots', 'info', 'nope'],
      ['snapshots', 'prepare', 'new', 'nope'],
      ['snapshots', 'rm', 'nope'],
      ['snapshots', 'commit', 'a', 'nope'],
      ['leases', 'rm', 'nope'],
      ['ns', 'create', 'bad name'],
      ['ns', 'create', 'default'],
      ['ns', 'rm', 'nope'],
    ];
    const told = ({ code, out, err }: { code: number | null; out: string; err: string }) =>
      // Times of log lines, and where a shim was looked for; containerd says some things twice.
      `${code} ${out}${err}`
        .replace(/time="[^"]*"/g, '')
        .replace(/(binary not installed "[^"]*"): .*$/gm, '$1')
        .replace(/(: invalid argument)+$/gm, ': invalid argument');
    const differences: string[] = [];
    for (const words of wrong) {
      const [ours, theirs] = [told(await ctr(words)), told(await run([...real, ...words]))];
      if (ours !== theirs) differences.push(`ctr ${words.join(' ')}\n  ours:   ${ours}\n  theirs: ${theirs}`);
    }
    expect(differences.join('\n')).toBe('');
  });

  describe.each(
    [
      { runtime: 'io.containerd.runc.v2', needs: 'containerd-shim-runc-v2' },
      { runtime: 'io.containerd.minirun.v1', needs: 'sh' },
    ].filter(({ needs }) => hasProgram(needs)),
  )('tasks of $runtime', ({ runtime }) => {
    const begin = (id: string, command: string[], ...options: string[]) =>
      ok(['run', '--runtime', runtime, '-d', ...options, IMAGE, id, ...command]);
    const once = (id: string, command: string[], ...options: string[]) =>
      ctr(['run', '--runtime', runtime, '--rm', ...options, IMAGE, id, ...command]);
    /** What a container can leave behind. (The fifos are ctr's.) */
    const left = (id: string) =>
      inside(
        `grep -c "/${id}/rootfs" /proc/self/mountinfo; ls -d /run/containerd/io.containerd.runtime.v2.task/default/*${id} /var/lib/containerd/io.containerd.runtime.v2.task/default/*${id} 2>/dev/null; find /sys/fs/cgroup -type d -name ${id}`,
      );

    test('run: output, input, exit code; nothing is left', async () => {
      expect(await once('first', ['sh', '-c', 'echo out; echo err >&2; exit 5'])).toMatchObject({ code: 5, out: 'out\n', err: 'err\n' });
      const copied = await ctr(['run', '--runtime', runtime, '--rm', IMAGE, 'copied', 'head', '-c', '100000'], {
        input: 'x'.repeat(100_000),
      });
      expect(copied.out).toHaveLength(100_000);
      expect(await left('first')).toBe('0');
      expect(await ok(['container', 'ls', '-q'])).toBe('');
      expect(await ok(['snapshots', 'ls'])).not.toContain('first');
    });
    test('-t: a terminal', async () => {
      const box = terminal(place().sandbox, ['ctr', 'run', '--runtime', runtime, '--rm', '-t', IMAGE, 'tty', 'sh'], [32, 78]);
      await box.shows(/# /);
      await eventually('the size arrives', async () => {
        box.type('stty size\n');
        await new Promise((r) => setTimeout(r, 100));
        return /^32 78\r$/m.test(box.screen());
      });
      box.type('exit 7\n');
      expect(await box.ended).toBe(7);
    });
    test('run -d, exec, ps, metrics, pause, resume, kill, delete, and their events', async () => {
      const events = place().sandbox.start(['ctr', 'events']);
      let told = '';
      events.stdout?.on('data', (chunk) => {
        told += chunk;
      });
      // Only what happens after it has subscribed is told.
      await eventually('events are told', async () => {
        await ok(['images', 'label', IMAGE, 'touched=1']);
        return told.includes('/images/update');
      });
      await begin('bg', ['sleep', '1000']);
      expect(await status('bg')).toBe('RUNNING');
      expect(await ctr(['task', 'exec', '--exec-id', 'a', '--cwd', '/tmp', 'bg', 'sh', '-c', 'echo $PWD; exit 4'])).toMatchObject({
        code: 4,
        out: '/tmp\n',
      });
      expect((await ctr(['task', 'exec', '--exec-id', 'b', 'bg', 'nope'])).err).toMatch(
        /exec: "nope": executable file not found in \$PATH/,
      );
      expect(await ok(['task', 'ps', 'bg'])).toMatch(/^PID\s+INFO\n\d+\s/);
      expect(await ok(['task', 'metrics', 'bg'])).toMatch(/memory\S*\s+\d+/);
      await ok(['task', 'pause', 'bg']);
      expect(await status('bg')).toBe('PAUSED');
      await ok(['task', 'resume', 'bg']);
      expect(await status('bg')).toBe('RUNNING');
      expect((await ctr(['task', 'rm', 'bg'])).err).toMatch(/must be stopped before deletion|failed precondition/);
      await ok(['task', 'kill', '-s', 'SIGKILL', 'bg']);
      await eventually('it ends', async () => (await status('bg')) === 'STOPPED');
      // ctr exits with 0 and logs the container's exit code.
      expect((await ctr(['task', 'rm', 'bg'])).err).toMatch(/exit code 137/);
      expect(JSON.parse(await ok(['container', 'info', 'bg']))).toMatchObject({ ID: 'bg', Image: IMAGE, Runtime: { Name: runtime } });
      await ok(['container', 'rm', 'bg']);
      await eventually('the end is told', () => told.includes('/containers/delete'));
      events.kill();
      const topics = told.split('\n').flatMap((line) => / default (\S+) /.exec(line)?.[1] ?? []);
      expect(topics.filter((topic) => topic.startsWith('/tasks/') && !topic.startsWith('/tasks/exec'))).toEqual([
        '/tasks/create',
        '/tasks/start',
        // Of the two execs; the second never started.
        ...topics.filter((topic) => topic === '/tasks/exit').slice(1),
        '/tasks/paused',
        '/tasks/resumed',
        '/tasks/exit',
        '/tasks/delete',
      ]);
      expect(told).toMatch(/\/tasks\/exit \{"container_id":"bg","id":"bg","pid":\d+,"exit_status":137,/);
      expect(await left('bg')).toBe('0');
    });
    test('ten at once', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => once(`box-${n}`, ['sh', '-c', `echo box ${n}; exit ${n}`])));
      expect(answers.map((a) => `${a.code} ${a.out.trim()}`)).toEqual(Array.from({ length: 10 }, (_, n) => `${n} box ${n}`));
      expect(await ok(['container', 'ls', '-q'])).toBe('');
    });
    test('tasks live on while the daemon is killed, and their exit codes are known afterwards', async () => {
      try {
        await begin('lives', ['sleep', '1000']);
        await begin('ends', ['sh', '-c', 'while [ ! -e /go ]; do sleep 0.05; done; exit 23']);
        await place().stop('KILL');
        const pid = await inside(`pgrep -f 'while .* /go' | head -1`);
        await inside(`touch /proc/${pid}/root/go; while [ -d /proc/${pid} ]; do sleep 0.05; done`);
        await place().start();
        await eventually('both are found', async () => /ends/.test(await ok(['task', 'ls'])) && /lives/.test(await ok(['task', 'ls'])));
        expect(await status('lives')).toBe('RUNNING');
        expect(await status('ends')).toBe('STOPPED');
        expect((await ctr(['task', 'rm', 'ends'])).err).toMatch(/exit code 23/);
        expect(await ok(['task', 'exec', '--exec-id', 'x', 'lives', 'echo', 'here'])).toBe('here');
        await ok(['task', 'kill', '-s', '9', 'lives']);
        await eventually('it ends', async () => (await status('lives')) === 'STOPPED');
      } finally {
        await away('lives', 'ends');
      }
      expect(await left('lives')).toBe('0');
    });
    test('a shim that is killed: its task ends with 137, and nothing of it is left', async () => {
      const events = place().sandbox.start(['ctr', 'events']);
      let told = '';
      events.stdout?.on('data', (chunk) => {
        told += chunk;
      });
      try {
        await begin('orphan', ['sleep', '1000']);
        const waiting = ctr(['run', '--runtime', runtime, '--rm', IMAGE, 'waited', 'sleep', '1000']);
        await eventually('both run', async () => (await status('waited')) === 'RUNNING');
        await inside(`pkill -KILL -f '^[^ ]*containerd-shim-[a-z]+-v[0-9] -'; true`);
        await eventually('both are cleaned up', async () => (await ok(['task', 'ls', '-q'])) === '');
        // ctr learns of the end, and finds no task to delete.
        expect((await waiting).err).toMatch(/task waited not found/);
        await eventually('the ends are told', () => (told.match(/"exit_status":137/g) ?? []).length >= 4);
        expect(told).toMatch(/\/tasks\/exit \{"container_id":"orphan","id":"orphan".*"exit_status":137,/);
        expect(told).toMatch(/\/tasks\/delete \{"container_id":"orphan".*"exit_status":137,/);
        expect(await inside('pgrep -x sleep | wc -l')).toBe('0');
        expect(await left('orphan')).toBe('0');
      } finally {
        events.kill();
        await away('orphan', 'waited');
      }
      // A new one can be started under the same name.
      expect(await once('orphan', ['echo', 'again'])).toMatchObject({ code: 0, out: 'again\n' });
    });
  });
});
