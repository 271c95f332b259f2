/**
 * A program as one C file that does the same: what minirun does, without minirun. It needs a C
 * compiler and the headers of libc, nothing else.
 */

import { syscallNumber } from '../libc/syscalls.ts';
import { type Actor, CHAPTERS, isClone, type Program, type Ref, type Step } from '../runc/program/step.ts';
import { expecting, hearing, INCLUDES, MEETING, mainFunction, REPORTING, RUN, starting, TERMINAL, TEXT } from './c-frame.ts';
import { HOOK } from './c-hook.ts';
import { cComment, cName, cNote, cString } from './c-text.ts';
import { type CFile, declare, expression, newCFile, syscallName } from './c-values.ts';

/** Calls made through their libc function; all others through syscall(2). */
const LIBC = new Set(
  (
    'unshare setns execve setsid sethostname setdomainname openat close write dup3 fcntl mkdirat mknodat symlinkat unlinkat ' +
    'fchownat fchown fchmod chdir fchdir umask statx fstatfs mount umount2 chroot prctl setgroups setresgid setresuid prlimit personality ' +
    'kill ioctl socket sendto recvfrom fchmodat bind connect'
  ).split(' '),
);

/** Arguments that the libc function has and the system call has not. */
const EXTRA: Record<string, string[]> = { fchmodat: ['0'] };

/** Names of the kernel's answers that programs check, by call and offset. */
const FIELD_NAMES: Record<string, Record<number, string>> = {
  statx: { 28: 'stx_mode', 32: 'stx_ino', 128: 'stx_rdev_major', 132: 'stx_rdev_minor', 136: 'stx_dev_major', 140: 'stx_dev_minor' },
  fstatfs: { 0: 'f_type' },
  recvfrom: { 16: 'the error number' },
  getcwd: { 0: 'the first letter' },
};

/** `name(a, b)`, one argument a line when it is long. */
function layOut(head: string, args: string[], tail: string, indent: string): string[] {
  const line = `${indent}${head}${args.join(', ')}${tail}`;
  if (line.length <= 110 || args.length < 2) return [line];
  return [`${indent}${head}`, ...args.map((a, i) => `${indent}    ${a}${i + 1 < args.length ? ',' : tail}`)];
}

/** setgroups takes ids, which read better than their bytes. */
function groups(step: Step): string | undefined {
  const list = step.call.args[1];
  if (step.call.name !== 'setgroups' || list?.kind !== 'data') return undefined;
  const bytes = Buffer.from(list.hex, 'hex');
  const ids = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
  return `(const gid_t[]){ ${ids.join(', ')} }`;
}

/** The call as [what comes before the arguments, the arguments]. */
function callOf(file: CFile, step: Step): [string, string[]] {
  const { name, args } = step.call;
  if (name === 'posix_spawn') {
    file.uses.add('run');
    return ['run((char *[]){ ', [...args.map((a) => expression(file, a)), 'NULL }']];
  }
  if (name === 'run_hook') {
    file.uses.add('hook');
    return ['run_hook(', args.map((a, index) => (index === 5 && a.kind === 'null' ? '0' : expression(file, a)))];
  }
  const ids = groups(step);
  const values = args.map((a, index) => (index === 1 && ids) || expression(file, a, { call: step.call, index }));
  if (name === 'prctl') return ['prctl(', values.map((v, i) => (i && /^\d+$/.test(v) ? `${v}L` : v))];
  if (LIBC.has(name)) return [`${name}(`, [...values, ...(EXTRA[name] ?? [])]];
  return ['syscall(', [syscallName(file, name), ...values]];
}

const tokenName = (token: string): string => `TOKEN_${cName(token)}`;

/** Every result that some step refers to. */
function usedResults(program: Program): Set<string> {
  const used = new Set<string>();
  JSON.stringify(program.steps, (_key, value: unknown) => {
    if (typeof value === 'bigint') return 0;
    if (value !== null && typeof value === 'object' && (value as Ref).kind === 'result') used.add((value as Ref).of);
    return value;
  });
  return used;
}

/** A directory that the program makes and that must go when the container has ended. */
interface MadeFolder {
  number: number;
  dir: string;
  path: string;
}

interface Writer {
  file: CFile;
  program: Program;
  used: Set<string>;
  bodies: Record<Actor, string[]>;
  folders: MadeFolder[];
  /** The C variable that holds clone's result. */
  cloned: string | undefined;
}

function writeStep(w: Writer, step: Step, index: number): void {
  const { file } = w;
  const body = w.bodies[step.actor];
  const number = index + 1;
  file.number = number;
  const indent = '    ';
  const asked = step.from === 'minirun' ? '' : ` Asked for by ${step.from}.`;
  body.push('', ...cComment(indent, `${number}. ${step.why}`, `${step.man}.${asked}`));
  if (step.sync) {
    const what = tokenName(step.sync.token);
    body.push(`${indent}${step.sync.kind === 'wait' ? `hear(${what})` : `tell(${what}, 0)`};`);
    return;
  }
  const [head, args] = callOf(file, step);
  body.push(...layOut(`result = ${head}`, args, ');', indent));
  if (isClone(step.call))
    body.push(`${indent}if (result == 0)`, `${indent}    ${step.becomes === 'nobody' ? '_exit(0)' : `${step.becomes ?? 'init'}()`};`);
  const ignored = step.ignore?.length ? `IGNORE(${step.ignore.join(', ')})` : 'NONE';
  const keep = step.saves !== undefined && (w.used.has(step.saves) || isClone(step.call));
  const target = keep
    ? `${declare(file, step.saves as string, cName(`${step.saves}${isClone(step.call) ? ' pid' : ''}`))} = `
    : step.expect
      ? 'result = '
      : '';
  const checked = `done(${number}, ${cString(step.call.name)}, result, ${ignored})`;
  const isCgroup = step.call.name === 'mkdirat' && step.chapter === 'cgroup' && step.actor === 'runtime';
  if (isCgroup) {
    w.folders.push({ number, dir: args[0] as string, path: args[1] as string });
    body.push(`${indent}made[${w.folders.length - 1}] = ${target}${checked} == 0;`);
  } else body.push(`${indent}${target}${checked};`);
  if (isClone(step.call) && step.becomes !== 'nobody') {
    w.cloned = file.variables.get(step.saves ?? '') ?? 'result';
    body.push(step.actor === 'runtime' ? `${indent}init_process = (pid_t)${w.cloned};` : `${indent}tell(CLONED, ${w.cloned});`);
  }
  for (const e of step.expect ?? []) {
    const subject = args[e.arg + (head === 'syscall(' ? 1 : 0)] ?? 'NULL';
    const name = FIELD_NAMES[step.call.name]?.[e.offset];
    const values = [
      String(number),
      cString(step.call.name),
      subject,
      `${e.offset}${name ? ` ${cNote(name)}` : ''}`,
      String(e.size),
      `0x${e.mask.toString(16)}`,
      `0x${e.equals.toString(16)}`,
      cString(e.otherwise),
    ];
    if (step.ignore?.length) body.push(`${indent}if (${keep ? file.variables.get(step.saves as string) : 'result'} >= 0)`);
    body.push(...layOut(e.not ? 'expect_not(' : 'expect(', values, ');', step.ignore?.length ? `${indent}    ` : indent));
  }
}

/** Removes the cgroups: a folder of cgroupfs is empty for rmdir(2) once no process is left in it. */
function cleanUp(folders: MadeFolder[]): string[] {
  const head = [cNote('Removes the cgroups that this program has made, the innermost first.'), 'static void clean_up(void)', '{'];
  if (!folders.length) return [...head, '}'];
  return [
    `static int made[${folders.length}];`,
    '',
    cNote('The kernel takes a moment to clear a cgroup after its last process has ended.'),
    'static void remove_cgroup(long dir, const char *path)',
    '{',
    '    for (int i = 0; i < 100 && unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno == EBUSY; i++)',
    '        usleep(10000);',
    '}',
    '',
    ...head,
    ...[...folders]
      .map((f, i) => ({ f, i }))
      .reverse()
      .flatMap(({ f, i }) => [`    if (made[${i}])`, `        remove_cgroup(${f.dir}, ${f.path});`]),
    '}',
  ];
}

function fallbacks(file: CFile): string[] {
  const lines: string[] = [];
  if (file.constants.size + file.syscalls.size) lines.push('', cNote('For headers that are older than the kernel.'));
  for (const [name, value] of file.constants)
    lines.push(
      `#ifndef ${name}`,
      `#define ${name} ${value > 9n ? `0x${value.toString(16)}` : value}${value > 0x7fffffffn ? 'U' : ''}`,
      '#endif',
    );
  for (const name of file.syscalls) lines.push(`#ifndef SYS_${name}`, `#define SYS_${name} ${syscallNumber(name, 'x64')}`, '#endif');
  return lines;
}

const WHO: Record<Actor, string> = {
  runtime: 'The runtime: this process, which stays outside and waits for the container to end.',
  starter: 'The starter: a short-lived process that enters the namespaces which only a child can be born in, and makes init.',
  init: 'Init: the process that becomes the container.',
};

function actorFunction(w: Writer, actor: Actor): string[] {
  const ends = actor !== 'runtime';
  const body = w.bodies[actor];
  const opening = actor === 'init' ? ['    actor = "init";', '    init_process = 0;'] : [];
  return [
    '',
    ...cComment('', WHO[actor]),
    ...(ends ? [`__attribute__((noreturn)) static void ${actor}(void)`] : ['static void runtime(void)']),
    '{',
    ...(body.some((line) => line.includes('result')) ? ['    long result;'] : []),
    ...opening,
    ...body,
    ...(ends ? ['', `    _exit(${actor === 'init' ? 125 : 0});`] : []),
    '}',
  ];
}

/** The descriptor through which init sends the terminal's master, if it does. */
function consoleSocket(program: Program): number | undefined {
  const socket = program.steps.find((s) => s.call.name === 'sendmsg')?.call.args[0];
  return socket?.kind === 'int' ? Number(socket.value) : undefined;
}

/**
 * Writes a program as a C file which performs it in the foreground and exits as the container's
 * command does (128 + N after signal N; 125 when a step fails, with the step on stderr).
 * It compiles without warnings under `cc -Wall -Wextra -O2`.
 * @throws Error when a step refers to a result that no earlier step saves, or to an unknown call
 */
export function renderC(program: Program): string {
  const file = newCFile();
  const w: Writer = {
    file,
    program,
    used: usedResults(program),
    bodies: { runtime: [], starter: [], init: [] },
    folders: [],
    cloned: undefined,
  };
  const chapterOf: Partial<Record<Actor, string>> = {};
  const firstOfStarter = program.steps.findIndex((s) => s.actor === 'starter');
  program.steps.forEach((step, index) => {
    if (index === firstOfStarter) w.bodies.runtime.push('', '    start_starter();');
    if (chapterOf[step.actor] !== step.chapter) {
      chapterOf[step.actor] = step.chapter;
      w.bodies[step.actor].push('', `    ${cNote(`${'-'.repeat(20)} ${step.chapter} ${'-'.repeat(60 - step.chapter.length)}`)}`);
    }
    writeStep(w, step, index);
  });

  const has = (actor: Actor) => w.bodies[actor].length > 0;
  const tokens = [...new Set(program.steps.flatMap((s) => (s.sync ? [tokenName(s.sync.token)] : [])))];
  const takesClone =
    w.cloned === undefined || w.cloned === 'result' ? 'init_process = (pid_t)m.value;' : `init_process = (pid_t)(${w.cloned} = m.value);`;
  const console = consoleSocket(program);
  const checks = (negated: boolean) => program.steps.some((s) => s.expect?.some((e) => (e.not === true) === negated));
  const hears = program.steps.some((s) => s.sync?.kind === 'wait');
  const paragraphs = [
    'A container, started step by step: the C form of what minirun does. Written by `minirun explain --format c`.',
    `Build and run it with: cc -Wall -Wextra -O2 -o container container.c && ./container`,
    `${program.steps.length} steps in ${CHAPTERS.filter((c) => program.steps.some((s) => s.chapter === c)).length} chapters, made by ${(['runtime', 'starter', 'init'] as const).filter(has).join(', ')}. The number before each why is the step's place in the whole, across the actors.`,
    ...program.warnings.map((warning) => `Warning: ${warning}`),
  ];
  return `${[
    ...cComment('', ...paragraphs),
    ...INCLUDES,
    ...fallbacks(file),
    ...[...file.structs.values()].flatMap((s) => ['', ...s.declaration]),
    ...(file.declared.length ? ['', cNote('Results that later steps use.'), ...file.declared.map((name) => `static long ${name};`)] : []),
    ...file.statics.flatMap((lines) => ['', ...lines]),
    '',
    `enum { CLONED${tokens.map((t) => `, ${t}`).join('')}, TOKENS };`,
    '',
    REPORTING,
    ...(checks(false) ? ['', expecting(false)] : []),
    ...(checks(true) ? ['', expecting(true)] : []),
    ...(file.uses.has('text') ? ['', TEXT] : []),
    ...(file.uses.has('run') ? ['', RUN] : []),
    ...(file.uses.has('hook') ? ['', HOOK] : []),
    '',
    MEETING,
    ...(hears ? ['', hearing(takesClone)] : []),
    '',
    ...cleanUp(w.folders),
    ...(has('init') ? actorFunction(w, 'init') : []),
    ...actorFunction(w, 'starter'),
    '',
    starting(console),
    ...actorFunction(w, 'runtime'),
    ...(console === undefined ? [] : ['', TERMINAL]),
    '',
    mainFunction(takesClone, console),
  ].join('\n')}\n`;
}
