/** Per-process limits and scheduling: rlimits, OOM score, nice, I/O priority, memory policy, personality. */
import { IOPRIO, PER, RLIMIT, SCHED, SCHED_FLAG } from '../../libc/flags.ts';
import { ioprioSet, personality, prlimit, schedSetattr } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, type Draft, type Setting, writeFile } from './draft.ts';
import { compileMemoryPolicy } from './memory-policy.ts';

const CAP_SYS_RESOURCE = 24n;
const UNLIMITED = 0xffffffffffffffffn;

/** A JSON number as 64 bits; 2^64-1 arrives as 2^64 because a double cannot hold it. */
const limit64 = (n: number): bigint => (n < 0 || n >= 2 ** 63 ? UNLIMITED : BigInt(n));

/** The runtime sets init's rlimits, because raising one needs a privilege that init may not have. */
export function compileRlimits(draft: Draft): void {
  const { host } = draft;
  const mayRaise = host.uid === 0 && (host.bounding & (1n << CAP_SYS_RESOURCE)) !== 0n;
  draft.config.process?.rlimits?.forEach((r, i) => {
    const resource = RLIMIT[r.type as keyof typeof RLIMIT];
    const ceiling = host.rlimits[r.type];
    let soft = limit64(r.soft);
    let hard = limit64(r.hard);
    if (!mayRaise && ceiling !== undefined && Number.isFinite(ceiling) && hard > BigInt(ceiling)) {
      draft.warnings.push(`${r.type} stays at ${ceiling}: minirun has no CAP_SYS_RESOURCE, so it cannot raise a hard limit`);
      hard = BigInt(ceiling);
      if (soft > hard) soft = hard;
    }
    const call = prlimit(resource, soft, hard);
    call.args[0] = ref('init');
    add(draft, {
      actor: 'runtime',
      chapter: 'privileges',
      from: `#/process/rlimits/${i}`,
      call,
      why: 'Limit what this one process (and its children, each) may use. The runtime sets it from outside, as late as possible, so that making the container is not limited by it.',
    });
  });
}

/** How willingly the kernel kills it when memory runs out. */
export function compileOomScore(draft: Draft): void {
  const score = draft.config.process?.oomScoreAdj;
  if (score === undefined) return;
  const mayLower = (draft.host.bounding & (1n << CAP_SYS_RESOURCE)) !== 0n && draft.host.uid === 0;
  if (score < 0 && !mayLower)
    draft.warnings.push(`oom score ${score} may be refused: lowering it needs CAP_SYS_RESOURCE, which minirun does not have`);
  writeFile(
    draft,
    { actor: 'runtime', chapter: 'cgroup', from: '#/process/oomScoreAdj' },
    ['/proc/', ref('init'), '/oom_score_adj'],
    String(score),
    'How willingly the kernel kills this process when memory runs out: 1000 is first, -1000 never.',
    score < 0 && !mayLower ? { ignore: ['EACCES', 'EPERM'] } : {},
  );
}

const IOPRIO_CLASS_SHIFT = 13;

/** Scheduling policy, I/O priority and execution domain. */
export function compileScheduling(draft: Draft): void {
  const { process, linux } = draft.config;
  const setting = (from: string): Setting => ({ actor: 'init', chapter: 'privileges', from });
  const s = process?.scheduler;
  if (s) {
    const flags = (s.flags ?? []).reduce((bits, name) => bits | (SCHED_FLAG[name as keyof typeof SCHED_FLAG] ?? 0), 0);
    add(draft, {
      ...setting('#/process/scheduler'),
      call: schedSetattr({
        policy: SCHED[s.policy as keyof typeof SCHED] ?? 0,
        flags,
        nice: s.nice ?? 0,
        priority: s.priority ?? 0,
        runtime: BigInt(s.runtime ?? 0),
        deadline: BigInt(s.deadline ?? 0),
        period: BigInt(s.period ?? 0),
      }),
      why: 'How the scheduler shares out the processor to it.',
    });
  }
  const io = process?.ioPriority;
  if (io) {
    add(draft, {
      ...setting('#/process/ioPriority'),
      call: ioprioSet(((IOPRIO[io.class] ?? 0) << IOPRIO_CLASS_SHIFT) | (io.priority ?? 0)),
      why: 'How its reads and writes queue up against those of other processes.',
    });
  }
  compileMemoryPolicy(draft);
  if (linux?.personality?.flags?.length)
    draft.warnings.push(`ignoring unsupported personality flags: ${linux.personality.flags.join(', ')} (the specification has none yet)`);
  const domain = linux?.personality?.domain;
  if (domain) {
    add(draft, {
      ...setting('#/linux/personality'),
      call: personality(domain === 'LINUX32' ? PER.PER_LINUX32 : PER.PER_LINUX),
      why: 'Which kind of system uname(2) claims this to be: a 32-bit image on a 64-bit kernel wants to be told i686.',
    });
  }
}
