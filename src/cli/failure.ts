/** A failure as the person sees it: one line (or the explained step), and the exit code that Docker would give. */
import { UsageError } from './usage-error.ts';

/** minirun itself failed, or refused. */
export const OWN_FAILURE = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

interface Known {
  name?: string;
  code?: unknown;
  step?: { call: { name: string } };
  call?: unknown;
}

/** The errno and the libc call of a failed step, whether it failed here or in a detached run's keeper. */
function failedCall(error: unknown): { call: string | undefined; code: string | undefined } {
  const e = error as Known | undefined;
  const call = e?.step?.call.name ?? (typeof e?.call === 'string' ? e.call : undefined);
  return { call, code: typeof e?.code === 'string' ? e.code : undefined };
}

/** The daemon answered that it cannot: docker-modem's error. */
const isAnswer = (error: unknown): boolean => typeof (error as { statusCode?: unknown } | undefined)?.statusCode === 'number';

/** 127: the command was not found. 126: found, but it cannot be executed. 1: the daemon refused. 125: all else. */
export function exitCodeOf(error: unknown): number {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  if (typeof exitCode === 'number') return exitCode;
  if (isAnswer(error)) return 1;
  const { call, code } = failedCall(error);
  if (call !== 'execve' && call !== 'execveat') return OWN_FAILURE;
  return code === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE;
}

/** Errors that say by themselves what to do. */
const PLAIN = new Set(['UsageError', 'RootfsError', 'ConfigError']);

/** What is written to standard error: `minirun: ` and the message, a single line for what a person typed wrong. */
export async function describe(error: unknown): Promise<string> {
  const e = error as Error;
  if (error instanceof UsageError || PLAIN.has(e?.name)) return `minirun: ${e.message.replace(/\s*\n\s*/g, ' ')}\n`;
  if (e?.name === 'Aborted') return `minirun: ${e.message}\n`;
  if (e?.name === 'StepError') {
    const { explainFailure } = await import('../explain/causes.ts');
    return `minirun: ${explainFailure(e)}\n`;
  }
  if (isAnswer(error)) {
    const { sentenceOf } = await import('./docker/connect/failed.ts');
    return `minirun: ${sentenceOf(error as Parameters<typeof sentenceOf>[0])}\n`;
  }
  return `minirun: ${e instanceof Error ? e.message : String(error)}\n`;
}
