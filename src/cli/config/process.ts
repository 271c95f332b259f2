/** Who the command is, where it starts and what it is told: user, environment, arguments. */

import { resolveUser } from '../../runc/rootfs/users.ts';
import type { Config, IdMapping, Process } from '../../runc/spec/config.ts';
import type { Facts } from '../facts.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';
import { INIT_PATH } from './mounts.ts';

/** The command when none is named. */
const SHELL = ['sh'];

/** --entrypoint and COMMAND together; undefined when neither is there. */
export function argumentsFrom(options: Pick<RunOptions, 'entrypoint' | 'command'>): string[] | undefined {
  if (options.entrypoint) return [options.entrypoint, ...options.command];
  return options.command.length ? [...options.command] : undefined;
}

export const commandOrShell = (options: Pick<RunOptions, 'entrypoint' | 'command'>): string[] => argumentsFrom(options) ?? [...SHELL];

const isMapped = (maps: IdMapping[], id: number): boolean => maps.some((m) => id >= m.containerID && id < m.containerID + m.size);

/** Fills in user, groups and HOME. */
export function applyUser(config: Config, wanted: string | undefined, facts: Pick<Facts, 'passwd' | 'group' | 'uid' | 'base'>): void {
  const process = config.process as Process;
  const typed = wanted ?? (facts.base ? `${process.user.uid}:${process.user.gid}` : '');
  const user = asUsage(() => resolveUser(typed, facts.passwd, facts.group));
  if (wanted !== undefined || !facts.base) {
    process.user = { ...process.user, uid: user.uid, gid: user.gid, additionalGids: user.additionalGids };
  }
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  if (uidMappings.length) {
    const why = 'only one id is mapped: add a line for this user to /etc/subuid and /etc/subgid, and install newuidmap (package uidmap)';
    if (!isMapped(uidMappings, user.uid))
      throw new UsageError(
        `--user ${typed}: user ${user.uid} does not exist in the container's user namespace; ${uidMappings.length > 1 ? 'its range of ids is smaller' : why}`,
      );
    if (!isMapped(gidMappings, user.gid))
      throw new UsageError(
        `--user ${typed}: group ${user.gid} does not exist in the container's user namespace; ${gidMappings.length > 1 ? 'its range of ids is smaller' : why}`,
      );
    // Groups of the rootfs that have no number here cannot be taken on.
    process.user.additionalGids = process.user.additionalGids?.filter((gid) => isMapped(gidMappings, gid));
    // With a single id the kernel forbids setgroups altogether (user_namespaces(7)).
    if (facts.uid !== 0 && gidMappings.length === 1 && gidMappings[0]?.size === 1) delete process.user.additionalGids;
  }
  setDefault(process, 'HOME', user.home);
}

function asUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

const nameOf = (variable: string): string => variable.slice(0, variable.indexOf('='));

function setDefault(process: Process, name: string, value: string): void {
  process.env ??= [];
  if (!process.env.some((v) => nameOf(v) === name)) process.env.push(`${name}=${value}`);
}

/** The lines of an --env-file: `NAME=VALUE` as it stands, `NAME` for the caller's value, `#` for comments. */
export function parseEnvFile(text: string, name: string): string[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    const entry = line.trimStart();
    if (entry === '' || entry.startsWith('#')) return [];
    const variable = entry.split('=')[0] as string;
    if (variable === '' || /\s/.test(variable))
      throw new UsageError(`--env-file ${name}: line ${i + 1}: "${variable}" is not a variable's name`);
    return [entry];
  });
}

/** Sets the variables asked for, over those that are there; files first, so that -e wins. */
export function applyEnvironment(
  process: Process,
  options: Pick<RunOptions, 'env' | 'envFiles'>,
  facts: Pick<Facts, 'env' | 'files'>,
): void {
  const variables = new Map((process.env ?? []).map((v) => [nameOf(v), v.slice(nameOf(v).length + 1)]));
  const asked = [...options.envFiles.flatMap((f) => parseEnvFile(facts.files[f] ?? '', f)), ...options.env];
  for (const entry of asked) {
    const equals = entry.indexOf('=');
    if (equals >= 0) variables.set(entry.slice(0, equals), entry.slice(equals + 1));
    else if (facts.env[entry] !== undefined) variables.set(entry, facts.env[entry] as string);
    else variables.delete(entry);
  }
  process.env = [...variables].map(([name, value]) => `${name}=${value}`);
}

/** Everything of `process` that the options set. */
export function applyProcess(config: Config, options: RunOptions, facts: Facts): void {
  const process = config.process as Process;
  const args = argumentsFrom(options);
  if (args) process.args = args;
  if (options.init) process.args = [INIT_PATH, '--', ...(process.args ?? [])];
  if (options.workdir !== undefined) process.cwd = options.workdir;
  if (options.tty || !facts.base) process.terminal = options.tty;
  if (process.terminal && facts.consoleSize) process.consoleSize = facts.consoleSize;
  setDefault(process, 'HOSTNAME', config.hostname ?? facts.hostname);
  applyEnvironment(process, options, facts);
  applyUser(config, options.user, facts);
  for (const limit of options.ulimits) {
    process.rlimits = [...(process.rlimits ?? []).filter((r) => r.type !== limit.type), limit];
  }
  if (options.oomScoreAdj !== undefined) process.oomScoreAdj = options.oomScoreAdj;
  if (options.security.noNewPrivileges !== undefined) process.noNewPrivileges = options.security.noNewPrivileges;
  if (options.security.apparmor === 'unconfined') delete process.apparmorProfile;
  else if (options.security.apparmor !== undefined) process.apparmorProfile = options.security.apparmor;
}
