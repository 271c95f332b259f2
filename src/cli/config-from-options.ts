/**
 * The one function that turns a command line into config.json. Pure: nothing is looked up here
 * (facts.ts says what has been), and nothing but its result is compiled, so what `minirun spec`
 * prints is all there is to know about a container.
 */
import type { Config } from '../runc/spec/config.ts';
import { adaptToUserNamespace, defaultConfig } from '../runc/spec/default-config.ts';
import { checkConfig } from '../runc/spec/validate.ts';
import { applyMounts } from './config/mounts.ts';
import { addUserNamespace, applyNamespaces, idMapsFor } from './config/namespaces.ts';
import { applyPrivileges } from './config/privileges.ts';
import { applyProcess, commandOrShell } from './config/process.ts';
import { applyResources } from './config/resources.ts';
import type { Facts } from './facts.ts';
import type { RunOptions } from './run-options.ts';

/**
 * @throws UsageError for what this machine or this rootfs does not have; ConfigError for what the
 * runtime specification does not allow
 */
export function configFromOptions(options: RunOptions, facts: Facts): Config {
  const userNamespace = idMapsFor(options, facts);
  const config = facts.base
    ? structuredClone(facts.base)
    : defaultConfig({
        id: facts.id,
        rootfs: facts.rootfs,
        args: commandOrShell(options),
        terminal: options.tty,
        cgroup: facts.cgroup,
        arch: facts.arch,
        kernel: facts.kernel,
        userNamespace,
        rootless: facts.uid !== 0,
      });
  config.root = { ...config.root, path: facts.rootfs, ...(options.readOnly ? { readonly: true } : {}) };
  if (facts.base && userNamespace) addUserNamespace(config, userNamespace);
  applyNamespaces(config, options, facts);
  applyMounts(config, options, facts);
  applyProcess(config, options, facts);
  applyResources(config, options, facts);
  applyPrivileges(config, options, facts);
  if (Object.keys(options.sysctls).length) {
    config.linux = { ...config.linux, sysctl: { ...config.linux?.sysctl, ...options.sysctls } };
  }
  adaptToUserNamespace(config, facts.kernel);
  return checkConfig(config, facts.base ? 'the config with the options on top' : 'the config that these options make');
}
