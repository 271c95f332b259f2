/** `docker top`: the processes of a container, as the host's ps shows them. */
import { execFile } from 'node:child_process';
import type { Daemon } from '../daemon.ts';
import { badRequest, conflict, serverError } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { hasEnded } from './task.ts';

export interface Processes {
  Titles: string[];
  Processes: string[][];
}

const DEFAULT_ARGUMENTS = '-ef';
/** ps reads /proc and ends; in milliseconds. */
const PATIENCE = 10_000;
/** Bytes of output. */
const MOST = 16 << 20;

/** What Docker sees as space: a title or a command may have other white space in it. */
const fieldsOf = (line: string): string[] => line.split(/[\t\n\f\r ]+/).filter((field) => field !== '');

/** A column that is no process id must not be called PID: rows are chosen by that. @throws 400 in Docker's words */
export function checkPsArguments(text: string): void {
  for (const [, column, title] of ` ${text}`.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    const name = (column ?? '').split(',').at(-1);
    if (name !== 'pid') throw badRequest(`specifying "${column}=${title}" is not allowed`);
  }
}

/**
 * Those rows of ps that are about a container's processes; with them rows of their threads, which have `-` for a pid.
 * @throws 500 in Docker's words
 */
export function processesIn(output: string, pids: ReadonlySet<number>): Processes {
  const [head = '', ...lines] = output.split('\n');
  const Titles = fieldsOf(head);
  const column = Titles.indexOf('PID');
  if (column < 0) throw serverError("Couldn't find PID field in ps output");
  const found: string[][] = [];
  let inside = false;
  for (const line of lines) {
    const fields = fieldsOf(line);
    const pid = fields[column];
    if (pid === undefined) continue;
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw serverError(`Unexpected pid '${pid}': it is not a number`);
      inside = pids.has(Number(pid));
    }
    // The last column may have spaces in it.
    const last = Titles.length - 1;
    if (inside) found.push([...fields.slice(0, last), fields.slice(last).join(' ')]);
  }
  return { Titles, Processes: found };
}

/** Runs ps without a shell. @throws Error with the first line that it says */
function ps(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: PATIENCE, maxBuffer: MOST, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', COLUMNS: '4096' } };
    execFile('ps', args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return reject(new Error('ps: this machine has no such program; Debian has it in the package procps'));
      const line = stderr.split('\n').find((text) => text.trim() !== '');
      reject(new Error(`ps: ${line ?? error.message}`));
    });
  });
}

/** @throws 400 for arguments, 409 when it does not run, 500 with what ps says */
export async function topOf({ clients }: Pick<Daemon, 'clients'>, { id, record }: Container, psArguments: string): Promise<Processes> {
  const { Status } = record.State;
  const text = psArguments.trim() === '' ? DEFAULT_ARGUMENTS : psArguments;
  checkPsArguments(text);
  if (Status === 'restarting') throw conflict(`Container ${id} is restarting, wait until the container is running`);
  if (Status !== 'running' && Status !== 'paused') throw conflict(`container ${id} is not running`);
  const { processes } = await clients.tasks.listPids({ containerId: id }).catch((error: unknown) => {
    throw hasEnded(error) ? conflict(`container ${id} is not running`) : error;
  });
  const pids = processes.map(({ pid }) => pid);
  const args = text.split(' ').filter((argument) => argument !== '');
  try {
    // Some options cannot stand beside a list of processes.
    const output = await ps([...args, `-q${pids.join(',')}`]).catch(() => ps(args));
    return processesIn(output, new Set(pids));
  } catch (error) {
    throw serverError((error as Error).message, error);
  }
}
