/** A program's arguments as C expressions, and the declarations that they need. */
import { FAMILIES, flagNames } from '../libc/flags.ts';
import { syscallNumber } from '../libc/syscalls.ts';
import type { Arg, Call, Field, Ref } from '../runc/program/step.ts';
import { cFormat, cName, cNote, cString } from './c-text.ts';
import { constantName } from './constants.ts';
import { deviceNumbers } from './decode.ts';

/** What the expressions of one C file have asked for so far. */
export interface CFile {
  /** Layout of a struct → its name, and the declaration. */
  structs: Map<string, { name: string; declaration: string[] }>;
  /** Constants that older headers lack. */
  constants: Map<string, bigint>;
  /** System calls that older headers lack. */
  syscalls: Set<string>;
  /** Large data and buffers, declared once outside the functions. */
  statics: string[][];
  /** Results that later steps use: name → C variable, as of the step being written. */
  variables: Map<string, string>;
  /** All C variables, in order of appearance. */
  declared: string[];
  /** Which of the fixed functions are used. */
  uses: Set<'text' | 'run' | 'hook' | 'field'>;
  /** Number of the step being written: names what it needs. */
  number: number;
}

export const newCFile = (): CFile => ({
  structs: new Map(),
  constants: new Map(),
  syscalls: new Set(),
  statics: [],
  variables: new Map(),
  declared: [],
  uses: new Set(),
  number: 0,
});

/** Names that the headers included below have had for ten years; the others get a fallback. */
const OLD = /^(MS|MNT|UMOUNT|CLONE|O|AT|S|RLIMIT|AF|SOCK|SOL|SCM|F|FD|CAP|PR|PRIO|STATX)_|^(SIG|TIOC)[A-Z0-9]+$/;
const NEW = /^(CLONE_NEWTIME|CLONE_NEWCGROUP|MS_NOSYMFOLLOW|AT_RECURSIVE|TIOCGPTPEER|CAP_(PERFMON|BPF|CHECKPOINT_RESTORE))$/;

function useConstant(file: CFile, name: string, value: bigint): void {
  if (!OLD.test(name) || NEW.test(name)) file.constants.set(name, value);
}

/** Families of bits whose names mean bit numbers in the headers. */
const NAMES_ARE_NUMBERS = new Set(['CAP', 'CAP_HIGH']);

/** A new C variable for the result saved as `of`. */
export function declare(file: CFile, of: string, base = cName(of)): string {
  let name = base;
  for (let n = 2; file.declared.includes(name) || RESERVED.has(name); n++) name = `${base}_${n}`;
  file.declared.push(name);
  file.variables.set(of, name);
  return name;
}

/** Words that a result's name must not take: C's own, libc's and the frame's. */
const RESERVED = new Set(
  (
    'auto break case char const continue default do double else enum extern float for goto if inline int long register ' +
    'restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm typeof ' +
    'main init starter runtime result text run run_hook done stop expect expect_not tell hear receive peer actor message clean_up remove_cgroup made heard pair console_pair ' +
    'before raw forward start_starter starter_process init_process restore_terminal serve_terminal receive_descriptor pass_on ' +
    'errno stdin stdout stderr environ mount open close read write kill chroot socket signal wait pipe dup exit pid uid gid ' +
    'file root dev proc sys tty log time index link access stat statx linux unix'
  ).split(' '),
);
for (const harmlessWord of ['file', 'root', 'dev', 'proc', 'sys', 'tty', 'pid', 'uid', 'gid']) RESERVED.delete(harmlessWord);

function variable(file: CFile, ref: Ref): string {
  const name = file.variables.get(ref.of);
  if (!name) throw new Error(`a step uses the result "${ref.of}" before any step has saved it`);
  return name;
}

function number(value: bigint): string {
  if (value < 0n) return value.toString();
  if (value > 0xffffffffn) return `0x${value.toString(16)}ULL`;
  if (value > 0x7fffffffn) return `0x${value.toString(16)}U`;
  return value.toString();
}

function named(file: CFile, family: string, value: bigint): string {
  if (family === 'MODE') return value ? `0${value.toString(8)}` : '0';
  if (family === 'FD') return value === -100n ? 'AT_FDCWD' : number(value);
  if (family === 'DEV') {
    return `makedev(${deviceNumbers(value).join(', ')})`;
  }
  const known = FAMILIES[family];
  if (!known) return number(value);
  const names = flagNames(family, value);
  if (NAMES_ARE_NUMBERS.has(family)) return `0x${value.toString(16)}${value > 0xffffffffn ? 'ULL' : 'U'} ${cNote(names)}`;
  const parts = names.split('|');
  for (const part of parts) {
    const n = known.names[part];
    if (n === undefined && !/^(0x[0-9a-f]+|[0-9]+)$/.test(part)) return number(value);
    if (n !== undefined) useConstant(file, part, BigInt(n));
  }
  return parts.join(' | ');
}

/** A number that means something because of where it stands: `CAP_KILL` as the second argument of prctl. */
function atPlace(file: CFile, owner: Call | string, place: number | string, value: bigint): string | undefined {
  const name = constantName(owner, place, value);
  if (name === undefined) return undefined;
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) return `0x${value.toString(16)} ${cNote(name)}`;
  useConstant(file, name, value);
  return name;
}

const isProse = (bytes: Buffer): boolean => {
  const text = bytes.toString();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return bytes.length > 0 && Buffer.from(text).equals(bytes) && !/[\x00-\x08\x0b-\x1f\x7f]/.test(text);
};

function bytesOf(arg: Extract<Arg, { kind: 'data' }>): string[] {
  const bytes = Buffer.from(arg.hex, 'hex');
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 8)
    rows.push([...bytes.subarray(at, at + 8)].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(', '));
  return rows;
}

function data(file: CFile, arg: Extract<Arg, { kind: 'data' }>): string {
  const bytes = Buffer.from(arg.hex, 'hex');
  if (isProse(bytes)) return cString(bytes.toString());
  if (!bytes.length) return '""';
  const base = `data_${file.number}`;
  const taken = file.statics.filter((lines) => lines.some((line) => line.startsWith(`static const uint8_t ${base}`))).length;
  const name = taken ? `${base}_${taken + 1}` : base;
  file.statics.push([
    ...(arg.shows === undefined ? [] : [cNote(`Step ${file.number}: ${arg.shows}`)]),
    `static const uint8_t ${name}[${bytes.length}] = {`,
    ...bytesOf(arg).map((row) => `    ${row},`),
    '};',
  ]);
  return name;
}

/** Classic BPF reads better as what it is: operation, jump if true, jump if false, operand. */
function bpfProgram(file: CFile, arg: Extract<Arg, { kind: 'data' }>): string {
  const bytes = Buffer.from(arg.hex, 'hex');
  const name = `filter_${file.number}`;
  const rows: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const code = bytes.readUInt16LE(at).toString(16).padStart(2, '0');
    const operand = bytes.readUInt32LE(at + 4).toString(16);
    rows.push(`    { 0x${code}, ${bytes.readUInt8(at + 2)}, ${bytes.readUInt8(at + 3)}, 0x${operand} },`);
  }
  file.statics.push([
    cNote(`Step ${file.number}: the filter, ${rows.length} instructions: { operation, jump if true, jump if false, operand }`),
    `static const struct { uint16_t code; uint8_t jt, jf; uint32_t k; } ${name}[] = {`,
    ...rows,
    '};',
  ]);
  return name;
}

const C_TYPE = { u8: 'uint8_t', u16: 'uint16_t', u32: 'uint32_t', i32: 'int32_t', u64: 'uint64_t', ptr: 'const void *', bytes: 'uint8_t' };

/** Structs that the libc wrapper of their call wants by their own name. */
const HEADER_STRUCTS = new Set(['rlimit']);

function structName(file: CFile, name: string, fields: Field[]): string {
  if (HEADER_STRUCTS.has(name)) return `struct ${name}`;
  const members = fields.map((f) => {
    if (f.type === 'bytes') return `    uint8_t ${f.name}[${f.value.kind === 'data' ? f.value.hex.length / 2 : 0}];`;
    return `    ${C_TYPE[f.type]}${f.type === 'ptr' ? '' : ' '}${f.name};`;
  });
  const layout = `${name}\n${members.join('\n')}`;
  const known = file.structs.get(layout);
  if (known) return known.name;
  // A prefix, because some versions of the headers have the struct and others do not.
  const base = `k_${cName(name)}`;
  let unique = base;
  const taken = [...file.structs.values()].map((s) => s.name);
  for (let n = 2; taken.includes(`struct ${unique}`); n++) unique = `${base}_${n}`;
  const declaration = [cNote(`The kernel's ${name}`), `struct ${unique} {`, ...members, '};'];
  file.structs.set(layout, { name: `struct ${unique}`, declaration });
  return `struct ${unique}`;
}

function fieldValue(file: CFile, structure: string, f: Field): string {
  if (f.type === 'bytes') return f.value.kind === 'data' ? `{ ${bytesOf(f.value).join(', ')} }` : '{ 0 }';
  if (f.value.kind === 'result') return `${f.type === 'u64' ? '(uint64_t)' : `(${C_TYPE[f.type]})`}${variable(file, f.value)}`;
  if (f.value.kind === 'int' && !HEADER_STRUCTS.has(structure)) {
    const meaning = atPlace(file, structure, f.name, BigInt(f.value.value));
    if (meaning) return meaning;
  }
  if (f.value.kind === 'int' && f.type === 'u64') {
    const value = BigInt.asUintN(64, BigInt(f.value.value));
    if (structure === 'rlimit' && value === 2n ** 64n - 1n) return 'RLIM_INFINITY';
    if (!f.value.family) return value > 0xffffffffn ? `0x${value.toString(16)}ULL` : value.toString();
  }
  if (structure === 'sock_fprog' && f.name === 'filter' && f.value.kind === 'data') return bpfProgram(file, f.value);
  return expression(file, f.value);
}

/** The C expression for an argument. Declarations that it needs are added to `file`. */
export function expression(file: CFile, arg: Arg, place?: { call: Call; index: number }): string {
  switch (arg.kind) {
    case 'null':
      return 'NULL';
    case 'result':
      return variable(file, arg);
    case 'int':
      return (
        (place && atPlace(file, place.call, place.index, BigInt(arg.value))) ??
        (arg.family ? named(file, arg.family, BigInt(arg.value)) : number(BigInt(arg.value)))
      );
    case 'text': {
      if (arg.parts.every((p) => typeof p === 'string')) return cString(arg.parts.join(''));
      file.uses.add('text');
      const format = arg.parts.map((p) => (typeof p === 'string' ? cFormat(p).slice(1, -1) : '%ld')).join('');
      const results = arg.parts.filter((p) => typeof p !== 'string').map((p) => variable(file, p));
      return `text("${format}", ${results.join(', ')})`;
    }
    case 'data':
      return data(file, arg);
    case 'list':
      return `(char *[]){ ${[...arg.items.map(cString), 'NULL'].join(', ')} }`;
    case 'buffer': {
      const name = arg.name === undefined ? `buffer_${file.number}` : `buffer_${cName(arg.name)}`;
      file.statics.push([`static _Alignas(8) uint8_t ${name}[${arg.size}];`]);
      return `(void *)${name}`;
    }
    case 'memory':
      return `(void *)(buffer_${cName(arg.of)}${arg.offset ? ` + ${arg.offset}` : ''})`;
    case 'struct': {
      const type = structName(file, arg.name, arg.fields);
      const fields = arg.fields.map((f) => `.${f.name} = ${fieldValue(file, arg.name, f)}`);
      return `&(${type}){ ${fields.join(', ')} }`;
    }
  }
}

/** `SYS_x`, with a fallback where the headers may be older than the call: those numbers are the same everywhere. */
export function syscallName(file: CFile, name: string): string {
  if (syscallNumber(name, 'x64') >= 424) file.syscalls.add(name);
  return `SYS_${name}`;
}
