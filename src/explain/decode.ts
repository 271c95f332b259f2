/**
 * A call as text, in the notation of strace(1): names for flags, quotes around strings, braces
 * around structs. Pure: used before a run (results are names) and during it (results are numbers).
 */
import { showCapabilities } from '../libc/capabilities.ts';
import { FAMILIES, flagNames } from '../libc/flags.ts';
import type { Actor, Arg, Call, Field, FlagFamily, Program, Ref } from '../runc/program/step.ts';
import { TOKENS } from '../runc/program/tokens.ts';
import { constantName, TRIMMED } from './constants.ts';
import { harmless, quote } from './quote.ts';

export interface ShowOptions {
  /** Write flags as strace -X verbose does: `0x6` and `MS_NOSUID|MS_NODEV`, the number and the names in a comment. */
  numbers?: boolean;
  /** The result of an earlier step; where it answers undefined, the result is shown as `<name>`. */
  value?: (ref: Ref) => number | undefined;
  /** Longest string or list to show, in characters; longer ones end in `…`. Without it nothing is cut. */
  width?: number;
  /** For a sync step: the actor at the other end. */
  peer?: Actor | undefined;
}

/** A call in pieces, for those who lay it out over several lines. */
export interface ShownCall {
  /** `mount`; for a sync step the whole sentence, and then `args` is undefined. */
  callee: string;
  args: string[] | undefined;
}

/**
 * Writes a call as strace would: `mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)`.
 * Sync steps become `wait for runtime: TOKEN` and `tell init: TOKEN`.
 */
export function showCall(call: Call, options: ShowOptions = {}): string {
  const { callee, args } = callParts(call, options);
  return args ? `${callee}(${args.join(', ')})` : callee;
}

/** {@link showCall} for a step of a program, which says who is at the other end of a sync step. */
export function showStep(program: Program, index: number, options: ShowOptions = {}): string {
  const step = program.steps[index];
  return step ? showCall(step.call, { ...options, peer: peerOf(program, index) }) : '';
}

/** The actor that signals what this step waits for, or waits for what it signals. */
export function peerOf(program: Program, index: number): Actor | undefined {
  const sync = program.steps[index]?.sync;
  if (!sync) return undefined;
  return program.steps.find((s) => s.sync?.token === sync.token && s.sync.kind !== sync.kind)?.actor;
}

/** The pieces of {@link showCall}. Unused trailing arguments (of prctl and clone) are left out. */
export function callParts(call: Call, options: ShowOptions = {}): ShownCall {
  if (call.name === 'sync_wait' || call.name === 'sync_signal') {
    const token = call.args[0]?.kind === 'text' ? plainText(call.args[0].parts, options) : '';
    const verb = call.name === 'sync_wait' ? 'wait for' : 'tell';
    // Who says start is no actor of the program: another call of the runtime, later.
    const nobody = token === TOKENS.started ? 'whoever said start' : 'the other process';
    return { callee: `${verb} ${options.peer ?? nobody}: ${token}`, args: undefined };
  }
  if (call.name === 'posix_spawn') {
    return { callee: call.name, args: [`[${call.args.map((arg) => showArg(arg, options)).join(', ')}]`] };
  }
  if (call.name === 'run_hook') return { callee: call.name, args: hookArgs(call.args, options) };
  let used = call.args.length;
  const least = TRIMMED[call.name]?.(call) ?? used;
  while (used > least && isZero(call.args[used - 1] as Arg)) used--;
  return { callee: call.name, args: call.args.slice(0, used).map((arg, i) => showArg(arg, options, { call, index: i })) };
}

/** A hook is no system call: its arguments are named, and what was not asked for is left out. */
function hookArgs([path, argv, env, timeout, state, inside, cwd]: Arg[], options: ShowOptions): string[] {
  const named = (name: string, arg: Arg | undefined, after = ''): string[] =>
    arg === undefined || isZero(arg) ? [] : [`${name}${showArg(arg, options)}${after}`];
  return [
    ...named('', path),
    ...named('argv=', argv),
    ...named('environment=', env),
    ...named('timeout=', timeout, ' s'),
    ...named('input=', state),
    ...named('namespaces of process ', inside),
    ...named('cwd=', cwd),
  ];
}

const isZero = (arg: Arg): boolean => arg.kind === 'null' || (arg.kind === 'int' && BigInt(arg.value) === 0n);

/** One argument, as it stands in a call. `place` lets values be named that depend on their neighbours. */
export function showArg(arg: Arg, options: ShowOptions = {}, place?: { call: Call; index: number }): string {
  switch (arg.kind) {
    case 'int':
      return showInt(BigInt(arg.value), arg.family, options, place && constantName(place.call, place.index, BigInt(arg.value)));
    case 'text':
      return quote(plainText(arg.parts, options), options.width);
    case 'data':
      return showData(arg, options);
    case 'list':
      return showList(arg.items, options.width);
    case 'struct':
      return showStruct(arg, options);
    case 'buffer':
      return `buf[${arg.size}]`;
    case 'memory':
      return arg.offset ? `<${arg.of}>+${arg.offset}` : `<${arg.of}>`;
    case 'null':
      return 'NULL';
    case 'result':
      return showRef(arg, options);
  }
}

const showRef = (ref: Ref, options: ShowOptions): string => `${options.value?.(ref) ?? `<${ref.of}>`}`;

const plainText = (parts: (string | Ref)[], options: ShowOptions): string =>
  parts.map((part) => (typeof part === 'string' ? part : showRef(part, options))).join('');

function showInt(value: bigint, family: FlagFamily | undefined, options: ShowOptions, constant?: string): string {
  const name = constant ?? familyName(value, family);
  if (name === undefined) return value.toString();
  const isNumber = /^-?\d/.test(name);
  if (!options.numbers || isNumber || name.startsWith('makedev(')) return name;
  return `0x${BigInt.asUintN(value < 0n ? 32 : 64, value).toString(16)} /* ${name} */`;
}

/** The value in the words of its family; undefined when a plain number says it best. */
function familyName(value: bigint, family: FlagFamily | undefined): string | undefined {
  switch (family) {
    case undefined:
      return undefined;
    case 'FD':
      return BigInt.asIntN(32, value) === -100n ? 'AT_FDCWD' : BigInt.asIntN(32, value).toString();
    case 'MODE':
      return value === 0n ? '0' : `0${value.toString(8)}`;
    case 'DEV':
      return `makedev(${deviceNumbers(value).join(', ')})`;
    case 'CAP':
      return showCapabilities(value);
    case 'CAP_HIGH':
      return showCapabilities(value << 32n);
    case 'IOPRIO':
      return showIoPriority(value);
    default:
      return family in FAMILIES ? flagNames(family, value) : undefined;
  }
}

/** Major and minor number of a dev_t, as glibc packs it: makedev(3). */
export function deviceNumbers(device: bigint): [major: number, minor: number] {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn);
  return [Number(major), Number(minor)];
}

const IO_CLASSES = ['IOPRIO_CLASS_NONE', 'IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE'];
const showIoPriority = (value: bigint): string =>
  `IOPRIO_PRIO_VALUE(${IO_CLASSES[Number(value >> 13n)] ?? value >> 13n}, ${value & 0x1fffn})`;

/** Bytes: in the compiler's own words, as text where they are text, else their number. */
function showData(arg: Extract<Arg, { kind: 'data' }>, options: ShowOptions): string {
  if (arg.shows !== undefined) {
    const shown = harmless(arg.shows);
    if (!options.width || shown.length <= options.width + 2) return shown;
    const quoted = shown.startsWith('"');
    // A cut in the middle of an escape such as \\n would leave its backslash behind.
    const kept = shown.slice(0, options.width + (quoted ? 1 : 0)).replace(/\\+$/, '');
    return quoted ? `${kept}"…` : `${kept}…`;
  }
  const bytes = Buffer.from(arg.hex, 'hex');
  const text = bytes.toString('utf8');
  if (bytes.length && !/[^\n\t -~]/.test(text)) return quote(text, options.width);
  return bytes.length <= 8 ? `"${arg.hex.replace(/../g, '\\x$&')}"` : `${bytes.length} bytes`;
}

function showList(items: string[], width?: number): string {
  const shown: string[] = [];
  let length = 0;
  for (const item of items) {
    const quoted = quote(item, width);
    if (width && shown.length && length + quoted.length > width) {
      shown.push(`… ${items.length - shown.length} more`);
      break;
    }
    shown.push(quoted);
    length += quoted.length + 2;
  }
  return `[${shown.join(', ')}]`;
}

function showStruct(arg: Extract<Arg, { kind: 'struct' }>, options: ShowOptions): string {
  const fields = joinHalves(arg.fields);
  const shown: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    let names = field.name;
    // Equal neighbours are written once, as C would assign them: effective=permitted=CAP_KILL.
    while (isCapabilitySet(field) && fields[i + 1] && sameInt(field, fields[i + 1] as Field)) names += `=${fields[++i]?.name}`;
    if (isLeftOut(arg.name, field)) continue;
    shown.push(`${names}=${showField(arg.name, field, options)}`);
  }
  return `{${shown.join(', ')}}`;
}

function showField(struct: string, field: Field, options: ShowOptions): string {
  if (field.value.kind !== 'int') return showArg(field.value, options);
  const value = BigInt(field.value.value);
  return showInt(value, field.value.family, options, constantName(struct, field.name, value));
}

/** Structs with many fields of which few are used; as in a C initialiser, what is not named is zero. */
const SPARSE = new Set(['clone_args', 'open_how', 'mount_attr', 'sched_attr', 'bpf_attr', 'msghdr', 'mmsghdr']);
const isLeftOut = (struct: string, field: Field): boolean => field.name === 'padding' || (SPARSE.has(struct) && isZero(field.value));

const isCapabilitySet = (field: Field): boolean => field.value.kind === 'int' && field.value.family === 'CAP';
const sameInt = (a: Field, b: Field): boolean =>
  a.value.kind === 'int' && b.value.kind === 'int' && a.value.family === b.value.family && BigInt(a.value.value) === BigInt(b.value.value);

/** A capability set is two 32-bit words to the kernel and one set to a reader: joins NAME and NAME_high. */
function joinHalves(fields: Field[]): Field[] {
  const high = new Map(fields.filter((f) => f.value.kind === 'int' && f.value.family === 'CAP_HIGH').map((f) => [f.name, f]));
  return fields.flatMap((field): Field[] => {
    if (high.has(field.name)) return [];
    const upper = high.get(`${field.name}_high`)?.value;
    if (upper?.kind !== 'int' || field.value.kind !== 'int') return [field];
    const value = BigInt(field.value.value) | (BigInt(upper.value) << 32n);
    return [{ ...field, value: { ...field.value, value } }];
  });
}
