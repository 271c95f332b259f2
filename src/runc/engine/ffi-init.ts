/**
 * The ffi engine's init: a Node process that makes the program's calls through koffi and then
 * executes the command in its own place. The TypeScript twin of `perform()` in
 * native/minirun-init.c, with the same messages on the same descriptors.
 */
import { readFileSync, readSync, writeSync } from 'node:fs';
import { call } from '../../libc/fd.ts';
import { loadLibc } from '../../libc/ffi.ts';
import { ACTORS, flatten } from '../program/flatten.ts';
import { decodeProgram } from '../program/json.ts';
import { load, perform, unexpected } from '../program/memory.ts';
import { encodeRecord, type RecordKind } from './records.ts';

/** The descriptors of src/runc/program/descriptors.ts, from the first one's number. */
const CONTROL = Number(process.argv[3]);
const PROGRAM = CONTROL + 3;
const F_SETFD = 2;
const CLONE_FS = 0x200;
/** Signals that Node ignores: SIGPIPE, SIGXFSZ. An ignored signal stays ignored across execve. */
const IGNORED_BY_NODE = [13, 25];

const report = (kind: RecordKind, step: number, result: number, ns = 0): void => {
  writeSync(CONTROL, encodeRecord({ kind, step, result, ns }));
};

function awaitPermission(): void {
  let n = 0;
  try {
    n = readSync(CONTROL, Buffer.alloc(8));
  } catch {
    // the runtime is gone
  }
  if (n === 0) process.exit(125);
}

function main(): void {
  const program = decodeProgram(readFileSync(`/proc/self/fd/${PROGRAM}`, 'utf8'));
  const flat = flatten(program);
  const memory = load(flat);
  let lockstep = process.argv[2] === 'lockstep';
  const me = ACTORS.indexOf('init');
  const SIG_DFL = 0;
  const setHandler = loadLibc().func('signal', 'uintptr_t', ['int', 'uintptr_t']);
  for (const number of IGNORED_BY_NODE) setHandler(number, SIG_DFL);
  // Node marks 0 to 2 close-on-exec; the command inherits them.
  for (const fd of [0, 1, 2]) call('fcntl', fd, F_SETFD, 0);
  // setns(2) into a mount namespace refuses a thread that shares its working directory with others.
  call('unshare', CLONE_FS);

  flat.steps.forEach((step, index) => {
    if (step.actor !== me) return;
    if (lockstep) {
      report('begin', index, 0);
      awaitPermission();
    }
    const started = process.hrtime.bigint();
    let result = 0;
    if (step.op === 'wait') awaitPermission();
    else if (step.op === 'signal') report('signal', index, 0);
    else result = perform(step, memory);
    const ns = Number(process.hrtime.bigint() - started);
    if (result < 0 && !step.ignore.includes(-result)) {
      report('fail', index, result, ns);
      process.exit(125);
    }
    if (step.save >= 0) memory.results[step.save] = result;
    const wrong = result < 0 ? -1 : unexpected(step, memory);
    if (wrong >= 0) {
      report('unexpected', index, wrong, ns);
      process.exit(125);
    }
    if (lockstep || step.op === 'exec') report('end', index, result, ns);
    if (program.steps[index]?.mutes) lockstep = false;
    if (program.steps[index]?.unattended) lockstep = false;
  });
  process.exit(125);
}

main();
