/** `run`: what a container is given, and what comes back. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CATATONIT } from '../podman.ts';
import { eventually } from '../sandbox.ts';
import { type Everyday, NOT_FOUND } from './commands.ts';

export function run({ isDocker, cli, ok, terminal, callsOf, engine, running, remove, inside }: Everyday): void {
  describe('run', () => {
    test('shows what the command prints, on both streams, through the runtime under test', async () => {
      const calls = await callsOf(async () => {
        const answer = await cli([
          'run',
          '--rm',
          '--network',
          'none',
          '--hostname',
          'box',
          'busybox',
          'sh',
          '-c',
          'echo out $(hostname) $$; echo err >&2',
        ]);
        expect(answer).toMatchObject({ code: 0, out: 'out box 1\n' });
        expect(answer.err).toContain('err\n');
      });
      expect(calls.filter((c) => /\bcreate --bundle /.test(c))).toHaveLength(1);
      expect(calls.filter((c) => /\bstart [0-9a-f]{64}$/.test(c))).toHaveLength(1);
      expect(calls.some((c) => /\bdelete /.test(c))).toBe(true);
    });
    test('-i gives it the input', async () => {
      expect(await ok(['run', '--rm', '-i', '--network', 'none', 'busybox', 'wc', '-c'], { input: 'x'.repeat(200_000) })).toBe('200000');
    });
    test('ends with the exit code of the command', async () => {
      expect((await cli(['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'exit 42'])).code).toBe(42);
    });
    test.each([
      ['nope', 127, NOT_FOUND],
      ['/nope', 127, NOT_FOUND],
      ['/tmp', 126, /permission denied/i],
    ])('%s cannot be run: exit code %i', async (command, code, text) => {
      const answer = await cli(['run', '--rm', '--network', 'none', 'busybox', command]);
      expect(answer.code).toBe(code);
      expect(answer.err).toMatch(text);
      expect(answer.err).toContain(command);
    });
    test('what the runtime refuses: exit code 126 or 125, with the reason, and nothing stays', async () => {
      try {
        const options = ['--network', 'none', '--sysctl', 'net.ipv4.ip_forward=nonsense'];
        const answer = await cli(['run', '--name', 'refused', ...options, 'busybox', 'true']);
        // The engines sort texts that they do not know differently.
        expect([125, 126]).toContain(answer.code);
        expect(answer.err).toMatch(/ip_forward/);
        expect(await running('refused')).toMatch(/created|configured|initialized/);
      } finally {
        await remove('refused');
      }
    });
    test('a file mounted on a folder: said so, in the words from which Docker knows it', async () => {
      const answer = await cli(['run', '--rm', '--network', 'none', '-v', '/etc/passwd:/etc', 'busybox', 'true']);
      expect(answer.code).toBe(isDocker ? 125 : 126);
      expect(answer.err).toMatch(isDocker ? /not a directory[\s\S]*Are you trying to mount a directory onto a file/ : /not a directory/);
    });
    test("-it: a terminal of the window's size, which follows it, and the exit code", async () => {
      const box = terminal(['run', '--rm', '-it', '--network', 'none', 'busybox', 'sh'], [33, 77]);
      await box.shows(/# /);
      // Podman and Docker give the size after the start.
      await eventually('the size arrives', async () => {
        box.type('stty size\n');
        await new Promise((r) => setTimeout(r, 100));
        return /^33 77\r$/m.test(box.screen());
      });
      box.type('tty\n');
      await box.shows(/^\/dev\/(console|pts\/\d+)\r$/m);
      await box.resize(40, 100);
      await eventually('the new size arrives', async () => {
        box.type('stty size\n');
        await new Promise((r) => setTimeout(r, 100));
        return /^40 100\r$/m.test(box.screen());
      });
      box.type('exit 7\n');
      expect(await box.ended).toBe(7);
    });
    test('-it: Ctrl-C interrupts what runs in the foreground', async () => {
      const box = terminal(['run', '--rm', '-it', '--network', 'none', 'busybox', 'sh']);
      await box.shows(/# /);
      box.type('sleep 100; echo code $?\n');
      await box.shows(/echo code/);
      await new Promise((r) => setTimeout(r, 300));
      box.type('\x03');
      await new Promise((r) => setTimeout(r, 300));
      box.type('echo back $((6 * 7)); exit\n');
      await box.shows(/^back 42\r$/m);
      await box.ended;
    });
    test('detach keys leave it running; attach comes back', async () => {
      const box = terminal(['run', '-it', '--name', 'left', '--network', 'none', 'busybox', 'sh']);
      try {
        await box.shows(/# /);
        box.type('x=kept\n');
        // Keys come one by one; podman looks for the sequence in single bytes.
        for (const key of ['\x10', '\x11']) {
          await new Promise((r) => setTimeout(r, 200));
          box.type(key);
        }
        await box.ended;
        expect(await running('left')).toBe('running 0');
        const again = terminal(['attach', 'left']);
        await new Promise((r) => setTimeout(r, 500));
        again.type('\necho $x $((1 + 1)); exit 5\n');
        await again.shows(/^kept 2\r$/m);
        await again.ended;
        expect(await running('left')).toBe('exited 5');
      } finally {
        await remove('left');
      }
    });
    test('options that become config.json', async () => {
      const { place } = engine();
      await place.run(['sh', '-c', `mkdir -p ${place.folder}/volume && echo hello > ${place.folder}/volume/file`]);
      const script = [
        'echo user $(id -u):$(id -g) $(id -G)',
        'echo env $WORD $PWD',
        'cat /v/file',
        '(echo x > /v/file) 2>&1',
        '(echo x > /root-is-read-only) 2>&1',
        'echo tmpfs $(stat -f -c %T /t)',
        'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status',
        'echo files $(ulimit -n)',
        'echo sysctl $(cat /proc/sys/net/ipv4/ip_default_ttl)',
        'echo oom $(cat /proc/self/oom_score_adj)',
      ].join('\n');
      const options = ['-u', '1000:1001', '--group-add', '1002', '-e', 'WORD=value', '-w', '/usr', '-v', `${place.folder}/volume:/v:ro`];
      options.push(
        '--read-only',
        '--tmpfs',
        '/t',
        '--cap-drop',
        'ALL',
        '--security-opt',
        'no-new-privileges',
        '--ulimit',
        'nofile=512:512',
        '--ulimit',
        'nproc=512:512',
      );
      options.push('--sysctl', 'net.ipv4.ip_default_ttl=42', '--oom-score-adj', '500');
      const said = await inside(script, ...options);
      for (const line of ['user 1000:1001 1001 1002', 'env value /usr', 'hello', 'tmpfs tmpfs', 'files 512', 'sysctl 42', 'oom 500'])
        expect(said).toContain(line);
      expect(said.match(/[Rr]ead-only file system/g)).toHaveLength(2);
      expect(said).toMatch(/CapEff:\s+0{16}/);
      expect(said).toMatch(/NoNewPrivs:\s+1/);
      expect(said).toMatch(/Seccomp:\s+2/);
    });
    test('the default seccomp profile refuses; unconfined does not', async () => {
      const script = 'unshare -U true 2>&1; grep Seccomp: /proc/self/status';
      // Podman's profile lets everybody make user namespaces.
      expect(await inside(script)).toMatch(isDocker ? /not permitted[\s\S]*Seccomp:\s+2/ : /Seccomp:\s+2/);
      expect(await inside(script, '--security-opt', 'seccomp=unconfined')).toMatch(/^Seccomp:\s+0$/);
    });
    test('hidden and read-only places of /proc', async () => {
      expect(
        await inside(
          'cat /proc/timer_list /proc/keys 2>/dev/null | wc -c; (echo 1 > /proc/sys/vm/swappiness) 2>&1; ls /sys/firmware | wc -l',
        ),
      ).toMatch(/^0\n.*[Rr]ead-only.*\n0$/);
    });
    test('devices', async () => {
      expect(
        await inside(
          'ls -l /dev/null /dev/pet | tr -s " " | cut -d" " -f1,5,6; echo x > /dev/pet; head -c 3 /dev/zero | wc -c',
          '--device',
          '/dev/null:/dev/pet:rw',
        ),
      ).toBe('crw-rw-rw- 1, 3\ncrw-rw-rw- 1, 3\n3');
    });
    test('--init puts a small init above the command', async (ctx) => {
      if (!isDocker && !existsSync(CATATONIT)) ctx.skip('needs the package catatonit');
      expect(await inside('echo $$; cat /proc/1/comm', '--init')).toMatch(/^[2-9]\d*\n(docker-init|catatonit|tini|podman-init)/);
    });
    test('twenty at once', async () => {
      const all = Array.from({ length: 20 }, (_, n) =>
        cli(['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', `echo box ${n}; exit ${n}`]),
      );
      const answers = await Promise.all(all);
      expect(answers.map((a) => `${a.code} ${a.out.trim()} ${a.code === null || a.code > 100 ? a.err : ''}`.trim())).toEqual(
        Array.from({ length: 20 }, (_, n) => `${n} box ${n}`),
      );
      await eventually('all are removed', async () => (await ok(['ps', '-aq'])) === '');
    });
  });
}
