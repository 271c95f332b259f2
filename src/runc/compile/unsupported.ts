/** What a config may ask for and this runtime does not do: said aloud, never passed over. */
import type { Config } from '../spec/config.ts';

/**
 * One sentence for each. A protection that is silently left out is worse than none, and a hook
 * that does not run leaves a container half made.
 */
export function unsupported(config: Config): string[] {
  const { process, linux } = config;
  const found: string[] = [];
  const say = (pointer: string, what: string) => found.push(`${pointer}: ${what}; leave it out of the config`);
  if (process?.apparmorProfile) say('#/process/apparmorProfile', 'AppArmor profiles are not applied by minirun yet');
  if (process?.selinuxLabel) say('#/process/selinuxLabel', 'SELinux labels are not applied by minirun yet');
  if (linux?.mountLabel) say('#/linux/mountLabel', 'SELinux labels are not applied by minirun yet');
  for (const key of ['intelRdt', 'netDevices', 'memoryPolicy'] as const)
    if ((linux as Record<string, unknown> | undefined)?.[key]) say(`#/linux/${key}`, 'minirun does not do this yet');
  if (process?.execCPUAffinity) say('#/process/execCPUAffinity', 'minirun does not do this yet');
  return found;
}
