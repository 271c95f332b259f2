/**
 * posix_spawn(3): starts a process from the runtime with exactly the descriptors that are named.
 *
 * fork() is impossible in Node (V8 marks its heap MADV_DONTFORK); posix_spawn shares memory with
 * the parent until the exec, so it works, and it is synchronous: the pid is known on return.
 */
import { SyscallError } from './errno.ts';
import { call, closeFd, duplicateHigh } from './fd.ts';
import { addressOf, cstring, loadLibc } from './ffi.ts';

export interface SpawnRequest {
  /** Absolute path of the executable. */
  path: string;
  argv: string[];
  env: string[];
  /** child descriptor → descriptor of this process; all others are closed on exec (O_CLOEXEC). */
  fds: Map<number, number>;
}

type Fn = (...args: unknown[]) => number;
interface Functions {
  spawn: Fn;
  actionsInit: Fn;
  actionsDup2: Fn;
  actionsDestroy: Fn;
  attrInit: Fn;
  attrFlags: Fn;
  attrDefault: Fn;
  attrMask: Fn;
  attrDestroy: Fn;
}
let functions: Functions | undefined;

/** Opaque libc structs: posix_spawn_file_actions_t is 80 bytes and posix_spawnattr_t 336 in glibc, less in musl. */
const OPAQUE = 512;
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const CLOSE_RANGE_CLOEXEC = 4;

function load(): Functions {
  const libc = loadLibc();
  const f = (name: string, ...args: string[]) => libc.func(name, 'int', args) as unknown as Fn;
  const p = 'uintptr_t';
  return {
    spawn: f('posix_spawn', p, p, p, p, p, p),
    actionsInit: f('posix_spawn_file_actions_init', p),
    actionsDup2: f('posix_spawn_file_actions_adddup2', p, 'int', 'int'),
    actionsDestroy: f('posix_spawn_file_actions_destroy', p),
    attrInit: f('posix_spawnattr_init', p),
    attrFlags: f('posix_spawnattr_setflags', p, 'short'),
    attrDefault: f('posix_spawnattr_setsigdefault', p, p),
    attrMask: f('posix_spawnattr_setsigmask', p, p),
    attrDestroy: f('posix_spawnattr_destroy', p),
  };
}

/** A NULL-terminated array of C strings; keep the returned value alive while it is used. */
function stringArray(items: string[]): { pointers: Buffer; strings: Buffer[] } {
  const strings = items.map(cstring);
  const pointers = Buffer.alloc(8 * (items.length + 1));
  strings.forEach((s, i) => {
    pointers.writeBigUInt64LE(addressOf(s), 8 * i);
  });
  return { pointers, strings };
}

/**
 * Starts the program with all signals at their defaults and none blocked. Returns its pid; the
 * caller must reap it.
 * @throws SyscallError with the errno of the exec (ENOENT, EACCES, …)
 */
export function spawn(request: SpawnRequest): number {
  functions ??= load();
  const f = functions;
  const actions = Buffer.alloc(OPAQUE);
  const attributes = Buffer.alloc(OPAQUE);
  const noSignals = Buffer.alloc(128);
  const allSignals = Buffer.alloc(128, 0xff);
  const argv = stringArray(request.argv);
  const env = stringArray(request.env);
  const path = cstring(request.path);
  const pid = Buffer.alloc(4);
  const high = new Map<number, number>();
  f.actionsInit(addressOf(actions));
  f.attrInit(addressOf(attributes));
  try {
    f.attrFlags(addressOf(attributes), SETSIGDEF | SETSIGMASK);
    f.attrDefault(addressOf(attributes), addressOf(allSignals));
    f.attrMask(addressOf(attributes), addressOf(noSignals));
    // Node marks what it inherits only up to the first gap: what a caller leaks at higher numbers ends here (CVE-2024-21626).
    call('close_range', 3, 0xffffffff, CLOSE_RANGE_CLOEXEC); // before Linux 5.11: EINVAL, and it is init that closes them
    // Sources are moved out of the way first: a target number may be another pair's source.
    for (const source of new Set(request.fds.values())) high.set(source, duplicateHigh(source));
    for (const [target, source] of request.fds) f.actionsDup2(addressOf(actions), high.get(source), target);
    const error = f.spawn(
      addressOf(pid),
      addressOf(path),
      addressOf(actions),
      addressOf(attributes),
      addressOf(argv.pointers),
      addressOf(env.pointers),
    );
    if (error) throw new SyscallError(`start ${request.path}`, error);
    // The strings are reachable only through addresses: this use keeps them alive until here.
    if (argv.strings.length + env.strings.length < 0) throw new Error('unreachable');
    return pid.readInt32LE();
  } finally {
    for (const fd of high.values()) closeFd(fd);
    f.actionsDestroy(addressOf(actions));
    f.attrDestroy(addressOf(attributes));
  }
}
