/**
 * The seccomp agent: a process outside that decides about the system calls which the profile
 * leaves to it (SCMP_ACT_NOTIFY). It gets the listening end of the filter, and a message that says
 * whose it is. Source: runtime-spec, config-linux.md, "The Container Process State"; seccomp_unotify(2).
 *
 * Init itself sends both, over a connection that the runtime made before: nobody else has the
 * listener, and with create and start apart the runtime may have left long ago.
 */
import { AT_FDCWD, memory, text } from '../program/args.ts';
import { close, memfdCreate, type Piece, pread, readlinkat, sendPieces, writeStart } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { allows, sendingCall, usesNotify } from '../seccomp/notify.ts';
import type { Config, Seccomp } from '../spec/config.ts';
import { add, closeResult, type Draft, type Setting } from './draft.ts';

/** The result that holds the listening end of the filter. */
export const LISTENER = 'listener';
/** The buffer with init's number, in decimal, and the result that holds how many digits it has. */
const OWN_NUMBER = 'own number';
const DIGITS = 'digits';

/** What the agent is told of, apart from the process. */
export interface AgentMessage {
  /** Init's descriptor that is connected to the agent. */
  socket: number;
  id: string;
  bundle: string;
  /** exec: the container's first process, as the runtime sees it. Otherwise init is that process. */
  container?: number | undefined;
}

const setting: Setting = { actor: 'init', chapter: 'privileges', from: '#/linux/seccomp/listenerPath' };

/** The socket of the agent, where the config needs one. */
export const agentPath = (config: Config): string | undefined =>
  config.linux?.seccomp && usesNotify(config.linux.seccomp) ? config.linux.seccomp.listenerPath : undefined;

/** The agent's socket as a part of the program: who starts it connects {@link AgentMessage.socket} to it. */
export function agentOf(config: Config): { agent?: string } {
  const agent = agentPath(config);
  return agent === undefined ? {} : { agent };
}

/** Init learns its own process number as the host counts: later, in its own /proc, it would be another one. */
export function compileOwnNumber(draft: Draft): void {
  if (agentPath(draft.config) === undefined) return;
  add(draft, {
    ...setting,
    chapter: 'namespaces',
    call: readlinkat(AT_FDCWD, '/proc/self', 16, OWN_NUMBER),
    saves: DIGITS,
    minor: true,
    man: 'proc_pid(5)',
    why: "Which number does this process have for the host? The host's /proc, which is still in sight, says it; getpid(2) would give the number in the new pid namespace. The seccomp agent must know it.",
  });
}

/** As many bytes as the number of a process, and a space, need at most. */
const NUMBER_SIZE = 12;

/**
 * The same for exec, where init is born among the container's processes and has no /proc of the host:
 * the starter, to whom clone(2) says the number, leaves it in a file in memory.
 * @returns the steps before the clone, after it, and those of init
 */
export function compileNumberFromStarter(draft: Draft): { before: () => void; after: () => void; read: () => void } {
  if (agentPath(draft.config) === undefined) return { before() {}, after() {}, read() {} };
  const starter: Setting = { ...setting, actor: 'starter', chapter: 'namespaces' };
  const init: Setting = { ...setting, chapter: 'namespaces' };
  const file = ref('number');
  return {
    before: () =>
      add(draft, { ...starter, call: memfdCreate('number'), saves: 'number', minor: true, why: 'A file in memory, for one number.' }),
    after: () =>
      add(draft, {
        ...starter,
        call: writeStart(file, [ref('init'), ' '.repeat(NUMBER_SIZE)], NUMBER_SIZE),
        minor: true,
        why: 'The number that the new process has for the host. Spaces fill it up; to JSON they are nothing.',
      }),
    read() {
      add(draft, {
        ...init,
        call: pread(file, NUMBER_SIZE, OWN_NUMBER),
        saves: DIGITS,
        minor: true,
        why: 'Which number does this process have for the host? getpid(2) would give the one in its pid namespace. The seccomp agent must know it.',
      });
      closeResult(draft, init, file);
    },
  };
}

/** The message as JSON, cut where process numbers belong. */
function stateParts(config: Config, profile: Seccomp, agent: AgentMessage): string[] {
  const { 'minirun.id': _own, ...annotations } = config.annotations ?? {};
  const inside = agent.container !== undefined;
  const CUT = 987654321;
  return JSON.stringify({
    ociVersion: config.ociVersion,
    fds: ['seccompFd'],
    pid: CUT,
    ...(profile.listenerMetadata ? { metadata: profile.listenerMetadata } : {}),
    state: {
      ociVersion: config.ociVersion,
      id: agent.id,
      status: inside ? 'running' : 'creating',
      pid: agent.container ?? CUT,
      bundle: agent.bundle,
      ...(Object.keys(annotations).length ? { annotations } : {}),
    },
  }).split(new RegExp(`(?<="pid":)${CUT}`));
}

/** Sends the listener. Nothing but this one call may stand between it and the filter: all calls are filtered now. */
export function compileListener(draft: Draft, profile: Seccomp, agent: AgentMessage): void {
  const pieces = stateParts(draft.config, profile, agent).flatMap((part, i): Piece[] => [
    ...(i ? ([[memory(OWN_NUMBER), ref(DIGITS)]] as Piece[]) : []),
    [text(part), Buffer.byteLength(part)],
  ]);
  add(draft, {
    ...setting,
    call: sendPieces(sendingCall(profile) ?? 'sendmsg', agent.socket, ref(LISTENER), pieces),
    man: 'seccomp_unotify(2)',
    why: 'Hand the listening end of the filter to the agent, and say whose it is. From now on the calls that the profile leaves to the agent wait until it has answered; should it end, they fail with ENOSYS.',
  });
  // Otherwise execve closes it; an agent that reads to the end and decides about close would wait for itself.
  if (allows(profile, 'close')) {
    add(draft, {
      ...setting,
      call: close(agent.socket),
      minor: true,
      why: 'The message is complete: the end of the connection says so.',
    });
  }
}
