/** Which OCI runtime a container gets: the module in this process, or a program. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from '../../proto/containerd/runc/options_pb.ts';
import { packageRoot } from '../../runc/engine/installed.ts';
import { type Traits, traitsOf } from './container.ts';
import type { ShimContext } from './context.ts';
import { inProcessRuntime } from './in-process.ts';
import { programRuntime } from './program.ts';
import type { OciRuntime } from './runtime.ts';
import { toldRuntime } from './told-runtime.ts';

/** Where programs keep their state when nobody says where, as containerd's own shim has it. */
const PROGRAMS_ROOT = '/run/containerd/runc';

/** What the choice depends on, beside the container. */
export type RuntimeContext = Pick<ShimContext, 'namespace' | 'runtimeRoot' | 'log' | 'observe'>;

/** Hooks take their time, and may ask something of this very process: it goes on while they run. */
function hookedCalls(bundle: string): Traits['hooked'] {
  try {
    return traitsOf(bundle).hooked;
  } catch {
    return []; // the bundle is gone: what is left is only to be deleted
  }
}

/** minirun-runc of this installation: what the module in this process is as a program. */
const ownProgram = (): string => join(packageRoot(), 'bin', 'minirun-runc');

/** Docker names a program always, and that may be ours: then the module does what it would do, without a new Node. */
export function isOurs(name: string): boolean {
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(':').map((folder) => `${folder}/`);
  const found = folders.map((folder) => `${folder}${name}`).find((path) => existsSync(path));
  try {
    return found !== undefined && realpathSync(found) === realpathSync(ownProgram());
  } catch {
    return false;
  }
}

/** @param hooked what traitsOf says of the bundle, for who has asked already */
export function chooseRuntime(
  options: Options,
  bundle: string,
  context: RuntimeContext,
  hooked: Traits['hooked'] = hookedCalls(bundle),
): OciRuntime {
  const named = options.binaryName;
  const root = join(options.root || (named ? PROGRAMS_ROOT : context.runtimeRoot), context.namespace);
  const choices = { root, systemdCgroup: options.systemdCgroup, noPivot: options.noPivotRoot, noKeyring: options.noNewKeyring };
  const asProgram = (command: string[]) =>
    toldRuntime(programRuntime({ ...choices, bundle, command, criu: options.criuPath }), 'a new process');
  if (named && !isOurs(named)) return asProgram([named]);
  const module = toldRuntime(inProcessRuntime({ ...choices, warn: context.log, observe: context.observe }), 'a call');
  // Its own program, with the same state folder: for what takes longer than this process may stand still.
  const program = asProgram([process.execPath, ownProgram()]);
  const { checkpoint, restore } = program;
  const slow = Object.fromEntries(hooked.map((call) => [call, program[call]]));
  return { ...module, checkpoint, restore, ...slow };
}
