/** The program of a shim: how it is found, and its two commands, start and delete. Source: containerd, core/runtime/v2/README.md. */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { crossing } from '../../messages/crossing.ts';
import { type DeleteResponse, DeleteResponseSchema } from '../../proto/containerd/task/v2/task_pb.ts';
import { joinRunning } from '../../shim/start.ts';
import type { Bundle } from './bundle.ts';
import type { Connections } from './connections.ts';

/** What a shim is told of its containerd. */
export interface Caller {
  /** The socket of the gRPC services; the ttrpc one is beside it. */
  address: string;
  /** The program that can publish an event, for shims that cannot. */
  program: string;
  /** Folders in which shims are looked for after those of PATH. */
  shimFolders: string[];
  /** Programs by the runtime's name, before all that is looked for. */
  shims: Record<string, string>;
  /** To shims that run. */
  connections: Connections;
  debug: boolean;
}

/** What takes the place of containerd's own shim where that is not installed. */
const OURS = 'containerd-shim-minirun-v1';
const STANDARD = 'containerd-shim-runc-v2';

/**
 * `io.containerd.runc.v2` is containerd-shim-runc-v2, in PATH or beside us; a path is itself.
 * @throws Error that says what is missing
 */
export function findShim(runtime: string, { shimFolders, shims }: Pick<Caller, 'shimFolders' | 'shims'>): string {
  const given = Object.hasOwn(shims, runtime) ? shims[runtime] : undefined;
  if (given !== undefined) return given;
  if (runtime === '') throw new Error('no runtime name');
  if (isAbsolute(runtime)) {
    if (!isProgram(runtime)) throw new Error(`invalid custom binary path: ${runtime}: no such program`);
    return runtime;
  }
  const [version, name] = runtime.split('.').reverse();
  if (!version || !name) {
    throw new Error(
      `invalid runtime name ${runtime}, correct runtime name should be either format like \`io.containerd.runc.v2\` or a full path to the binary`,
    );
  }
  const program = `containerd-shim-${name}-${version}`;
  const folders = [...(process.env.PATH ?? '').split(':').filter(isAbsolute), ...shimFolders];
  for (const wanted of program === STANDARD ? [program, OURS] : [program]) {
    const found = folders.map((folder) => join(folder, wanted)).find(isProgram);
    if (found) return found;
  }
  throw new Error(
    `runtime ${JSON.stringify(runtime)} binary not installed ${JSON.stringify(program)}: it is neither in PATH nor in ${shimFolders.join(', ')}`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** `start`: @param options of the runtime, as they go to its standard input @returns the shim's address */
export async function startShim(program: string, bundle: Bundle, caller: Caller, options: Uint8Array | undefined): Promise<string> {
  const joined = basename(program) === OURS ? await askRunning(bundle, caller) : undefined;
  if (joined !== undefined) return joined;
  const args = ['-id', bundle.id, ...(caller.debug ? ['-debug'] : []), 'start'];
  const start = async () => {
    const { out, err } = await run(program, bundle, caller, args, options);
    const address = Buffer.concat([out, err]).toString().trim();
    if (address === '') throw new Error(`${program} start: it printed no address`);
    return addressIn(address);
  };
  const address = await crossing(
    () => messageOf('start', program, bundle),
    start,
    (found) => ({ address: found }),
  );
  caller.connections.renew(address);
  return address;
}

/** minirun's own shim holds many containers: one that runs is asked without starting the program, which would do no more. */
async function askRunning({ namespace, id, path }: Bundle, { address, connections }: Caller): Promise<string | undefined> {
  try {
    return await joinRunning({ address, namespace }, id, path, readFileSync(join(path, 'config.json'), 'utf8'), connections.to);
  } catch {
    // The program says better what is wrong.
    return undefined;
  }
}

/** The start of the program, as it is told. */
function messageOf(name: string, program: string, { namespace, id, path }: Bundle) {
  return {
    from: 'containerd',
    to: 'shim',
    protocol: 'a new process',
    name,
    carries: { program: basename(program), namespace, id, bundle: path },
  };
}

/** Shims of later protocols print an object. */
function addressIn(text: string): string {
  if (!text.startsWith('{')) return text;
  const { address, protocol } = JSON.parse(text) as { address?: string; protocol?: string };
  if (!address || (protocol !== undefined && protocol !== 'ttrpc')) throw new Error(`shim: protocol not supported: ${text}`);
  return address;
}

/** `delete`: ends what is left of the task and its container. @returns how the container ended, as far as the shim knows */
export async function deleteByShim(program: string, bundle: Bundle, caller: Caller): Promise<DeleteResponse> {
  const args = ['-id', bundle.id, '-bundle', bundle.path, 'delete'];
  const remove = async () => fromBinary(DeleteResponseSchema, (await run(program, bundle, caller, args, undefined)).out);
  return crossing(
    () => messageOf('delete', program, bundle),
    remove,
    ({ pid, exitStatus }) => ({ pid, exit_status: exitStatus }),
  );
}

/** A shim's command should be over in a moment; one that hangs must not hold up the daemon. */
const LONGEST_MS = 30_000;
/** What it prints arrives with its end, unless a process that it left has its outputs too. */
const LAST_WORDS_MS = 200;

function run(
  program: string,
  bundle: Bundle,
  caller: Caller,
  args: string[],
  input: Uint8Array | undefined,
): Promise<{ out: Buffer; err: Buffer }> {
  const common = ['-namespace', bundle.namespace, '-address', caller.address, '-publish-binary', caller.program];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...common, ...args], {
      cwd: bundle.path,
      env: { ...process.env, GOMAXPROCS: '2', TTRPC_ADDRESS: `${caller.address}.ttrpc` },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    const what = `${basename(dirname(program))}/${basename(program)} ${args.at(-1)}`;
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // One that does not read its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? new Uint8Array());
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new Error(`${what}: ${error.message}`));
    });
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
      const said = Buffer.concat([...out, ...err])
        .toString()
        .trim();
      if (code === 0) resolve({ out: Buffer.concat(out), err: Buffer.concat(err) });
      else reject(new Error(`${said}${said === '' ? what : ''}: exit status ${code ?? signal}`));
    };
    child.on('exit', (code, signal) => {
      const late = setTimeout(() => ended(code, signal), LAST_WORDS_MS);
      child.on('close', () => {
        clearTimeout(late);
        ended(code, signal);
      });
    });
  });
}
