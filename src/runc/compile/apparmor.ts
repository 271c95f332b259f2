/** AppArmor: a profile, loaded into the kernel by the administrator, that says which files and capabilities a program may use. */

import type { Host } from '../host/facts.ts';
import type { Config } from '../spec/config.ts';
import type { Draft } from './draft.ts';
import { writeAttribute } from './process-attributes.ts';

/** The name for "no profile"; where AppArmor is off this is how things are. */
const UNCONFINED = 'unconfined';

const profileOf = (config: Config, host: Host): string | undefined => {
  const profile = config.process?.apparmorProfile;
  return !profile || (profile === UNCONFINED && !host.apparmor) ? undefined : profile;
};

/** Why the profile cannot be applied here, or undefined. */
export function apparmorMissing(config: Config, host: Host): string | undefined {
  const profile = profileOf(config, host);
  if (profile === undefined || host.apparmor) return undefined;
  return `#/process/apparmorProfile: apparmor: config provided but apparmor not supported: the profile ${JSON.stringify(profile)} cannot be applied, because AppArmor is not enabled on this machine (/sys/module/apparmor/parameters/enabled does not say Y); leave it out of the config, or boot with apparmor=1 security=apparmor`;
}

/** Init asks for the profile; the kernel puts it on when the command is executed. Source: aa_change_onexec(2). */
export function compileAppArmor(draft: Draft): void {
  const profile = profileOf(draft.config, draft.host);
  if (profile === undefined) return;
  writeAttribute(
    draft,
    { actor: 'init', chapter: 'privileges', from: '#/process/apparmorProfile' },
    'apparmor/exec',
    `exec ${profile}`,
    `Ask AppArmor for the profile ${profile} from the next execve on. The kernel must have it already (apparmor_parser loads it); what it forbids stays forbidden for the command and its children, root or not.`,
  );
}
