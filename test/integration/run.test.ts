/** `minirun run` as a person uses it, on a real busybox, as root. */
import { existsSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCgroupFacts } from '../../src/runc/host/cgroup-facts.ts';
import { BUSYBOX, minirunIn, scratch, skipReason, until } from './support/minirun.ts';

const reason = skipReason({ root: true, file: BUSYBOX });
if (reason) console.log(`run: skipped, ${reason}`);

describe.skipIf(reason)('minirun run', () => {
  const folder = scratch('run');
  const { minirun, start, root } = minirunIn(join(folder, 'state'));
  const inside = (script: string, ...options: string[]) => minirun(['run', '--rm', ...options, BUSYBOX, '/bin/sh', '-c', script]);
  const output = (script: string, ...options: string[]): string => {
    const answer = inside(script, ...options);
    expect(answer.err).toBe('');
    expect(answer.code).toBe(0);
    return answer.out.trim();
  };

  it('has processes, a name and mounts of its own', () => {
    const out = output(
      'hostname; echo $$; ls -d /proc/[0-9]* | head -1; mount | grep -c " on /proc "; ls /sys/class/net',
      '--hostname',
      'box',
    );
    expect(out.split('\n')).toEqual(['box', '1', '/proc/1', '1', 'lo']);
    expect(hostname()).not.toBe('box');
  });

  it('passes streams straight through', () => {
    const answer = minirun(['run', '--rm', '-i', BUSYBOX, '/bin/sh', '-c', 'cat; echo oops >&2'], { input: 'line one\nline two' });
    expect(answer).toMatchObject({ code: 0, out: 'line one\nline two', err: 'oops\n' });
  });

  it('leaves the pipes that it was given blocking', () => {
    const answer = inside('cat /proc/self/fdinfo/1 /proc/self/fdinfo/2 | grep flags');
    // O_NONBLOCK is 04000: set on our side, programs inside would fail with EAGAIN.
    for (const line of answer.out.trim().split('\n')) expect(Number.parseInt(line.split(/\s+/)[1] as string, 8) & 0o4000).toBe(0);
  });

  it('answers with the code of the command, 126, 127 or 128+N', () => {
    expect(inside('exit 7').code).toBe(7);
    expect(inside('kill -9 $$; sleep 1').code).not.toBe(137); // PID 1 ignores even SIGKILL from inside
    expect(inside('sh -c "kill -15 \\$\\$"; exit $?').code).toBe(143);
    expect(minirun(['run', '--rm', BUSYBOX, 'no-such-command'])).toMatchObject({ code: 127 });
    expect(minirun(['run', '--rm', BUSYBOX, '/etc'])).toMatchObject({ code: 126 });
  });

  it('gives variables, a working directory and a user by name', () => {
    writeFileSync(join(folder, 'vars'), '# comment\nFROM_FILE=yes\n');
    const out = output(
      'echo $A $FROM_FILE $PWD; id -u; id -g',
      '-e',
      'A=b c',
      '--env-file',
      join(folder, 'vars'),
      '-w',
      '/srv/new',
      '--user',
      'alice',
    );
    expect(out.split('\n')).toEqual(['b c yes /srv/new', '1000', '1000']);
  });

  it('mounts: binds, read-only ones, tmpfs, strange names', () => {
    const source = join(folder, 'a folder with spaces and ünïcödé\nand a newline');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'content');
    const out = output(
      'cat "/mnt/a b/file"; echo; touch "/mnt/a b/new" 2>/dev/null || echo read-only; touch /scratch/x && df -k /scratch | tail -1 | awk "{print \\$2}"',
      '--mount',
      `type=bind,source=${source},target=/mnt/a b,readonly`,
      '--tmpfs',
      '/scratch:size=2m',
    );
    expect(out.split('\n')).toEqual(['content', 'read-only', '2048']);
    output('echo written > /mnt/new', '-v', `${source}:/mnt`);
    expect(readFileSync(join(source, 'new'), 'utf8')).toBe('written\n');
  });

  it('a mount target that is a link out of the rootfs lands inside it', () => {
    const rootfs = join(folder, 'evil');
    mkdirSync(join(rootfs, 'bin'), { recursive: true });
    writeFileSync(join(rootfs, 'bin/busybox'), readFileSync(join(BUSYBOX, 'bin/busybox')), { mode: 0o755 });
    symlinkSync('busybox', join(rootfs, 'bin/sh'));
    mkdirSync(join(folder, 'victim'));
    symlinkSync(join(folder, 'victim'), join(rootfs, 'link'));
    symlinkSync('../../../../../../../../etc', join(rootfs, 'climb'));
    const answer = minirun([
      'run',
      '--rm',
      '-v',
      '/etc:/link/deep:ro',
      '-v',
      '/etc:/climb/deep:ro',
      rootfs,
      '/bin/sh',
      '-c',
      `/bin/busybox ls -d ${folder}/victim/deep /etc/deep`,
    ]);
    expect(answer.err).toBe('');
    expect(answer.out.trim().split('\n')).toEqual(['/etc/deep', `${folder}/victim/deep`].sort());
    expect(existsSync(join(folder, 'victim/deep'))).toBe(false);
    expect(existsSync('/etc/deep')).toBe(false);
  });

  it('a /proc or /sys that is a link is refused', () => {
    const rootfs = join(folder, 'evil-proc');
    mkdirSync(join(rootfs, 'bin'), { recursive: true });
    mkdirSync(join(rootfs, 'elsewhere'));
    symlinkSync('elsewhere', join(rootfs, 'proc'));
    const answer = minirun(['run', '--rm', rootfs, '/bin/true']);
    expect(answer.code).toBe(125);
    expect(answer.err).toMatch(/ELOOP/);
  });

  it('read-only root, read-only and hidden paths', () => {
    expect(
      output(
        'touch /x 2>/dev/null || echo ro; touch /proc/sys/kernel/hostname 2>/dev/null || echo ro; cat /proc/keys | wc -c; touch /dev/shm/x && echo rw',
        '--read-only',
      ),
    ).toBe('ro\nro\n0\nrw');
  });

  it('capabilities: 14 by default, fewer, none, more', () => {
    const effective = 'grep CapEff /proc/self/status | cut -f2';
    expect(output(effective)).toBe('00000000a80425fb');
    expect(output(effective, '--cap-drop', 'ALL')).toBe('0000000000000000');
    expect(output(effective, '--cap-drop', 'ALL', '--cap-add', 'net_raw')).toBe('0000000000002000');
    expect(BigInt(`0x${output(effective, '--cap-add', 'SYS_ADMIN')}`) & (1n << 21n)).not.toBe(0n);
  });

  it('seccomp is on by default and can be off; no_new_privs on request', () => {
    const status = 'grep -E "^(Seccomp|NoNewPrivs):" /proc/self/status | cut -f2 | tr "\\n" " "';
    expect(output(status)).toBe('0 2');
    expect(output(status, '--security-opt', 'seccomp=unconfined')).toBe('0 0');
    expect(output(status, '--security-opt', 'no-new-privileges')).toBe('1 2');
    expect(output('unshare -m true 2>/dev/null && echo yes || echo no', '--cap-add', 'SYS_ADMIN')).toBe('yes');
    expect(output('unshare -U true 2>/dev/null && echo yes || echo no')).toBe('no');
  });

  it('privileged: everything that minirun itself has', () => {
    const own = /CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    const answer = inside(
      'grep CapEff /proc/self/status | cut -f2; grep Seccomp: /proc/self/status | cut -f2; touch /proc/sys/kernel/x 2>&1 | grep -c Read-only',
      '--privileged',
    );
    expect(answer.out.split('\n').slice(0, 3)).toEqual([own, '0', '0']);
  });

  it('limits: memory, processes, files', () => {
    const facts = readCgroupFacts(0);
    const memory = facts.mode === 'v2' ? '/sys/fs/cgroup/memory.max' : '/sys/fs/cgroup/memory/memory.limit_in_bytes';
    const pids = facts.mode === 'v2' ? '/sys/fs/cgroup/pids.max' : '/sys/fs/cgroup/pids/pids.max';
    expect(output(`cat ${memory} ${pids}; ulimit -n`, '-m', '64m', '--pids-limit', '50', '--ulimit', 'nofile=123:456').split('\n')).toEqual(
      ['67108864', '50', '123'],
    );
  });

  it('a container killed for its memory is reported as that', () => {
    const answer = inside('x=a; while true; do x=$x$x$x; done', '-m', '16m', '--memory-swap', '16m');
    expect(answer.code).toBe(137);
    expect(answer.err).toMatch(/memory limit/);
  });

  it('namespaces: shared with the host, or with another container', async () => {
    const links = 'readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid';
    const host = ['net', 'uts', 'ipc', 'pid'].map((n) => readNamespace('self', n));
    expect(output(links, '--network', 'host', '--uts', 'host', '--ipc', 'host', '--pid', 'host').split('\n')).toEqual(host);
    expect(
      output(links)
        .split('\n')
        .some((l) => host.includes(l)),
    ).toBe(false);

    minirun(['run', '-d', '--name', 'first', BUSYBOX, 'sleep', '60']);
    const pid = String(JSON.parse(minirun(['inspect', 'first']).out)[0].pid ?? JSON.parse(minirun(['inspect', 'first']).out)[0].State.Pid);
    const theirs = ['net', 'ipc', 'pid'].map((n) => readNamespace(pid, n));
    const joined = output(
      'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; readlink /proc/self/ns/pid; ps | grep -c "sleep 60"',
      '--network',
      'container:first',
      '--ipc',
      'container:first',
      '--pid',
      'container:first',
    ).split('\n');
    expect(joined.slice(0, 3)).toEqual(theirs);
    expect(Number(joined[3])).toBeGreaterThanOrEqual(1);
    expect(minirun(['rm', '-f', 'first']).code).toBe(0);
  });

  it('a user namespace makes root harmless', () => {
    const out = output(
      'id -u; cat /proc/self/uid_map | awk "{print \\$1, (\\$2 > 0), \\$3}"; touch /etc/x 2>/dev/null || echo denied',
      '--userns',
      'auto',
    );
    expect(out.split('\n')[0]).toBe('0');
    expect(out).toContain('denied');
  });

  it('sysctls, devices, --init, shm size', () => {
    expect(
      output(
        'cat /proc/sys/net/ipv4/ip_forward; df -k /dev/shm | tail -1 | awk "{print \\$2}"',
        '--sysctl',
        'net.ipv4.ip_forward=1',
        '--shm-size',
        '3m',
      ),
    ).toBe('1\n3072');
    expect(output('ls -l /dev/mine | cut -c1; head -c 3 /dev/mine | wc -c', '--device', '/dev/zero:/dev/mine')).toBe('c\n3');
    expect(output('ps | head -2 | tail -1 | grep -c minirun-init; echo $$', '--init').split('\n')[0]).toBe('1');
  });

  it('signals reach the command', async () => {
    const child = start([
      'run',
      '--rm',
      BUSYBOX,
      '/bin/sh',
      '-c',
      'trap "echo got; exit 3" TERM; echo ready; while true; do sleep 0.1; done',
    ]);
    let out = '';
    child.stdout.on('data', (d) => {
      out += d;
    });
    await until('the command is ready', () => out.includes('ready'));
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(out).toContain('got');
    expect(code).toBe(3);
  });

  it('leaves nothing', () => {
    expect(minirun(['ps', '-a', '-q']).out).toBe('');
    expect(existsSync(root) && readFileSync('/proc/self/mountinfo', 'utf8').includes(folder)).toBe(false);
  });
});

function readNamespace(pid: string, name: string): string {
  return readlinkSync(`/proc/${pid}/ns/${name}`);
}
