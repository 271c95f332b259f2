/**
 * The ffi engine: TypeScript only, nothing to compile. The starter's calls are made on this
 * process's main thread; clone becomes unshare + posix_spawn of a second Node, because a process
 * with V8 in it cannot fork and go on.
 *
 * What it cannot do is refused by {@link ffiRefusal}. What it does not protect from: the program
 * that executes the container's command is Node, an executable of the host, so a hostile image
 * whose entrypoint is `#!/proc/self/exe` runs the host's Node inside the container (CVE-2019-5736).
 */
import { closeSync, openSync } from 'node:fs';
import { call, closeFd, memoryFile, socketPair } from '../../libc/fd.ts';
import { must } from '../../libc/ffi.ts';
import { signal, waitBlocking } from '../../libc/process.ts';
import { spawn } from '../../libc/spawn.ts';
import { descriptors } from '../program/descriptors.ts';
import { flatten } from '../program/flatten.ts';
import { encodeProgram } from '../program/json.ts';
import { load } from '../program/memory.ts';
import type { Program } from '../program/step.ts';
import { conduct } from './conduct.ts';
import { ffiInitPath } from './installed.ts';
import type { Engine } from './launch.ts';

const CLONE_NEWUSER = 0x10000000n;
const CLONE_NEWNS = 0x20000n;
const CLONE_NEWPID = 0x20000000;
const SIGKILL = 9;

/** Why the ffi engine cannot run this program, or undefined when it can. */
export function ffiRefusal(program: Program): string | undefined {
  for (const { call } of program.steps) {
    const flags = call.args[call.name === 'setns' ? 1 : 0];
    if (!['clone', 'unshare', 'setns'].includes(call.name) || flags?.kind !== 'int') continue;
    if (BigInt(flags.value) & CLONE_NEWUSER)
      return 'the ffi engine cannot make or join a user namespace, because Node has several threads and the kernel allows it to single-threaded processes only; use --engine native (it needs a C compiler once: apt install gcc, then npm run build)';
    if (call.name === 'setns' && BigInt(flags.value) & CLONE_NEWNS)
      return 'the ffi engine cannot enter a mount namespace that is there already, as a further command in a container must, because the threads of Node share their root and working folder (setns(2)); use --engine native';
  }
  return undefined;
}

export const startFfi: Engine = (launch) => {
  const { program, observer } = launch;
  const refusal = ffiRefusal(program);
  if (refusal) throw new Error(refusal);
  const flat = flatten(program);
  const numbers = descriptors(program.preserveFds);
  const open: number[] = [];
  let init: number | undefined;
  try {
    const programFile = memoryFile('program', Buffer.from(encodeProgram(program)));
    open.push(programFile);
    const [ours, theirs] = socketPair('seqpacket');
    open.push(ours);
    const ownPidNamespace = openSync('/proc/self/ns/pid', 'r');
    open.push(ownPidNamespace);
    const startNode = (): number => {
      try {
        return spawn({
          path: process.execPath,
          argv: ['minirun-init', ffiInitPath(), observer ? 'lockstep' : 'quiet', String(numbers.control)],
          env: [`PATH=${process.env.PATH ?? ''}`],
          fds: new Map([...launch.fds, [numbers.control, theirs], [numbers.program, programFile]]),
        });
      } finally {
        closeFd(theirs);
      }
    };
    const conductor = {
      program,
      flat,
      memory: load(flat),
      control: ours,
      local: new Set(['runtime', 'starter'] as const),
      observer,
      starter: undefined,
      onSync: launch.onSync,
      hook: launch.hook,
      clone: (step: { args: { value: bigint }[] }) => {
        const wantsPid = (step.args[0]?.value ?? 0n) & BigInt(CLONE_NEWPID);
        if (wantsPid) {
          const result = call('unshare', CLONE_NEWPID);
          if (result < 0) return result;
        }
        try {
          return startNode();
        } finally {
          // Children of this process are to be born in its own pid namespace again.
          must('return to our own pid namespace', call('setns', ownPidNamespace, CLONE_NEWPID));
        }
      },
    };
    return conduct(conductor, (pid) => {
      init = pid;
      launch.onInit?.(pid);
    });
  } catch (error) {
    if (init !== undefined) {
      signal(init, SIGKILL);
      waitBlocking(init);
    }
    throw error;
  } finally {
    for (const fd of open) closeSync(fd);
  }
};
