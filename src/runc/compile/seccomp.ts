/** The step that installs the seccomp filter: from there on the kernel checks every system call of init. */
import type { Host } from '../host/facts.ts';
import { seccompFilter } from '../program/calls.ts';
import { filterFlags } from '../seccomp/filter.ts';
import { allows, usesNotify } from '../seccomp/notify.ts';
import type { Config } from '../spec/config.ts';
import { add, type Draft } from './draft.ts';
import { type AgentMessage, compileListener, LISTENER } from './seccomp-agent.ts';

/** Shown in place of the instructions where there is no libseccomp to make them. */
const NOT_COMPILED = 'compiled by libseccomp when it runs';

/**
 * Why this config cannot really be run here: it asks for a filter and none could be made. To be
 * asked before anything is made; going on without the filter would give up a protection that
 * somebody counts on.
 */
export function seccompMissing(config: Config, host: Host): string | undefined {
  if (!config.linux?.seccomp || host.seccompFilter) return undefined;
  return 'the container is to have a seccomp filter (#/linux/seccomp), and this machine has no libseccomp to compile it: install it (Debian: apt install libseccomp2; Alpine: apk add libseccomp), or say --security-opt seccomp=unconfined to go without';
}

/** What the profile comes to, for the reader. */
function summary(config: Config): string {
  const profile = config.linux?.seccomp;
  const count = new Set(profile?.syscalls?.flatMap((rule) => rule.names)).size;
  const otherwise: Record<string, string> = {
    SCMP_ACT_ALLOW: 'all others are allowed',
    SCMP_ACT_LOG: 'all others are allowed and logged',
    SCMP_ACT_ERRNO: 'all others fail with an errno',
    SCMP_ACT_TRAP: 'all others raise SIGSYS',
    SCMP_ACT_TRACE: 'all others ask the tracer',
  };
  return `It has rules for ${count} system calls; ${otherwise[profile?.defaultAction ?? ''] ?? 'all others kill the process'}.`;
}

/** Calls that minirun-init makes to report: a filter that stops them mutes it. */
const REPORTING = ['read', 'write', 'clock_gettime'];

/**
 * Adds init's step that installs the filter. It must come as late as possible, because init's own
 * remaining calls are filtered too; and without no_new_privs it needs CAP_SYS_ADMIN, so then it
 * must come before the capabilities are dropped (the caller chooses the place).
 */
export function compileSeccomp(draft: Draft, agent: AgentMessage): void {
  const { config, host } = draft;
  const profile = config.linux?.seccomp;
  if (!profile) return;
  const filter = host.seccompFilter ?? new Uint8Array(0);
  const call = seccompFilter(filter, filterFlags(profile));
  if (!host.seccompFilter) {
    draft.warnings.push(
      'The seccomp filter is shown without its instructions: libseccomp compiles them where the container runs, and it is not installed here.',
    );
    for (const arg of call.args) {
      if (arg.kind !== 'struct') continue;
      for (const f of arg.fields) if (f.value.kind === 'data') f.value = { ...f.value, shows: NOT_COMPILED };
    }
  }
  add(draft, {
    actor: 'init',
    chapter: 'privileges',
    from: '#/linux/seccomp',
    call,
    ...(usesNotify(profile) ? { saves: LISTENER } : {}),
    ...(REPORTING.every((name) => allows(profile, name)) ? {} : { mutes: true }),
    why: `Hands the kernel a small program that it runs before each system call of this process and of its children, for good: it looks at the call's number and arguments and says yes or no. All containers share one kernel, and most of its bugs sit in calls that ordinary programs never make. ${summary(config)}`,
  });
  if (usesNotify(profile)) compileListener(draft, profile, agent);
}
