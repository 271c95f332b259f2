/** New limits for a container that runs: reads how things are, and has the program compiled. */
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { compileUpdate, presentFiles } from '../compile/cgroup-update.ts';
import { probeCgroups } from '../host/probe.ts';
import type { Program } from '../program/step.ts';
import type { Config, Resources } from '../spec/config.ts';
import { readQuietly } from './processes.ts';

/**
 * Plans an update: what is to be done, for an engine to perform, and what is to be saved then as
 * `linux.resources`. Device rules are left as they are.
 * @param container its config with the limits that it has now, and where its cgroups are
 * @param change only what changes, as spec/resources.ts reads it
 * @throws Error with one sentence when it cannot be done; nothing has been changed then
 */
export function planUpdate(
  container: { config: Config; paths: CgroupPaths },
  change: Resources,
): { program: Program; resources: Resources } {
  const { config, paths } = container;
  const present = Object.fromEntries(presentFiles(paths).map((path) => [path, readQuietly(path).trim()]));
  return compileUpdate({ config, host: probeCgroups(config, paths.unit !== undefined), paths, change, present });
}
