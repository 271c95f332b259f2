/** `--oom-score-adj`: proc_pid_oom_score_adj(5). */
import type { MachineFacts } from '../../host/facts.ts';
import type { HostConfig } from '../config.ts';

/** Below zero only who has CAP_SYS_RESOURCE may go. */
const mayLower = ({ capabilities }: Pick<MachineFacts, 'capabilities'>): boolean => capabilities.includes('CAP_SYS_RESOURCE');

/** As far as this daemon may set it. */
export const oomScoreOf = ({ OomScoreAdj = 0 }: HostConfig, facts: Pick<MachineFacts, 'capabilities'>): number =>
  mayLower(facts) ? OomScoreAdj : Math.max(0, OomScoreAdj);

export const oomScoreWarnings = ({ OomScoreAdj = 0 }: HostConfig, facts: Pick<MachineFacts, 'capabilities'>): string[] =>
  OomScoreAdj < 0 && !mayLower(facts)
    ? [`The daemon may not lower the OOM score to ${OomScoreAdj}: it lacks CAP_SYS_RESOURCE. The container gets 0.`]
    : [];
