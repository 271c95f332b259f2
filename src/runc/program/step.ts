/**
 * A container start, as a value.
 *
 * A {@link Program} is a list of libc calls, in order, each made by one {@link Actor}. Nothing
 * here runs anything: engines execute a program, `--explain` narrates it, `explain --format c`
 * prints it as C, and unit tests assert on it. A program is plain data (JSON once bigints are
 * written as strings), so it can be stored, compared and sent to another process.
 */

/** Who makes the call. */
export type Actor =
  /** The process that starts the container: cgroups, id maps, hooks, state. */
  | 'runtime'
  /** The short-lived process in between: joins a user or pid namespace, then clones init. */
  | 'starter'
  /** The process that becomes the container's PID 1 (or the exec'd command). */
  | 'init';

/** The parts of the story, in the order in which a reader meets them. */
export const CHAPTERS = [
  'namespaces',
  'identity',
  'cgroup',
  'root file system',
  'devices',
  'hooks',
  'terminal',
  'privileges',
  'the command',
] as const;
export type Chapter = (typeof CHAPTERS)[number];

/** A family of bit flags or named values; the tables are in `src/libc/flags.ts`. */
export type FlagFamily = string;

/** The integer that an earlier step of the same actor (or of the one it was cloned from) returned. */
export interface Ref {
  kind: 'result';
  of: string;
}

export type Arg =
  | { kind: 'int'; value: number | bigint; family?: FlagFamily }
  /** A NUL-terminated string; a Ref in it is written as a decimal number. */
  | { kind: 'text'; parts: (string | Ref)[] }
  /** Raw bytes; `shows` is how a reader sees them. */
  | { kind: 'data'; hex: string; shows?: string }
  /** A NULL-terminated array of strings (argv, envp). */
  | { kind: 'list'; items: string[] }
  /** A pointer to a C struct (or array of them), laid out with natural alignment. */
  | { kind: 'struct'; name: string; fields: Field[] }
  /** Memory of `size` bytes into which the kernel writes; `name` is for later steps that read it. */
  | { kind: 'buffer'; size: number; name?: string }
  /** What the kernel has written into the buffer of that name for an earlier step of the same actor, from a byte on. */
  | { kind: 'memory'; of: string; offset: number }
  | { kind: 'null' }
  | Ref;

export interface Field {
  name: string;
  /** `ptr` takes text, data, list, struct, buffer, memory or null; `bytes` takes data, inline. */
  type: 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'ptr' | 'bytes';
  value: Arg;
}

export interface Call {
  /** The libc name: `mount`, `pivot_root`, `openat2`. */
  name: string;
  args: Arg[];
}

/** After the call, `size` bytes at `offset` of the buffer in argument `arg`, masked, must be (or not be) `equals`. */
export interface Expect {
  arg: number;
  offset: number;
  size: 1 | 2 | 4 | 8;
  mask: bigint;
  equals: bigint;
  /** They must be anything else. */
  not?: true;
  /** What it means when it is not so, as a full sentence. */
  otherwise: string;
}

/** Whether the call makes a process. */
export const isClone = ({ name }: Call): boolean => name === 'clone' || name === 'clone3';

/** The flags of clone and unshare, or those in clone3's struct. */
export const cloneFlags = ({ args: [first] }: Call): Arg | undefined => (first?.kind === 'struct' ? first.fields[0]?.value : first);

/** An explicit meeting of two actors: one signals a token, the other waits for it. */
export interface Sync {
  kind: 'wait' | 'signal';
  token: string;
}

export interface Step {
  actor: Actor;
  chapter: Chapter;
  call: Call;
  /** The name under which later steps refer to the result. */
  saves?: string;
  /** errno names that mean "go on". */
  ignore?: string[];
  expect?: Expect[];
  sync?: Sync;
  /** For `clone`: the actor that the child becomes; `nobody` has no steps and ends at once. */
  becomes?: Actor | 'nobody';
  /** One or two sentences for a reader who knows a shell but not the kernel. */
  why: string;
  /** The manual page, as `mount(2)`. */
  man: string;
  /** The place in config.json that asks for it, as a JSON pointer fragment, or `minirun`. */
  from: string;
  /** After this step a report could be forbidden (a seccomp filter without write): init goes on silently. */
  mutes?: boolean;
  /** After this step the runtime leaves: init asks nobody before it goes on. */
  unattended?: boolean;
  /** What it means when the call fails with one of these errno values, where the call alone does not tell. */
  means?: Partial<Record<string, string>>;
  /** A step that only serves the one before (close, a second write): narrated in small print. */
  minor?: boolean;
}

export interface Program {
  /** Version of this data format. */
  version: 1;
  arch: 'x64' | 'arm64';
  steps: Step[];
  /** Descriptors from 3 on that belong to the command; the program's own come after them. */
  preserveFds?: number;
  /** Init stops before the command until `start` says so; whoever runs the program leaves then. */
  gated?: boolean;
  /** The socket of a seccomp agent: init's descriptor `notify` (descriptors.ts) must be connected to it. */
  agent?: string;
  /** What the compiler had to leave out, for the person who asked: one sentence each. */
  warnings: string[];
}

/** A reference to the result that was saved as `of`. */
export const ref = (of: string): Ref => ({ kind: 'result', of });
