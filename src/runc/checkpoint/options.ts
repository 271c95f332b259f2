/** What a person chooses for a checkpoint or a restore, beside the folders: runc's flags. */
import { CLONE } from '../../libc/flags.ts';
import type { Config } from '../spec/config.ts';
import { CGROUP_MODE, type CriuOptions } from './rpc.ts';

export interface SharedChoices {
  tcpEstablished: boolean;
  extUnixSk: boolean;
  shellJob: boolean;
  fileLocks: boolean;
  autoDedup: boolean;
  lazyPages: boolean;
  manageCgroupsMode?: string | undefined;
}

/** The fields that both requests have. @throws Error on an unknown cgroup mode */
export function sharedOptions(choices: SharedChoices, config: Config): CriuOptions {
  const mode = choices.manageCgroupsMode;
  if (mode !== undefined && !Object.hasOwn(CGROUP_MODE, mode))
    throw new Error(`invalid manage cgroups mode ${JSON.stringify(mode)}; it can be ${Object.keys(CGROUP_MODE).join(', ')}`);
  const configFile = configFileOf(config);
  return {
    log_level: 4,
    notify_scripts: true,
    manage_cgroups: true,
    orphan_pts_master: true,
    tcp_established: choices.tcpEstablished,
    ext_unix_sk: choices.extUnixSk,
    shell_job: choices.shellJob,
    file_locks: choices.fileLocks,
    auto_dedup: choices.autoDedup,
    lazy_pages: choices.lazyPages,
    // Interfaces are what engines and hooks make; criu makes the namespace alone.
    empty_ns: CLONE.CLONE_NEWNET,
    ...(mode === undefined ? {} : { manage_cgroups_mode: CGROUP_MODE[mode] as number }),
    ...(configFile ? { config_file: configFile } : {}),
  };
}

/** A file of criu options that go before ours: the annotation org.criu.config, or the one that runc reads. Empty for none. */
const configFileOf = (config: Config): string => config.annotations?.['org.criu.config'] ?? '/etc/criu/runc.conf';
