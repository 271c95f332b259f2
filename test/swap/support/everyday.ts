/** What people do every day with docker and podman, whose commands are the same. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Client } from './engine.ts';
import { CATATONIT } from './podman.ts';
import { OURS } from './runtime.ts';
import { eventually } from './sandbox.ts';

/** A container host without all capabilities of its kernel, such as a virtual machine that was given to CI. */
const LACKS_CAPABILITIES = !/^CapBnd:\t0*1ffffffffff$/m.test(process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '');
const NOT_FOUND = /executable file not found in \$PATH|no such file or directory/i;

export function everyday(name: 'docker' | 'podman', { cli, ok, terminal, callsOf, engine }: Client): void {
  const isDocker = name === 'docker';
  const running = async (container: string): Promise<string> => ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', container]);
  /** At once: podman would first wait for the command to end by itself. */
  const FORCE = isDocker ? ['rm', '-f'] : ['rm', '-f', '-t', '0'];
  const remove = (container: string) => cli([...FORCE, container]);
  /** A container that idles, and is removed whatever happens. */
  const idling = async (container: string, options: string[], body: () => Promise<void>, command = ['sleep', '1000']): Promise<void> => {
    try {
      await ok(['run', '-d', '--name', container, '--network', 'none', ...options, 'busybox', ...command]);
      await body();
    } finally {
      await remove(container);
    }
  };
  const inside = (script: string, ...options: string[]) =>
    ok(['run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', script]);

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

  describe('exec', () => {
    test('a second process in the container: its output, input, environment, user and exit code', async () => {
      await idling('second', ['--hostname', 'box', '-e', 'FROM=container'], async () => {
        const script = 'echo $(hostname) $FROM $MINE $PWD $(id -u) $(cat /proc/1/comm)';
        expect(await ok(['exec', '-e', 'MINE=exec', '-w', '/tmp', '-u', '1000', 'second', 'sh', '-c', script])).toBe(
          'box container exec /tmp 1000 sleep',
        );
        expect(await ok(['exec', '-i', 'second', 'wc', '-c'], { input: 'x'.repeat(100_000) })).toBe('100000');
        expect((await cli(['exec', 'second', 'sh', '-c', 'exit 9'])).code).toBe(9);
        expect((await cli(['exec', 'second', 'sh', '-c', 'kill -KILL $$'])).code).toBe(137);
      });
    });
    test('-d leaves it behind; its processes end with the container', async () => {
      await idling('behind', [], async () => {
        await ok(['exec', '-d', 'behind', 'sh', '-c', 'echo $$ > /tmp/pid; exec sleep 999']);
        await eventually('it runs', async () =>
          (await cli(['exec', 'behind', 'sh', '-c', 'cat /proc/$(cat /tmp/pid)/cmdline'])).out.startsWith('sleep'),
        );
      });
    });
    test("-it: a terminal of the window's size", async () => {
      await idling('tty', [], async () => {
        const box = terminal(['exec', '-it', 'tty', 'sh'], [31, 71]);
        await box.shows(/# /);
        await eventually('the size arrives', async () => {
          box.type('stty size\n');
          await new Promise((r) => setTimeout(r, 100));
          return /^31 71\r$/m.test(box.screen());
        });
        box.type('tty; exit 6\n');
        await box.shows(/^\/dev\/pts\/\d+\r$/m);
        expect(await box.ended).toBe(6);
      });
    });
    test('what cannot be run: exit codes and texts', async () => {
      await idling('refusing', [], async () => {
        for (const [command, dockers, podmans, text] of [
          ['nope', [126, 127], [127], NOT_FOUND],
          ['/nope', [126, 127], [127], NOT_FOUND],
          ['/tmp', [126], [126], /permission denied/i],
        ] as const) {
          const answer = await cli(['exec', 'refusing', command]);
          expect(isDocker ? dockers : podmans, `${command}: ${answer.err}`).toContain(answer.code);
          expect(answer.out + answer.err).toMatch(text);
          expect(answer.out + answer.err).toContain(command);
        }
      });
    });
    test('ten at once', async () => {
      await idling('busy', [], async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => cli(['exec', 'busy', 'sh', '-c', `echo ${n}; exit ${n}`])));
        expect(answers.map((a) => `${a.code} ${a.out.trim()}`)).toEqual(Array.from({ length: 10 }, (_, n) => `${n} ${n}`));
      });
    });
    test('--privileged has every capability that the engine has', async (ctx) => {
      // runc 1.1 gives up where the machine itself lacks one of them; podman asks only for what there is.
      if (isDocker && !OURS && LACKS_CAPABILITIES) ctx.skip('this runtime refuses, because the machine has not all capabilities');
      await idling('powers', [], async () => {
        const answer = await cli(['exec', '--privileged', 'powers', 'grep', 'CapEff', '/proc/self/status']);
        expect(answer).toMatchObject({ code: 0 });
        expect(answer.out).toMatch(/CapEff:\s+0+[13]f+e?f{6}$/m);
      });
    });
  });

  describe('signals and states', () => {
    const trap = 'trap "echo got TERM; exit 3" TERM; trap "echo got USR1" USR1; echo ready; while :; do sleep 0.1; done';
    const ready = (container: string) => eventually('it is ready', async () => (await ok(['logs', container])).includes('ready'));
    test('stop sends SIGTERM and waits; kill -s sends any signal', async () => {
      await idling(
        'trapping',
        [],
        async () => {
          await ready('trapping');
          await ok(['kill', '-s', 'USR1', 'trapping']);
          await eventually('USR1 arrives', async () => (await ok(['logs', 'trapping'])).includes('got USR1'));
          await ok(['stop', '-t', '10', 'trapping']);
          expect(await ok(['logs', 'trapping'])).toMatch(/got TERM/);
          expect(await running('trapping')).toBe('exited 3');
        },
        ['sh', '-c', trap],
      );
    });
    test('stop ends with SIGKILL what does not listen', async () => {
      await idling('deaf', [], async () => {
        await ok(['stop', '-t', '1', 'deaf']);
        expect(await running('deaf')).toBe('exited 137');
      });
    });
    test('kill; wait gives the exit code', async () => {
      await idling('ended', [], async () => {
        const waiting = ok(['wait', 'ended']);
        await ok(['kill', 'ended']);
        expect(await waiting).toBe('137');
        const again = await cli(['kill', 'ended']);
        expect(again.code).not.toBe(0);
        expect(again.err).toMatch(/not running|state improper/);
      });
    });
    test('Ctrl-C for the client goes to the container', async () => {
      const box = terminal([
        'run',
        '-i',
        '--rm',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'trap "exit 4" INT; echo ready; while :; do sleep 0.1; done',
      ]);
      await box.shows(/ready/);
      box.type('\x03');
      expect(await box.ended).toBe(4);
    });
    test('pause stops every process, unpause lets them go on', async () => {
      await idling(
        'frozen',
        [],
        async () => {
          const count = async () => (await ok(['logs', 'frozen'])).split('\n').length;
          await eventually('it counts', async () => (await count()) > 3);
          await ok(['pause', 'frozen']);
          expect(await running('frozen')).toBe('paused 0');
          const before = await count();
          await new Promise((r) => setTimeout(r, 400));
          expect(await count()).toBe(before);
          expect((await cli(['exec', 'frozen', 'true'])).err).toMatch(/paused|only .*on running containers/);
          await ok(['unpause', 'frozen']);
          expect(await running('frozen')).toBe('running 0');
          await eventually('it counts again', async () => (await count()) > before + 2);
          await ok(['pause', 'frozen']);
          // Removing a paused container needs no unpause by hand.
          await ok([...FORCE, 'frozen']);
        },
        ['sh', '-c', 'while :; do echo tick; sleep 0.05; done'],
      );
    });
    test('create, start, restart, rename', async () => {
      try {
        await ok(['create', '--name', 'later', '--network', 'none', 'busybox', 'sh', '-c', 'echo start; exec sleep 1000']);
        await ok(['start', 'later']);
        await ok(['restart', '-t', '0', 'later']);
        await eventually('it started twice', async () => (await ok(['logs', 'later'])).split('\n').length === 2);
        await ok(['rename', 'later', 'renamed']);
        expect(await running('renamed')).toBe('running 0');
        expect((await cli(['rm', 'renamed'])).code).not.toBe(0);
        await ok([...FORCE, 'renamed']);
        expect(await ok(['ps', '-aq'])).toBe('');
      } finally {
        await remove('later');
        await remove('renamed');
      }
    });
    test('a restart policy starts it again', async () => {
      await idling(
        'stubborn',
        ['--restart', 'on-failure:2'],
        async () => {
          await eventually('it ran three times', async () => (await ok(['logs', 'stubborn'])).split('\n').length === 3);
          await eventually('it is over', async () => (await running('stubborn')) === 'exited 6');
          expect(await ok(['inspect', '-f', '{{.RestartCount}}', 'stubborn'])).toBe('2');
        },
        ['sh', '-c', 'echo once more; exit 6'],
      );
    });
    test('a health check is an exec', async () => {
      const health = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '1s', '--health-retries', '1'];
      await idling('patient', health, async () => {
        const state = () => ok(['inspect', '-f', '{{.State.Health.Status}}', 'patient']);
        await ok(['exec', 'patient', 'touch', '/tmp/well']);
        // Podman leaves the timing to systemd, which need not run: a check by hand there.
        if (!isDocker) await ok(['healthcheck', 'run', 'patient']);
        await eventually('it is healthy', async () => (await state()) === 'healthy');
      });
    });
  });

  describe('limits and figures', () => {
    const V2 = '/sys/fs/cgroup';
    /** A limit as the container's cgroup has it, by its version 1 or version 2 name. */
    const limit = async (container: string, v1: string, v2: string): Promise<string> => {
      const pid = await ok(['inspect', '-f', '{{.State.Pid}}', container]);
      const controller = v1.split('.')[0] as string;
      const script = `
        path=$(sed -n 's/^[0-9]*:\\([^:]*,\\)*${controller}\\(,[^:]*\\)*://p' /proc/${pid}/cgroup)
        if [ -n "$path" ]; then cat /sys/fs/cgroup/${controller}$path/${v1}
        else cat ${V2}$(sed -n 's/^0:://p' /proc/${pid}/cgroup)/${v2}; fi`;
      const answer = await engine().place.run(['sh', '-c', script]);
      return answer.out.trim() || answer.err.trim();
    };
    test('memory, processors and processes, as started and as updated', async () => {
      await idling('limited', ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '40'], async () => {
        expect(await limit('limited', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 << 20));
        expect(await limit('limited', 'cpu.cfs_quota_us', 'cpu.max')).toMatch(/^50000\b/);
        expect(await limit('limited', 'pids.max', 'pids.max')).toBe('40');
        await ok(['update', '--memory', '96m', '--memory-swap', '192m', '--cpu-shares', '512', 'limited']);
        expect(await limit('limited', 'memory.limit_in_bytes', 'memory.max')).toBe(String(96 << 20));
        expect(await limit('limited', 'cpu.shares', 'cpu.weight')).toMatch(/^(512|20)$/);
        expect(await limit('limited', 'pids.max', 'pids.max')).toBe('40');
      });
    });
    test('too much memory: killed, and the engine knows why', async () => {
      await idling(
        'hungry',
        ['--memory', '24m', '--memory-swap', '24m'],
        async () => {
          expect(await ok(['wait', 'hungry'])).toBe('137');
          // Debian's conmon does not notice it on cgroup version 1, whatever the runtime.
          if (isDocker) expect(await ok(['inspect', '-f', '{{.State.OOMKilled}}', 'hungry'])).toBe('true');
        },
        ['sh', '-c', 'sleep 0.5; exec tail /dev/zero'],
      );
    });
    test('top, stats, logs', async () => {
      await idling(
        'watched',
        ['--memory', '64m'],
        async () => {
          await eventually('its output is there', async () => (await ok(['logs', 'watched'])).split('\n').length === 2);
          expect(await ok(['top', 'watched'])).toMatch(/PID[\s\S]*sleep 1000/);
          const figures = (await ok(['stats', '--no-stream', '--format', '{{.Name}};{{.MemUsage}};{{.PIDs}}', 'watched'])).split(';');
          expect(figures[0]).toBe('watched');
          expect(figures[1]).toMatch(/^[\d.]+\s*[KkM]i?B \/ (64MiB|67.11MB)$/);
          expect(Number(figures[2])).toBeGreaterThan(0);
          expect(await ok(['logs', '--tail', '1', 'watched'])).toBe('two');
          expect(await ok(['logs', '-t', 'watched'])).toMatch(/^\d{4}-\d\d-\d\dT\S+ one\n/);
        },
        ['sh', '-c', 'echo one; echo two; exec sleep 1000'],
      );
    });
  });

  describe('beside other containers', () => {
    test("a network of its own, the same one as another, the host's, or none", async () => {
      await idling('server', [], async () => {
        await ok(['exec', '-d', 'server', 'sh', '-c', 'while :; do echo hi | nc -l -p 80; done']);
        await eventually('the other one answers', async () =>
          (
            await cli(['run', '--rm', '--network', 'container:server', 'busybox', 'nc', '-w', '2', '127.0.0.1', '80'], { input: '' })
          ).out.startsWith('hi'),
        );
        expect(await ok(['exec', 'server', 'sh', '-c', 'ls /sys/class/net'])).toBe('lo');
        expect(await ok(['run', '--rm', '--network', 'host', 'busybox', 'hostname'])).toBe('engine-host');
      });
    });
    test('on a bridge: an address, and the neighbour answers', async () => {
      try {
        await ok(['run', '-d', '--name', 'neighbour', 'busybox', 'sleep', '1000']);
        const address = await ok(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'neighbour']);
        expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
        expect(await ok(['run', '--rm', 'busybox', 'sh', '-c', `ls /sys/class/net; ping -c 1 -w 5 ${address}`])).toMatch(
          /eth0\nlo[\s\S]*1 packets received/,
        );
      } finally {
        await remove('neighbour');
      }
    });
    test('the pid and ipc namespaces of another', async () => {
      await idling('host', ['--ipc', 'shareable'], async () => {
        const script = 'ps | grep -c "sleep 100[0]"; for p in 1 self; do readlink /proc/$p/ns/ipc; done | uniq | wc -l';
        const options = ['--pid', 'container:host', '--ipc', 'container:host', '--cap-add', 'SYS_PTRACE'];
        expect(await inside(script, ...options)).toBe('1\n1');
      });
    });
  });

  describe('files and images', () => {
    test('volumes, cp, diff, commit, and a build', async () => {
      const { place } = engine();
      await idling('files', ['-v', 'things:/things'], async () => {
        await ok(['exec', 'files', 'sh', '-c', 'echo kept > /things/file; echo new > /made']);
        await place.run(['sh', '-c', `echo copied > ${place.folder}/in`]);
        await ok(['cp', `${place.folder}/in`, 'files:/copied']);
        expect(await ok(['exec', 'files', 'cat', '/copied'])).toBe('copied');
        expect(await ok(['diff', 'files'])).toMatch(/A \/made/);
        await ok(['commit', 'files', 'committed']);
        expect(await ok(['run', '--rm', '--network', 'none', '-v', 'things:/t', 'committed', 'sh', '-c', 'cat /made /t/file'])).toBe(
          'new\nkept',
        );
      });
      await ok(['volume', 'rm', 'things']);
      const recipe = 'FROM busybox\nRUN echo built by $(id -u) > /built && test $$ -lt 10\nCMD cat /built\n';
      await place.run(['sh', '-c', `mkdir -p ${place.folder}/context && cat > ${place.folder}/context/Dockerfile`], { input: recipe });
      const network = ['--network', 'none'];
      const options = isDocker ? network : [...network, '--runtime', engine().runtime.path];
      const calls = await callsOf(() =>
        ok(['build', '-t', 'built', ...options, `${place.folder}/context`], { env: { DOCKER_BUILDKIT: '0' } }),
      );
      expect(calls.some((c) => /\bcreate\b/.test(c))).toBe(true);
      expect(await ok(['run', '--rm', '--network', 'none', 'built'])).toBe('built by 0');
    });
  });

  test('nothing stays when all is removed', async () => {
    expect(await ok(['ps', '-aq'])).toBe('');
    const { place } = engine();
    const left = await place.run([
      'sh',
      '-c',
      'find /sys/fs/cgroup -type d -name "*[0-9a-f]*" | grep -E "[0-9a-f]{64}"; mount | grep -c overlay.merged; ls /run/runc /run/minirun-runc /run/docker/runtime-*/moby 2>/dev/null',
    ]);
    expect(left.out.replace(/^\/run.*$/gm, '').trim()).toBe('0');
  });
}
