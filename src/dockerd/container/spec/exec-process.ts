/** The process of `docker exec`: as the container's own, but for what was asked. */
import { posix } from 'node:path';
import type { ResolvedUser } from '../../../runc/rootfs/users.ts';
import type { Process } from '../../../runc/spec/config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { DaemonOptions } from '../../options.ts';
import type { ContainerRecord } from '../record.ts';
import { allCapabilities, containerCapabilities } from './capabilities.ts';
import { containerEnvironment, overlaid } from './environment.ts';
import { hostnameOf } from './hostname.ts';
import { oomScoreOf } from './oom-score.ts';
import { rlimitsFor } from './rlimits.ts';
import { parseSecurityOptions } from './security-options.ts';
import { ociUser } from './user.ts';

/** What POST /containers/ID/exec says of the process. */
export interface ExecRequest {
  Privileged?: boolean | undefined;
  Tty?: boolean | undefined;
  Env?: readonly string[] | undefined;
  WorkingDir?: string | undefined;
  Cmd?: readonly string[] | undefined;
  /** Rows and columns. */
  ConsoleSize?: readonly number[] | undefined;
}

export interface ExecProcessInput {
  container: Pick<ContainerRecord, 'Id' | 'Config' | 'HostConfig'>;
  exec: ExecRequest;
  /** By userOf, of the exec's User, or of the container's where it names none. */
  user: ResolvedUser;
  facts: MachineFacts;
  options: Pick<DaemonOptions, 'defaultUlimits'>;
}

/**
 * `--privileged` gives all capabilities and nothing else: the filter of system calls is the
 * container's, as in Docker.
 * @throws ApiError 400 `No exec command specified`
 */
export function execProcess({ container, exec, user, facts, options }: ExecProcessInput): Process {
  const { Id, Config, HostConfig } = container;
  if (!exec.Cmd?.length) throw badRequest('No exec command specified');
  const terminal = exec.Tty === true;
  const [rows = 0, columns = 0] = exec.ConsoleSize ?? [];
  const security = parseSecurityOptions(HostConfig.SecurityOpt ?? []);
  const usual = containerEnvironment(Config, hostnameOf(Id, Config, HostConfig, facts), terminal);
  return {
    terminal,
    ...(terminal && rows > 0 && columns > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
    user: ociUser(user),
    args: [...exec.Cmd],
    env: overlaid(usual, exec.Env ?? []),
    cwd: posix.resolve('/', exec.WorkingDir || Config.WorkingDir || '/'),
    capabilities: exec.Privileged ? allCapabilities(facts) : containerCapabilities(HostConfig, facts),
    rlimits: rlimitsFor(HostConfig, options.defaultUlimits, facts),
    noNewPrivileges: security.noNewPrivileges,
    oomScoreAdj: oomScoreOf(HostConfig, facts),
    ...(facts.support.apparmor && security.apparmor && security.apparmor !== 'unconfined' ? { apparmorProfile: security.apparmor } : {}),
  };
}
