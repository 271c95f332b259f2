/** GET /containers/ID/stats: what a container uses, each second or once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Daemon } from '../../daemon.ts';
import { badRequest } from '../../http/api-error.ts';
import type { Call } from '../../http/call.ts';
import { flag } from '../../http/query.ts';
import type { Container } from '../containers.ts';
import { isRunning } from '../record.ts';
import { takeSample } from './sample.ts';
import { noSample, type Sample, statsMessage } from './stats.ts';

const SECOND = 1000;

type Parts = Pick<Daemon, 'clients'>;
type Request = Pick<Call, 'query' | 'signal' | 'reply' | 'stream' | 'response'>;

/** @throws 400 */
export async function sendStats(daemon: Parts, container: Container, call: Request): Promise<void> {
  const stream = flag(call.query, 'stream', true);
  const oneShot = flag(call.query, 'one-shot');
  if (stream && oneShot) throw badRequest('cannot have stream=true and one-shot=true');
  if (stream) return streamStats(daemon, container, call);
  call.reply(200, await statsOnce(daemon, container, oneShot, call.signal));
}

const about = ({ id, record }: Container) => ({ id, name: record.Name });

/** Two looks, a second apart: only so can a share of the processor be told. @param oneShot one look will do */
async function statsOnce(daemon: Parts, container: Container, oneShot: boolean, signal: AbortSignal): Promise<object> {
  if (!isRunning(container.record)) return statsMessage(noSample(), undefined, about(container));
  const first = await takeSample(daemon, container);
  if (oneShot) return statsMessage(first, undefined, about(container));
  // Who goes meanwhile is not waited for.
  await sleep(SECOND, undefined, { signal }).catch(() => undefined);
  return statsMessage(await takeSample(daemon, container), first, about(container));
}

/** Each second, until the client goes or the container is removed. A client that reads slowly misses some. */
async function streamStats(daemon: Parts, container: Container, call: Request): Promise<void> {
  const ended = new AbortController();
  const response = call.stream();
  const end = () => ended.abort();
  const off = container.onChange((change) => change === 'removed' && end());
  response.once('close', end);
  try {
    let before: Sample | undefined;
    while (!ended.signal.aborted) {
      const began = Date.now();
      const sample = isRunning(container.record) ? await takeSample(daemon, container) : noSample();
      if (!response.writableNeedDrain) response.write(`${JSON.stringify(statsMessage(sample, before, about(container)))}\n`);
      before = sample;
      await sleep(Math.max(0, SECOND - (Date.now() - began)), undefined, { signal: ended.signal }).catch(() => undefined);
    }
  } finally {
    off();
    response.off('close', end);
    response.end();
  }
}
