/**
 * SCMP_ACT_NOTIFY: system calls that a process outside, the agent, decides about (seccomp_unotify(2)).
 *
 * The kernel gives the listening end of a filter to the process that installs it, and from that
 * moment the filter holds. So the call that hands the listener to the agent is itself filtered:
 * were it one that the agent decides about, it would wait for an agent that waits for it.
 * Source: runtime-spec, config-linux.md, "Seccomp" and "The Container Process State".
 */
import type { Seccomp } from '../spec/config.ts';

const NOTIFY = 'SCMP_ACT_NOTIFY';
const PASSES = new Set(['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG']);

/** Some call is left to the agent: the filter needs a listener. */
export const usesNotify = (profile: Seccomp): boolean => profile.syscalls?.some((rule) => rule.action === NOTIFY) ?? false;

/** The profile lets this call pass, whatever its arguments are. */
export function allows(profile: Seccomp, name: string): boolean {
  const rules = profile.syscalls?.filter((rule) => rule.names.includes(name)) ?? [];
  const otherwise = PASSES.has(profile.defaultAction);
  if (!rules.every((rule) => PASSES.has(rule.action))) return false;
  return otherwise || rules.some((rule) => !rule.args?.length);
}

export type SendingCall = 'sendmsg' | 'sendmmsg';

/**
 * The call that can hand over the listener under this profile; undefined when it lets none pass.
 * sendmmsg(2) is the second choice: agents that watch the network (bypass4netns) decide about sendmsg.
 */
export const sendingCall = (profile: Seccomp): SendingCall | undefined =>
  (['sendmsg', 'sendmmsg'] as const).find((name) => allows(profile, name));
