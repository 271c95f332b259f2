/** SELinux: labels on processes and files, and rules about which process label may do what to which file label. */
import type { Host } from '../host/facts.ts';
import type { Config } from '../spec/config.ts';
import type { Draft, Setting } from './draft.ts';
import { writeAttribute } from './process-attributes.ts';

const setting = (from: string): Setting => ({ actor: 'init', chapter: 'privileges', from });
const LABEL = '#/process/selinuxLabel';

/** Why the label cannot be set here, or undefined. */
export function selinuxMissing(config: Config, host: Host): string | undefined {
  const label = config.process?.selinuxLabel;
  if (!label || host.selinux) return undefined;
  return `${LABEL}: selinux label is specified in config, but selinux is disabled or not supported: ${JSON.stringify(label)} cannot be set, because no selinuxfs is mounted on this machine; leave it out of the config`;
}

/** The label of the session keyring, which must be set before the keyring is made. */
export function compileKeyLabel(draft: Draft): void {
  const label = draft.config.process?.selinuxLabel;
  if (!label) return;
  writeAttribute(
    draft,
    setting(LABEL),
    'keycreate',
    label,
    "Keyrings that are made from here on get the container's label: otherwise its processes could not use their own.",
  );
}

/** The label that the command will have. Source: setexeccon(3). */
export function compileProcessLabel(draft: Draft): void {
  const label = draft.config.process?.selinuxLabel;
  if (!label) return;
  writeAttribute(
    draft,
    setting(LABEL),
    'exec',
    label,
    `Ask SELinux to give the command the label ${label} when it is executed. From then on the policy of the machine decides what it may touch, root or not.`,
  );
}

/** File systems whose files have labels of their own, by the machine's policy. */
const LABELLED_BY_POLICY = new Set(['proc', 'sysfs', 'mqueue']);

/**
 * The options of a new file system, with the label for all its files (mount(8), `context=`). Where
 * SELinux is off, labels mean nothing and file systems refuse the option: it is left out.
 */
export function withMountLabel(draft: Draft, type: string, options: string): string {
  const label = draft.config.linux?.mountLabel;
  if (!label || LABELLED_BY_POLICY.has(type)) return options;
  if (!draft.host.selinux) {
    const warning = '#/linux/mountLabel: there is no SELinux on this machine, so mounts get no label';
    if (!draft.warnings.includes(warning)) draft.warnings.push(warning);
    return options;
  }
  return [options, `context="${label}"`].filter(Boolean).join(',');
}
