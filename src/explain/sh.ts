/**
 * A program as the nearest shell script: unshare(1), mount(8) and friends. Nearest, because a
 * shell cannot hold descriptors of places, and so cannot do safely what the program does; each such
 * place says so.
 */
import { CAPABILITIES } from '../libc/capabilities.ts';
import type { Arg, Program, Step } from '../runc/program/step.ts';
import { follow, integer, newPlaces, placeOf, plain } from './places.ts';
import { NAMESPACE_OPTIONS, OLD_ROOT, type Shell, shPath, translate } from './sh-calls.ts';
import { shComment, shWord } from './sh-text.ts';

interface Script {
  /** Before the container's processes exist. */
  outer: string[];
  /** In the sub-shell that becomes unshare: it is in the cgroup, and in the namespaces that are joined. */
  placed: string[];
  /** Inside the new namespaces. */
  inner: string[];
  unshare: string[];
  nsenter: string[];
  folders: string[];
  rootfs: string | undefined;
  /** The command, once an execve has been seen. */
  command: { path: string; args: string[]; env: string[] } | undefined;
}

const listOf = (arg: Arg | undefined): string[] => (arg?.kind === 'list' ? arg.items : []);

/** Programs that come from the container's own root after the pivot. */
const EXTERNAL = /^(mount|umount|rmdir|mkdir|chmod|chown|ln|rm|mknod|mkfifo|hostname|ip) /;

const optionsOf = (flags: bigint): string[] => NAMESPACE_OPTIONS.filter(([flag]) => flags & BigInt(flag)).map(([, option]) => option);

interface State {
  inside: boolean;
  cloned: boolean;
  /** Results that serve the map of an id-mapped mount: mount(8) needs none of them. */
  mapping: Set<string>;
}

const uses = (arg: Arg, names: Set<string>): boolean =>
  arg.kind === 'result'
    ? names.has(arg.of)
    : arg.kind === 'text' && arg.parts.some((part) => typeof part !== 'string' && names.has(part.of));

/** Where a step's lines go. Init's first steps, which only place it, are made before unshare(1) starts it. */
function sectionOf(script: Script, step: Step, state: State): string[] {
  if (step.actor === 'init' && !state.inside && step.chapter !== 'cgroup' && step.chapter !== 'namespaces') state.inside = true;
  if (state.inside) return script.inner;
  return state.cloned ? script.placed : script.outer;
}

function writeStep(script: Script, shell: Shell, step: Step, index: number, state: State): void {
  const section = sectionOf(script, step, state);
  const { name, args } = step.call;
  const head = shComment(`${index + 1}. ${step.why}`);
  const frame = (where: string) => section.push('', ...head, `# (done ${where})`);
  if (step.sync) return void section.push('', ...head, '# (a shell needs no word here: one line follows the other)');
  if (step.becomes === 'nobody' || args.some((arg) => uses(arg, state.mapping))) {
    if (step.saves) state.mapping.add(step.saves);
    return void section.push('', ...head, '# (left out: it takes mount --map-users of util-linux 2.39)');
  }
  if (name === 'clone' || name === 'unshare') {
    if (name === 'clone') state.cloned = true;
    const options = optionsOf(integer(args[0]));
    for (const option of options) if (!script.unshare.includes(option)) script.unshare.push(option);
    return void frame(
      options.length
        ? `by unshare at the end of the outer part: ${options.map((o) => `--${o}`).join(' ')}`
        : 'by the sub-shell at the end of the outer part',
    );
  }
  if (name === 'setns') {
    const path = args[0]?.kind === 'result' ? shell.places.held.get(args[0].of)?.path : undefined;
    for (const option of optionsOf(integer(args[1]))) script.nsenter.push(`--${option}=${shWord(path ?? '')}`);
    return void frame('by nsenter at the end of the outer part');
  }
  if (name === 'execve') {
    script.command ??= { path: plain(args[0]), args: listOf(args[1]), env: listOf(args[2]) };
    return void frame('by exec in the last line, which looks through PATH by itself');
  }
  if (name === 'chroot') shell.chroot = true;
  // In a user namespace unshare(1) has made this process root before the script begins.
  if (step.chapter === 'namespaces' && name.startsWith('set')) return void frame('by unshare --map-root-user');
  const wasInside = shell.places.inside;
  const t = translate(shell, step);
  if (name === 'mkdirat' && step.actor === 'runtime' && step.chapter === 'cgroup') {
    // Only what this script has made may go again: other containers may be in the folders above.
    script.folders.push(shPath(shell, placeOf(shell.places, args[0], args[1])));
    const mark = `made_${script.folders.length}=yes`;
    t.commands = t.commands.map((c) => (c.includes(' || ') ? `${c.replace(' || ', ' || { ')}; ${mark}; }` : `${c} && ${mark}`));
  }
  section.push('', ...head);
  if (t.cannot) section.push(...shComment(`(a shell cannot: ${t.cannot})`));
  if (t.elsewhere) section.push(`# (done ${t.elsewhere})`);
  section.push(...t.commands.map((c) => (wasInside && !shell.chroot && EXTERNAL.test(c) ? `run ${c}` : c)));
  follow(shell.places, step);
  if (shell.places.rootfs !== undefined && script.rootfs === undefined) {
    script.rootfs = shell.places.rootfs;
    section.push(`mkdir -p "$ROOT"${OLD_ROOT} # for pivot_root below`);
  }
  if (name === 'umount2' && shell.places.inside) section.push(`run rmdir ${OLD_ROOT} 2>&- || :`);
}

/** setpriv's options for what the program's last steps do. */
function setpriv({ identity }: Shell): string[] {
  const kept = CAPABILITIES.filter((c) => !identity.dropped.includes(c)).map((c) => `+${c.toLowerCase().replace(/^cap_/, '')}`);
  const isRoot = !identity.uid;
  return [
    ...(isRoot ? [] : [`--reuid ${identity.uid}`]),
    ...(identity.gid === undefined || (isRoot && identity.gid === 0n) ? [] : [`--regid ${identity.gid}`]),
    ...(identity.groups === undefined ? [] : [identity.groups.length ? `--groups ${identity.groups.join(',')}` : '--clear-groups']),
    ...(identity.dropped.length
      ? [`--bounding-set ${identity.dropped.length >= CAPABILITIES.length ? '-all' : ['-all', ...kept].join(',')}`]
      : []),
    ...(identity.noNewPrivileges ? ['--no-new-privs'] : []),
  ];
}

function lastLines(script: Script, shell: Shell): string[] {
  const { command } = script;
  if (!command) return [];
  const wanted = setpriv(shell);
  const must = shell.identity.uid ? 'exit 125' : ':';
  const into = shell.chroot ? 'chroot "$ROOT" ' : '';
  const environment = command.env.map(shWord).map((e) => `    ${e} \\`);
  return [
    '',
    ...(wanted.length
      ? [
          ...shComment(
            "Give up power. This setpriv is the one in the rootfs (the host's programs are out of reach now); busybox has one that knows too little.",
          ),
          "setpriv=''",
          `if ${into}setpriv --help 2>&1 | grep -q -- --bounding-set; then`,
          `    setpriv='setpriv ${wanted.join(' ')}'`,
          'else',
          `    echo 'no setpriv of util-linux in this rootfs: ${shell.identity.uid ? 'cannot become the user' : 'the command keeps more privileges than minirun would leave it'}' >&2`,
          `    ${must}`,
          'fi',
        ]
      : ["setpriv=''"]),
    'env=env',
    `${shell.chroot ? '[ -x "$ROOT"/bin/env ] || [ -x "$ROOT"/usr/bin/env ]' : '[ -n "$(command -v env)" ]'} || env="busybox env"`,
    ...shComment('Become the command, with its own environment and nothing of this one.'),
    `exec ${into}$setpriv $env -i \\`,
    ...environment,
    `    ${[command.args[0] ?? command.path, ...command.args.slice(1)].map(shWord).join(' ')}`,
  ];
}

/** A line that no step's text can be: it ends the inner part. */
const END = 'END_OF_THE_INNER_PART';

/**
 * Writes the nearest shell script (POSIX sh; needs util-linux, and iproute2 for the loopback).
 * It runs the container in the foreground and exits with its status.
 */
export function renderSh(program: Program): string {
  const script: Script = { outer: [], placed: [], inner: [], unshare: [], nsenter: [], folders: [], rootfs: undefined, command: undefined };
  const shell: Shell = {
    places: newPlaces(),
    files: new Map(),
    identity: { uid: undefined, gid: undefined, groups: undefined, dropped: [], noNewPrivileges: false },
    chroot: false,
  };
  const state: State = { inside: false, cloned: false, mapping: new Set() };
  program.steps.forEach((step, index) => writeStep(script, shell, step, index, state));
  const last = lastLines(script, shell);

  const unshare = [
    'unshare',
    ...(script.unshare.includes('pid') ? ['--fork', '--kill-child'] : []),
    ...script.unshare.map((o) => (o === 'user' ? '--map-root-user' : `--${o}`)),
    ...(script.unshare.includes('mount') ? ['--propagation unchanged'] : []),
  ];
  const start = [
    ...(script.nsenter.length ? ['nsenter', ...script.nsenter] : []),
    ...(script.unshare.length ? unshare : []),
    'sh "$inner"',
  ].join(' ');
  return `${[
    '#!/bin/sh',
    ...shComment(
      'A container, started step by step: the shell form of what minirun does, written by `minirun explain --format sh`. It needs root, util-linux (unshare, mount, pivot_root) and iproute2 (ip).',
    ),
    ...shComment(
      'Read it, learn from it, do not rely on it: where a comment says "a shell cannot", the program that minirun runs is safer than this script.',
    ),
    ...program.warnings.flatMap((w) => shComment(`Warning: ${w}`)),
    'set -eu',
    `export ROOT=${shWord(script.rootfs ?? '/')}`,
    'export LC_ALL=C',
    'inner=$(mktemp)',
    'clean_up() {',
    '    rm -f "$inner"',
    ...(script.folders.length
      ? [
          '    # The kernel takes a moment to clear a cgroup after its last process has ended.',
          '    sleep 0.1',
          ...script.folders.map((f, i) => `    [ -z "\${made_${i + 1}-}" ] || rmdir ${f} || :`).reverse(),
        ]
      : []),
    ...(script.rootfs ? [`    rmdir "$ROOT"${OLD_ROOT} 2>/dev/null || :`] : []),
    '}',
    'trap clean_up EXIT',
    '',
    `# ${'='.repeat(20)} The outer part: what the runtime does ${'='.repeat(20)}`,
    ...script.outer,
    '',
    `# ${'='.repeat(20)} The inner part: what init does, as a script of its own ${'='.repeat(20)}`,
    `cat > "$inner" <<'${END}'`,
    'set -eu',
    'rm -f "$0"',
    ...shComment('After the pivot only the programs of the rootfs are left. One that has nothing but busybox has them under that name.'),
    'run() {',
    '    if [ -n "$(command -v "$1")" ]; then "$@"; else busybox "$@"; fi',
    '}',
    ...script.inner,
    ...last,
    END,
    '',
    `# ${'='.repeat(20)} Start it ${'='.repeat(20)}`,
    'status=0',
    '(',
    ...script.placed.map((line) => (line ? `    ${line}` : line)),
    '',
    `    exec ${start}`,
    ') || status=$?',
    'exit "$status"',
  ].join('\n')}\n`;
}
