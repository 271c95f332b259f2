/** An OCI runtime that is a program: runc's command line, as containerd's own shim uses it (runc, crun, youki, minirun-runc). */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Streams } from '../../runc/container/start.ts';
import { type ConsoleSocket, consoleSocket } from './console-socket.ts';
import type { CheckpointChoices, Made, OciRuntime } from './runtime.ts';

export interface ProgramOptions {
  /** The program, and what stands before its own arguments. */
  command: readonly string[];
  /** The folder of all containers' state. */
  root: string;
  /** Its working directory; holds its log and the files with pids. */
  bundle: string;
  systemdCgroup: boolean;
  noPivot: boolean;
  noKeyring: boolean;
  /** The criu program; '' for the runtime's own choice. */
  criu: string;
}

interface Run {
  streams?: Streams | undefined;
  input?: string;
}

/** The last error that was written to the log behind `from`, in the words that clients are told. */
export function lastError(log: string, from = 0): string | undefined {
  let text: string;
  try {
    text = readFileSync(log).subarray(from).toString();
  } catch {
    return undefined;
  }
  let found: string | undefined;
  for (const line of text.split('\n')) {
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      if (level === 'error' && msg) found = msg.trim();
    } catch {
      // not a whole line
    }
  }
  return found;
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** The arguments of a checkpoint. */
function checkpointArguments(choices: CheckpointChoices): string[] {
  const flags: [boolean, string][] = [
    [choices.leaveRunning, '--leave-running'],
    [choices.openTcp, '--tcp-established'],
    [choices.externalUnixSockets, '--ext-unix-sk'],
    [choices.terminal, '--shell-job'],
    [choices.fileLocks, '--file-locks'],
  ];
  return [
    ...['--image-path', choices.images, '--work-path', choices.work],
    ...(choices.parent ? ['--parent-path', choices.parent] : []),
    ...(choices.cgroupsMode ? ['--manage-cgroups-mode', choices.cgroupsMode] : []),
    ...flags.flatMap(([wanted, flag]) => (wanted ? [flag] : [])),
  ];
}

export function programRuntime(options: ProgramOptions): OciRuntime {
  const { root, bundle, command } = options;
  const log = join(bundle, 'log.json');
  const [file = 'runc', ...before] = command;
  const global = [
    ...['--root', root, '--log', log, '--log-format', 'json'],
    ...(options.systemdCgroup ? ['--systemd-cgroup'] : []),
    ...(options.criu ? ['--criu', options.criu] : []),
  ];

  /** Runs it to its end. Resolves with its standard output, unless that is a container's. */
  function run(args: string[], { streams, input }: Run = {}): Promise<string> {
    const from = sizeOf(log);
    const stdio = streams ? [streams.stdin, streams.stdout, streams.stderr] : [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    return new Promise((resolve, reject) => {
      const child = spawn(file, [...before, ...global, ...args], { cwd: bundle, stdio: stdio as 'pipe'[] });
      let [out, err] = ['', ''];
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        out += text;
      });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        err += text;
      });
      child.stdin?.on('error', () => {}).end(input);
      child.on('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Error(`exec: ${JSON.stringify(file)}: ${error.code === 'ENOENT' ? 'executable file not found in $PATH' : error.message}`),
        ),
      );
      const ended = (code: number | null, signal: string | null) => {
        if (code === 0) return resolve(out);
        const how = code === null ? `signal: ${signal}` : `exit status ${code}`;
        reject(new Error(lastError(log, from) ?? (err.trim() || `${file} did not terminate successfully: ${how}`)));
      };
      // 'close' waits for the pipes; a container's process could hold them, so it has none of ours.
      child.on(streams ? 'exit' : 'close', ended);
    });
  }

  /** A command that leaves a process behind, which becomes our child: its pid, and the master of its terminal. */
  async function make(args: (more: string[]) => string[], pidFile: string, streams: Streams | undefined): Promise<Made> {
    rmSync(pidFile, { force: true });
    const socket: ConsoleSocket | undefined = streams ? undefined : consoleSocket();
    try {
      const nothing = socket ? ['--console-socket', socket.path] : [];
      await run(args(['--pid-file', pidFile, ...nothing]), { streams });
      const pid = Number(readFileSync(pidFile, 'utf8'));
      if (!Number.isInteger(pid) || pid <= 0) throw new Error(`${pidFile}: not the number of a process`);
      return { pid, master: await socket?.master() };
    } finally {
      socket?.close();
    }
  }

  const initPid = join(bundle, 'init.pid');
  const noPivot = options.noPivot ? ['--no-pivot'] : [];

  return {
    create: ({ id, streams }) =>
      make(
        (more) => ['create', '--bundle', bundle, ...more, ...noPivot, ...(options.noKeyring ? ['--no-new-keyring'] : []), id],
        initPid,
        streams,
      ),
    async start(id) {
      await run(['start', id]);
    },
    async exec(id, { execId, process, streams }) {
      const folder = mkdtempSync(join(tmpdir(), 'runc-process'));
      try {
        const file = join(folder, 'process.json');
        writeFileSync(file, JSON.stringify(process), { mode: 0o600 });
        return await make((more) => ['exec', '--process', file, '--detach', ...more, id], join(bundle, `${execId}.pid`), streams);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    async kill(id, signal, all) {
      await run(['kill', ...(all ? ['--all'] : []), id, String(signal)]);
    },
    async pause(id) {
      await run(['pause', id]);
    },
    async resume(id) {
      await run(['resume', id]);
    },
    async update(id, resources) {
      await run(['update', '--resources', '-', id], { input: resources });
    },
    pids: async (id) => (JSON.parse((await run(['ps', '--format', 'json', id])) || 'null') as number[] | null) ?? [],
    async delete(id, force) {
      await run(['delete', ...(force ? ['--force'] : []), id]);
    },
    async checkpoint(id, choices) {
      await run(['checkpoint', ...checkpointArguments(choices), id]);
    },
    restore: ({ id, images, work, streams }) =>
      make(
        (more) => [
          ...['restore', '--bundle', bundle, '--image-path', images, '--work-path', work, '--detach', '--no-subreaper'],
          ...more,
          ...noPivot,
          id,
        ],
        initPid,
        streams,
      ),
  };
}
