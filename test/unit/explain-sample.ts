/** A small, real program written by hand: what the tests of the C, shell and HTML forms render. */
import { CLONE, MNT, MS, O, PR, RESOLVE } from '../../src/libc/flags.ts';
import { add, closeResult, type Draft, newDraft, type Setting, signal, wait, writeFile } from '../../src/runc/compile/draft.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import {
  capset,
  chdir,
  clone,
  closeRange,
  execve,
  getcwd,
  mkdirat,
  mount,
  moveMount,
  open,
  openat2,
  openTree,
  pivotRoot,
  prctl,
  runProgram,
  seccompFilter,
  setgroups,
  sethostname,
  setresgid,
  setresuid,
  statx,
  umount2,
  unshare,
} from '../../src/runc/program/calls.ts';
import { type Program, ref } from '../../src/runc/program/step.ts';
import type { Config } from '../../src/runc/spec/config.ts';

export interface SampleOptions {
  rootfs: string;
  args: string[];
  hostname?: string;
  cgroup?: string;
}

export const sampleConfig = ({ rootfs, args, hostname = 'sample' }: SampleOptions): Config => ({
  ociVersion: '1.2.0',
  hostname,
  root: { path: rootfs },
  process: { user: { uid: 0, gid: 0 }, cwd: '/', args, env: ['PATH=/bin', 'TEXT=a "quoted" word'] },
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    { destination: '/data', type: 'bind', source: rootfs, options: ['rbind', 'ro'] },
  ],
  linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'uts' }] },
});

const at = (actor: Setting['actor'], chapter: Setting['chapter'], from: string): Setting => ({ actor, chapter, from });

/** Namespaces, a cgroup, a root file system with /proc and a bind mount through descriptors, a filter that allows all, the command. */
export function sampleProgram(options: SampleOptions): { program: Program; config: Config } {
  const config = sampleConfig(options);
  const d: Draft = newDraft(config, TYPICAL_HOST);
  const { rootfs } = options;
  const cgroup = options.cgroup ?? '/sys/fs/cgroup/sample';
  add(d, { ...at('runtime', 'cgroup', 'minirun'), call: mkdirat(-100, cgroup, 0o755), ignore: ['EEXIST'], why: 'Make the cgroup.' });
  add(d, {
    ...at('starter', 'namespaces', '#/linux/namespaces/0'),
    call: clone(CLONE.CLONE_NEWPID | CLONE.CLONE_PARENT | CLONE.SIGCHLD),
    saves: 'init',
    becomes: 'init',
    why: 'Make the process that becomes the container.',
  });
  signal(d, at('starter', 'namespaces', 'minirun'), 'cloned', 'Tell the runtime that init exists.');
  wait(d, at('runtime', 'namespaces', 'minirun'), 'cloned', 'The runtime needs its number.');
  add(d, {
    ...at('runtime', 'cgroup', 'minirun'),
    call: runProgram('/bin/test', '-d', ['/proc/', ref('init')]),
    why: 'Another program has a look at it.',
  });
  writeFile(
    d,
    at('runtime', 'cgroup', 'minirun'),
    [`/proc/`, ref('init'), '/oom_score_adj'],
    '100',
    'If memory runs out, the container goes first.',
  );
  signal(d, at('runtime', 'cgroup', 'minirun'), 'placed', 'It may go on.');
  wait(d, at('init', 'namespaces', 'minirun'), 'placed', 'It must be in its cgroup.');
  add(d, { ...at('init', 'namespaces', '#/linux/namespaces/2'), call: unshare(CLONE.CLONE_NEWUTS), why: 'A UTS namespace of its own.' });
  add(d, { ...at('init', 'namespaces', '#/linux/namespaces/1'), call: unshare(CLONE.CLONE_NEWNS), why: 'A mount namespace of its own.' });
  add(d, { ...at('init', 'identity', '#/hostname'), call: sethostname(config.hostname ?? ''), why: 'Name the container.' });
  const fs = at('init', 'root file system', '#/root');
  add(d, { ...fs, call: mount(null, '/', null, MS.MS_REC | MS.MS_PRIVATE, null), why: 'Nothing that is mounted here may reach the host.' });
  add(d, { ...fs, call: mount(rootfs, rootfs, null, MS.MS_BIND | MS.MS_REC, null), why: 'pivot_root wants a mount point.' });
  add(d, { ...fs, call: open(rootfs, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC), saves: 'rootfs', why: 'Hold the root by a descriptor.' });
  const proc = at('init', 'root file system', '#/mounts/0');
  add(d, {
    ...proc,
    call: openat2(ref('rootfs'), 'proc', O.O_PATH | O.O_CLOEXEC, RESOLVE.RESOLVE_IN_ROOT),
    saves: 'target.1',
    why: 'Find /proc inside the root.',
    minor: true,
  });
  add(d, {
    ...proc,
    call: statx(ref('target.1'), '', 0x1000),
    why: 'It must be a directory.',
    expect: [{ arg: 4, offset: 28, size: 2, mask: 0o170000n, equals: 0o040000n, otherwise: '/proc is no directory.' }],
  });
  add(d, {
    ...proc,
    call: mount('proc', ['/proc/self/fd/', ref('target.1')], 'proc', MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC, null),
    why: '/proc shows the processes of this pid namespace.',
  });
  closeResult(d, proc, ref('target.1'));
  const bind = at('init', 'root file system', '#/mounts/1');
  add(d, { ...bind, call: openTree(-100, rootfs, 1), saves: 'tree.2', why: 'A detached copy of the folder.' });
  add(d, {
    ...bind,
    call: openat2(ref('rootfs'), 'data', O.O_PATH | O.O_CLOEXEC, RESOLVE.RESOLVE_IN_ROOT),
    saves: 'target.2',
    why: 'Find /data inside the root.',
  });
  add(d, { ...bind, call: moveMount(ref('tree.2'), ref('target.2'), 0x44), why: 'Attach it.' });
  add(d, { ...fs, call: chdir(rootfs), why: 'Stand in the new root.' });
  add(d, { ...fs, call: pivotRoot('.', '.'), why: 'Make it the root.' });
  add(d, { ...fs, call: umount2('.', MNT.MNT_DETACH), why: 'Let the old root go.' });
  const privileges = at('init', 'privileges', '#/process');
  add(d, { ...privileges, call: prctl(PR.PR_CAPBSET_DROP, 19), ignore: ['EINVAL'], why: 'No tracing of others.' });
  add(d, { ...privileges, call: setgroups([10, 20]), why: 'Groups.' });
  add(d, { ...privileges, call: setresgid(0), why: 'The group.' });
  add(d, { ...privileges, call: setresuid(0), why: 'The user.' });
  add(d, { ...privileges, call: capset(0xa80425fbn, 0xa80425fbn, 0n), why: "Docker's capabilities." });
  add(d, { ...privileges, call: prctl(PR.PR_SET_NO_NEW_PRIVS, 1), why: 'No set-uid gains.' });
  add(d, { ...privileges, call: seccompFilter(Buffer.from('060000000000ff7f', 'hex'), 0), why: 'A filter that allows every call.' });
  const command = at('init', 'the command', '#/process/args');
  add(d, { ...command, call: chdir('/'), why: 'The working directory.' });
  add(d, {
    ...command,
    call: getcwd(),
    why: 'It must lie inside.',
    expect: [{ arg: 0, offset: 0, size: 1, mask: 0xffn, equals: 0x2fn, otherwise: 'The working directory is outside.' }],
  });
  add(d, { ...command, call: closeRange(3, 4), why: 'Nothing stays open.' });
  add(d, { ...command, call: execve(options.args[0] as string, options.args, config.process?.env ?? []), why: 'Become the command.' });
  return { program: { version: 1, arch: 'x64', steps: d.steps, warnings: ['A warning with */ in it.'] }, config };
}
